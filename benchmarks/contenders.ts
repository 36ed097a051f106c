import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";

/** One repetition of one contender. */
export interface Measurement {
  images: number;
  bytesIn: number;
  bytesOut: number;
  /** As the contender counts it: of the loop, or from the start of the process until the rows are loaded. */
  wallMs: number;
  /** From spawn to exit. */
  processMs: number;
  /** User and system, of all its processes. Absent where the system does not tell. */
  cpuMs?: number;
}

export interface Contender {
  name: string;
  what: string;
  run(): Promise<Measurement>;
}

const root = join(import.meta.dirname, "..");

export interface Place {
  /** Folder of the images. */
  source: string;
  /** Emptied before each repetition. */
  scratch: string;
  cores: number;
}

export function bareLoop({ source, scratch, cores }: Place, tuned: boolean): Contender {
  return {
    name: tuned ? "bare loop, tuned" : "bare loop",
    what: `one process, ${cores} libuv threads, ${cores} images in flight${tuned ? ", sharp.concurrency(1), no cache" : ", sharp as it comes"}; writes the thumbnail and nothing else`,
    run: () =>
      program(
        scratch,
        process.execPath,
        [join(root, "benchmarks", "bare.ts"), source, join(scratch, "bare"), String(cores), ...(tuned ? ["tuned"] : [])],
        { UV_THREADPOOL_SIZE: String(cores) },
      ),
  };
}

/** A program that writes thumbnails and ends with a line of JSON: images, bytesIn, bytesOut, wallMs. */
export async function program(scratch: string, file: string, args: string[], env: Record<string, string> = {}): Promise<Measurement> {
  const { lastLine, cost } = await measured(scratch, file, args, env);
  const { images, bytesIn, bytesOut, wallMs } = JSON.parse(lastLine) as Omit<Measurement, "processMs" | "cpuMs">;
  return { images, bytesIn, bytesOut, wallMs, ...cost };
}

/** The whole run, by its command line: plan, workers, archive of outputs and sources, rows, commits, seal, load, report. */
export function imagemill({ source, scratch }: Place, flags: { name: string; what: string; args: string[] }): Contender {
  const where = ["--source", source, "--archive", join(scratch, "archive"), "--control", join(scratch, "control")];
  const rows = [
    "--warehouse",
    `duckdb://${join(scratch, "rows.duckdb")}`,
    "--job",
    "facts",
    "--job",
    'thumbnails:{"sizes":[256],"quality":80}',
  ];
  return {
    ...flags,
    run: async () => {
      const args = [join(root, "submit", "bin.js"), "run", "--json", "--log-level", "error", ...where, ...rows, ...flags.args];
      const result = await measured(scratch, process.execPath, args, {});
      const summary = JSON.parse(result.lastLine) as { ok: number; listed: number; bytesIn: number; bytesOut: number; wallMs: number };
      if (summary.ok !== summary.listed && !flags.args.includes("--limit"))
        throw new Error(`${summary.listed - summary.ok} images are not ok`);
      const { ok: images, bytesIn, bytesOut, wallMs } = summary;
      return { images, bytesIn, bytesOut, wallMs, ...result.cost };
    },
  };
}

async function measured(
  scratch: string,
  file: string,
  args: string[],
  env: Record<string, string>,
): Promise<{ lastLine: string; cost: Pick<Measurement, "processMs" | "cpuMs"> }> {
  await rm(scratch, { recursive: true, force: true });
  const [cpuBefore, started] = [await childrenCpuMs(), performance.now()];
  const child = spawn(file, args, { stdio: ["ignore", "pipe", "inherit"], env: { ...process.env, ...env } });
  let out = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  const [code] = (await once(child, "close")) as [number | null];
  const processMs = performance.now() - started;
  const cpuAfter = await childrenCpuMs();
  if (code !== 0) throw new Error(`${[file, ...args].join(" ")} ended with ${code}`);
  const lastLine = out.trimEnd().split("\n").at(-1) ?? "";
  return { lastLine, cost: { processMs, ...(cpuBefore !== undefined && cpuAfter !== undefined && { cpuMs: cpuAfter - cpuBefore }) } };
}

/** CPU time of all children that have ended, and of theirs (Linux). */
async function childrenCpuMs(): Promise<number | undefined> {
  try {
    const fields = (await readFile("/proc/self/stat", "utf8")).replace(/^.*\) /s, "").split(" ");
    return (Number(fields[13]) + Number(fields[14])) * 10;
  } catch {
    return undefined;
  }
}
