import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync } from "node:fs";
import { hostname } from "node:os";
import type { Clock } from "../../core/clock.ts";
import { codeOf, exitCodes, ImagemillError, messageOf } from "../../core/errors.ts";
import type { Logger } from "../../core/log.ts";
import type { SparkEngineConfig } from "../../configs/config.ts";
import type { Engine, EngineStatus, Link, SubmitRequest } from "./engine.ts";
import { identityOf, isAlive, sendSignal, type ProcessIdentity } from "./process-identity.ts";
import { type NodeRuntime, refuseOwnJobs, sparkArguments, sparkSpec } from "./spark/command.ts";
import {
  alone,
  filesIn,
  freshFolder,
  logTail,
  readIfThere,
  type SparkStatus,
  type SubmissionFiles,
  submissionFiles,
  writeWhole,
} from "./spark/submission.ts";

export interface SparkEngineOptions {
  config: SparkEngineConfig;
  /** URL of the control store, as workers are told it. */
  control: string;
  /** Submissions of this control store on this machine are remembered below it. */
  stateFolder: string;
  /** What nodes execute; asked for at submit. */
  runtime: (signal: AbortSignal) => Promise<NodeRuntime>;
  /** Of spark-submit. */
  environment: NodeJS.ProcessEnv;
  /** What workers get over the nodes' own. */
  workerEnvironment: Record<string, string>;
  logLevel: string;
  log: Logger;
  clock: Clock;
  /** How long a cancelled Spark application may take before its driver is killed. Default 30,000. */
  graceMs?: number;
}

/** spark-submit in client mode: a process of one machine, on which alone it can be looked at. */
export interface SparkHandle extends ProcessIdentity {
  runId: string;
  master: string;
  host: string;
  /** Folder of the submission on that host. */
  folder: string;
}

const stopLookMs = 100;
/** From one signal to the next, harder one. */
const escalationMs = 5000;

/**
 * Any Spark cluster: spark-submit runs a small PySpark program, for which each shard is a Spark task. The process goes
 * on without this one.
 */
export function createSparkEngine(options: SparkEngineOptions): Engine<SparkHandle> {
  return {
    name: "spark",
    remote: true,
    submit: async (request, signal) => submit(request, options, signal),
    poll: async (handle, signal) => {
      signal.throwIfAborted();
      return Promise.resolve(statusOf(handle));
    },
    cancel: async (handle, signal) => cancel(handle, options, signal),
    links: linksOf,
    close: async () => Promise.resolve(),
  };
}

async function submit(request: SubmitRequest, options: SparkEngineOptions, signal: AbortSignal): Promise<SparkHandle> {
  signal.throwIfAborted();
  const { plan, submission } = request;
  const files = submissionFiles(options.stateFolder, plan.runId, submission);
  const runtime = await options.runtime(signal);
  refuseOwnJobs(plan, runtime);
  const begun = alone(files, () => {
    const live = readIfThere<SparkHandle>(files.handle);
    return live !== undefined && isAlive(live) ? live : begin(request, files, runtime, options);
  });
  return "pid" in begun ? begun : startError(begun.child, options.config.submitCommand);
}

/** In one go, so that nobody else begins the same meanwhile. */
function begin(
  { plan, shards }: SubmitRequest,
  files: SubmissionFiles,
  runtime: NodeRuntime,
  options: SparkEngineOptions,
): SparkHandle | { child: ChildProcess } {
  const { config, control, environment } = options;
  const parameters = sparkArguments(config, plan, runtime, files);
  freshFolder(files, options.clock.now());
  const spec = sparkSpec(plan, shards, runtime, {
    ...config,
    control,
    status: files.status,
    environment: options.workerEnvironment,
    logLevel: options.logLevel,
  });
  writeWhole(files.spec, JSON.stringify(spec));
  const output = openSync(files.log, "a", 0o600);
  const child = spawn(config.submitCommand, parameters, {
    stdio: ["ignore", output, output],
    detached: true,
    env: environment,
  });
  closeSync(output);
  child.unref();
  const identity = child.pid === undefined ? undefined : identityOf(child.pid);
  if (identity === undefined) return { child };
  child.on("error", (error) => options.log.warn("spark-submit", { message: error.message }));
  const handle: SparkHandle = { ...identity, runId: plan.runId, master: config.master!, host: hostname(), folder: files.folder };
  writeWhole(files.handle, JSON.stringify(handle));
  return handle;
}

async function startError(child: ChildProcess, command: string): Promise<never> {
  const error: unknown = child.pid === undefined ? (await once(child, "error"))[0] : undefined;
  const reason = error === undefined ? "it ended at once" : messageOf(error);
  const isUnfit = ["ENOENT", "EACCES"].includes(codeOf(error) ?? "");
  throw new ImagemillError("SPARK_SUBMIT_FAILED", `cannot start ${command}: ${reason}`, {
    ...(isUnfit && { exitCode: exitCodes.precondition }),
    hint: "Install Spark on this machine (`pip install pyspark`) or say where it is: --set spark.submitCommand=/path/to/spark-submit",
  });
}

function statusOf(handle: SparkHandle): EngineStatus {
  if (handle.host !== hostname()) return { state: "lost", message: elsewhere(handle) };
  const files = filesIn(handle.folder);
  const said = readIfThere<SparkStatus>(files.status);
  if (said !== undefined && said.state !== "running" && said.state !== "pending") return ended(said, files);
  if (isAlive(handle)) return said === undefined ? { state: "pending" } : counted(said);
  if (existsSync(files.cancelled)) return { state: "cancelled" };
  const tail = logTail(files);
  return {
    state: said === undefined ? "failed" : "lost",
    message: `spark-submit (process ${handle.pid}) ended ${said === undefined ? "before it began" : "in the middle of the work"}${tail === "" ? "" : `; the end of its log:\n${tail}`}`,
    hint: `Its log is ${files.log}; the same command does what is left.`,
  };
}

function elsewhere({ host, pid, runId }: SparkHandle): string {
  return `spark-submit was started on ${host} (process ${pid}), which cannot be seen from here; \`imagemill status ${runId}\` there tells more`;
}

function counted({ state, running, retried, failed }: SparkStatus): EngineStatus {
  return {
    state,
    ...(running !== undefined && { running }),
    ...(retried !== undefined && { retried }),
    ...(failed !== undefined && { failed }),
  };
}

function ended(said: SparkStatus, files: SubmissionFiles): EngineStatus {
  const hint = said.hint ?? (said.state === "failed" ? `What is committed is kept; the log is ${files.log}.` : undefined);
  return {
    ...counted(said),
    ...(typeof said.message === "string" && { message: said.message }),
    ...(hint !== undefined && { hint }),
  };
}

/** The driver first: it knows how to stop what runs on nodes. Elsewhere the workers see the run's cancel record. */
async function cancel(handle: SparkHandle, { clock, graceMs = 30_000, log }: SparkEngineOptions, signal: AbortSignal): Promise<void> {
  if (handle.host !== hostname()) {
    log.warn("spark-elsewhere", { message: elsewhere(handle) });
    return;
  }
  if (!isAlive(handle)) return;
  const files = filesIn(handle.folder);
  writeWhole(files.cancelled, "");
  const driver = readIfThere<SparkStatus>(files.status);
  sendSignal(driver === undefined ? -handle.pid : driver.pid, "SIGTERM");
  if (await endsWithin(handle, graceMs, clock, signal)) return;
  sendSignal(-handle.pid, "SIGTERM");
  if (await endsWithin(handle, escalationMs, clock, signal)) return;
  sendSignal(-handle.pid, "SIGKILL");
  await endsWithin(handle, escalationMs, clock, signal);
}

async function endsWithin(handle: SparkHandle, ms: number, clock: Clock, signal: AbortSignal): Promise<boolean> {
  const untilMs = clock.monotonicMs() + ms;
  while (isAlive(handle)) {
    if (clock.monotonicMs() > untilMs) return false;
    await clock.sleep(stopLookMs, signal);
  }
  return true;
}

function linksOf({ host, folder }: SparkHandle): Link[] {
  const ui = host === hostname() ? readIfThere<SparkStatus>(filesIn(folder).status)?.ui : undefined;
  return typeof ui === "string" && /^https?:/.test(ui) ? [{ label: "Spark", url: ui }] : [];
}
