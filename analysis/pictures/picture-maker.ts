import { fork, type ChildProcess } from "node:child_process";
import { readFile } from "node:fs/promises";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";

export interface PictureRequest {
  bytes: Uint8Array;
  /** The picture fits inside a square of this side. */
  boxPixels: number;
}

export interface PictureReply {
  picture?: { bytes: Uint8Array; width: number; height: number };
}

export interface PictureMakerOptions {
  deadlineMs: number;
  /** Of the process, resident; watched where the system shows it (Linux). */
  maxMemoryBytes: number;
  signal?: AbortSignal;
  /** For tests: another program in the place of the decoder. */
  entry?: string;
}

export interface PictureMaker extends AsyncDisposable {
  /** Undefined where no picture can be made, within its deadline and memory. Never fails but by its signal. */
  make(bytes: Uint8Array, boxPixels: number): Promise<PictureReply["picture"]>;
}

const watchEveryMs = 50;

/** Makes small pictures in a child process that may hang, crash or grow: it is then ended, and another one goes on. */
export function createPictureMaker({ deadlineMs, maxMemoryBytes, signal, entry = decoder() }: PictureMakerOptions): PictureMaker {
  let running: ChildProcess | undefined;

  const end = async (): Promise<void> => {
    const child = running;
    running = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await exited;
  };

  return {
    make: async (bytes, boxPixels) => {
      signal?.throwIfAborted();
      running ??= start(entry);
      const child = running;
      const reply = await ask(child, { bytes, boxPixels }, { deadlineMs, maxMemoryBytes, signal });
      if (reply === undefined) await end();
      signal?.throwIfAborted();
      return reply?.picture;
    },
    [Symbol.asyncDispose]: end,
  };
}

function decoder(): string {
  return fileURLToPath(new URL(`./picture-process${extname(import.meta.url)}`, import.meta.url));
}

function start(entry: string): ChildProcess {
  return fork(entry, {
    serialization: "advanced",
    execArgv: ["--max-old-space-size=128"],
    env: { ...process.env, UV_THREADPOOL_SIZE: "1" },
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  });
}

interface Watch {
  deadlineMs: number;
  maxMemoryBytes: number;
  signal: AbortSignal | undefined;
}

/** Undefined when the process died, or has to. */
function ask(
  child: ChildProcess,
  request: PictureRequest,
  { deadlineMs, maxMemoryBytes, signal }: Watch,
): Promise<PictureReply | undefined> {
  return new Promise((resolve) => {
    const settle = (reply: PictureReply | undefined): void => {
      clearTimeout(deadline);
      clearInterval(watch);
      child.off("message", settle).off("exit", lost).off("error", lost);
      signal?.removeEventListener("abort", lost);
      resolve(reply);
    };
    const lost = (): void => settle(undefined);
    const deadline = setTimeout(lost, deadlineMs);
    const watch = setInterval(() => {
      void residentBytes(child.pid).then((resident) => (resident > maxMemoryBytes ? lost() : undefined));
    }, watchEveryMs);
    child.once("message", settle).once("exit", lost).once("error", lost);
    signal?.addEventListener("abort", lost, { once: true });
    child.send(request, (error) => (error === null ? undefined : lost()));
  });
}

/** 0 where the system does not tell. */
async function residentBytes(pid: number | undefined): Promise<number> {
  try {
    const pages = Number((await readFile(`/proc/${pid}/statm`, "utf8")).split(" ")[1]);
    return pages * 4096;
  } catch {
    return 0;
  }
}
