import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

export interface ServerProcess extends AsyncDisposable {
  readonly pid: number;
  /** What it has printed, for messages. */
  output(): string;
  /** SIGKILL: a machine that vanishes. */
  kill(): Promise<void>;
}

export interface ServerCommand {
  command: string;
  args: string[];
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  /** Resolves to true once the server answers. */
  ready: () => Promise<boolean>;
  readyTimeoutMs?: number;
}

/** Starts a server in a process group of its own, waits until it answers, and stops it by process id when disposed. */
export async function startServer(server: ServerCommand): Promise<ServerProcess> {
  const child = spawn(server.command, server.args, {
    cwd: server.cwd,
    env: { ...process.env, ...server.env },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const tail = keepTail(child);
  const running = handle(child, tail);
  try {
    await untilReady(child, server, tail);
    return running;
  } catch (error) {
    await running[Symbol.asyncDispose]();
    throw error;
  }
}

function keepTail(child: ChildProcess): () => string {
  let text = "";
  const keep = (data: Buffer): void => {
    text = (text + data.toString()).slice(-20_000);
  };
  child.stdout?.on("data", keep);
  child.stderr?.on("data", keep);
  return () => text;
}

async function untilReady(child: ChildProcess, server: ServerCommand, tail: () => string): Promise<void> {
  const timeoutMs = server.readyTimeoutMs ?? 60_000;
  let startError: Error | undefined;
  child.on("error", (error) => {
    startError = error;
  });
  for (let waitedMs = 0; waitedMs < timeoutMs; waitedMs += 100) {
    if (startError !== undefined) throw startError;
    if (child.exitCode !== null) throw new Error(`${server.command} ended with ${child.exitCode}: ${tail()}`);
    if (await server.ready().catch(() => false)) return;
    await delay(100);
  }
  throw new Error(`${server.command} did not answer within ${timeoutMs} ms: ${tail()}`);
}

function handle(child: ChildProcess, output: () => string): ServerProcess {
  const pid = child.pid ?? -1;
  const ended = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null && pid > 0) await once(child, "exit");
  };
  const signal = (name: NodeJS.Signals): void => {
    try {
      if (pid > 0) process.kill(-pid, name);
    } catch {
      // The group has ended already.
    }
  };
  return {
    pid,
    output,
    kill: async () => {
      signal("SIGKILL");
      await ended();
    },
    [Symbol.asyncDispose]: async () => {
      signal("SIGTERM");
      await Promise.race([ended(), delay(5000, undefined, { ref: false })]);
      signal("SIGKILL");
      await ended();
    },
  };
}

/** A port that was free a moment ago, on the loopback address. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

export async function answersHttp(url: string): Promise<boolean> {
  await fetch(url, { signal: AbortSignal.timeout(2000) });
  return true;
}
