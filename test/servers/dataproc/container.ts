import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { SparkHome } from "../spark.ts";
import type { Buckets } from "./bucket.ts";

/** A PySpark program as batches and jobs describe it. */
export interface Program {
  main: string;
  args: string[];
  files: string[];
  archives: string[];
  pythonFiles: string[];
  properties: Record<string, string>;
}

export interface ContainerOptions {
  spark: SparkHome;
  buckets: Buckets;
  environment: NodeJS.ProcessEnv;
  /** Prefix of the objects that get what the driver prints. */
  outputUri: string;
  /** Aborts when it is to be stopped. */
  signal: AbortSignal;
  started: () => void;
}

const graceMs = 20_000;
/** Fewer threads in a JVM of one small machine. */
const thrifty = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1";
/** In the environment of all that belongs to one container. */
const mark = "IMAGEMILL_TEST_CONTAINER";

/** Runs a program with the real spark-submit; afterwards nothing of it is left. Resolves with its exit code. */
export async function runContainer(program: Program, options: ContainerOptions): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "imagemill-dataproc-"));
  const log = join(folder, "driver.log");
  try {
    const parameters = await materialise(program, folder, options.buckets);
    options.signal.throwIfAborted();
    return await submit(parameters, program, { folder, log }, options);
  } finally {
    await options.buckets.write(`${options.outputUri}.000000000`, await readFile(log, "utf8").catch(() => ""));
    await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  }
}

async function materialise(
  { main, args, files, archives, pythonFiles, properties }: Program,
  folder: string,
  buckets: Buckets,
): Promise<string[]> {
  await mkdir(join(folder, "work"));
  const local = async (uri: string, into: string): Promise<string> => {
    const [plain, fragment] = uri.split("#");
    const path = join(folder, into, basename(plain!));
    await buckets.download(plain!, path);
    return fragment === undefined ? path : `${path}#${fragment}`;
  };
  const all = async (uris: string[], into = ""): Promise<string> =>
    (await Promise.all(uris.map(async (uri) => local(uri, into)))).join(",");
  const parameters = [
    "--master",
    masterOf(properties),
    ...Object.entries(localProperties(properties)).flatMap(([key, value]) => ["--conf", `${key}=${value}`]),
  ];
  // Also in the working folder of the driver, as the service does it.
  if (files.length > 0) parameters.push("--files", await all(files, "work"));
  if (archives.length > 0) parameters.push("--archives", await all(archives));
  if (pythonFiles.length > 0) parameters.push("--py-files", await all(pythonFiles));
  return [...parameters, await local(main, ""), ...args];
}

/** Two executors' worth of this machine; Spark retries in one JVM as often as it would on a cluster. */
function masterOf(properties: Record<string, string>): string {
  return `local[2,${properties["spark.task.maxFailures"] ?? "4"}]`;
}

/** What is about machines of Google's is not for this one. */
function localProperties(properties: Record<string, string>): Record<string, string> {
  const kept = Object.entries(properties).filter(([name]) => !/^spark\.(executor|driver|dynamicAllocation|dataproc|yarn)\./.test(name));
  return {
    ...Object.fromEntries(kept),
    "spark.driver.memory": "512m",
    "spark.driver.extraJavaOptions": thrifty,
    "spark.ui.enabled": "false",
  };
}

async function submit(
  parameters: string[],
  { properties }: Program,
  { folder, log }: { folder: string; log: string },
  { spark, environment, signal, started }: ContainerOptions,
): Promise<number> {
  const id = randomUUID();
  const output = createWriteStream(log);
  await once(output, "open");
  const child = spawn(spark.submitCommand, parameters, {
    cwd: join(folder, "work"),
    stdio: ["ignore", output, output],
    detached: true,
    env: {
      ...process.env,
      ...spark.environment,
      ...environment,
      ...environmentOf(properties),
      SPARK_LOCAL_DIRS: folder,
      TMPDIR: folder,
      [mark]: id,
    },
  });
  const ended = once(child, "exit") as Promise<[number | null]>;
  started();
  const stop = (): void => send(-child.pid!, "SIGTERM");
  signal.addEventListener("abort", stop);
  try {
    if (signal.aborted) stop();
    const stopped = new Promise((resolve) => signal.addEventListener("abort", resolve)).then(async () =>
      delay(graceMs, undefined, { ref: false }),
    );
    const [code] = await Promise.race([ended, stopped.then(() => [null])]);
    return code ?? 143;
  } finally {
    signal.removeEventListener("abort", stop);
    await killMarked(id);
    output.end();
  }
}

function environmentOf(properties: Record<string, string>): NodeJS.ProcessEnv {
  const prefix = /^spark\.(dataproc\.driverEnv|executorEnv)\./;
  const named = Object.entries(properties).filter(([name]) => prefix.test(name));
  return Object.fromEntries(named.map(([name, value]) => [name.replace(prefix, ""), value]));
}

/** A container that ends takes all its processes along. */
async function killMarked(id: string): Promise<void> {
  for (;;) {
    const left = await markedProcesses(id);
    if (left.length === 0) return;
    for (const pid of left) send(pid, "SIGKILL");
    await delay(50);
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended meanwhile.
  }
}

async function markedProcesses(id: string): Promise<number[]> {
  const found: number[] = [];
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const environment = await readFile(`/proc/${name}/environ`, "latin1").catch(() => "");
    if (environment.includes(`${mark}=${id}`)) found.push(Number(name));
  }
  return found;
}
