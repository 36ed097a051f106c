import { hostname } from "node:os";
import { fileURLToPath } from "node:url";
import { ImagemillError, usageError } from "../../../core/errors.ts";
import type { Plan, ShardSummary } from "../../../core/types.ts";
import type { SparkEngineConfig } from "../../../configs/config.ts";
import type { SparkSpec, SubmissionFiles } from "./submission.ts";

/** What of us is on nodes: this installation, or the runtime archive of `imagemill bundle`, to be sent if it has a file. */
export type NodeRuntime = { kind: "here"; command: string[] } | { kind: "archive"; file?: string };

/** Name of the folder into which Spark unpacks the archive on each node. */
export const runtimeFolder = "imagemill-runtime";

/** The Spark application. */
export const driverFile = fileURLToPath(new URL("driver.py", import.meta.url));

/** Whether nodes run this installation or are sent an archive. */
export function isHere({ worker, master = "" }: SparkEngineConfig): boolean {
  if (worker !== "auto") return worker === "here";
  const host = /^spark:\/\/(\[[^\]]*\]|[^:,/]*)/.exec(master)?.[1] ?? "";
  return master.startsWith("local") || host.startsWith("127.") || [hostname(), "localhost", "[::1]"].includes(host);
}

/** Arguments of spark-submit: client mode, so that its process is the work. */
export function sparkArguments(config: SparkEngineConfig, plan: Plan, runtime: NodeRuntime, files: SubmissionFiles): string[] {
  const { master } = config;
  if (master === undefined) throw usageError("no Spark cluster is named", "--spark-master spark://host:7077 (or yarn, k8s://…, local[2])");
  const properties = { ...taskProperties(config), ...config.conf };
  return [
    "--master",
    retrying(master, config.shardAttempts),
    "--deploy-mode",
    "client",
    "--name",
    `imagemill ${plan.runId}`,
    ...Object.entries(properties).flatMap(([key, value]) => ["--conf", `${key}=${value}`]),
    ...(runtime.kind === "archive" && runtime.file !== undefined ? ["--archives", `${runtime.file}#${runtimeFolder}`] : []),
    driverFile,
    files.spec,
  ];
}

/** In one JVM Spark retries nothing unless the master's URL says how often. */
function retrying(master: string, attempts: number): string {
  const threads = /^local(?:\[([^,\]]+)\])?$/.exec(master);
  return threads === null ? master : `local[${threads[1] ?? "1"},${attempts + 1}]`;
}

/** How shards are done as Spark tasks. */
export interface TaskConfig {
  taskCpus: number;
  shardAttempts: number;
  speculation: boolean;
}

export function taskProperties({ taskCpus, shardAttempts, speculation }: TaskConfig): Record<string, string> {
  return {
    "spark.task.cpus": String(taskCpus),
    // The driver gives a shard up before that, so that one shard does not end the others' work.
    "spark.task.maxFailures": String(shardAttempts + 1),
    "spark.speculation": String(speculation),
    // Every place is as good: what a shard reads is in a bucket.
    "spark.locality.wait": "0",
    // A killed task's worker goes soon after it.
    "spark.python.task.killTimeout": "500ms",
    "spark.ui.showConsoleProgress": "false",
    "spark.ui.retainedTasks": "10000",
  };
}

/** What driver.py works by. */
export function sparkSpec(
  plan: Plan,
  shards: readonly ShardSummary[],
  runtime: NodeRuntime,
  how: Pick<TaskConfig, "taskCpus" | "shardAttempts"> & Pick<SparkSpec, "control" | "status" | "environment" | "logLevel">,
): SparkSpec {
  const { control, status, environment, logLevel, taskCpus, shardAttempts } = how;
  return {
    runId: plan.runId,
    control,
    shards: shards.map(({ id }) => id),
    status,
    threads: taskCpus,
    shardAttempts,
    shardSeconds: Math.ceil(plan.policy.limits.shardTimeoutMs / 1000),
    command: runtime.kind === "here" ? runtime.command : [],
    archive: runtime.kind === "archive" ? runtimeFolder : null,
    environment,
    logLevel,
  };
}

/** A user's own job is a file of this machine: only nodes that have this installation's files have it. */
export function refuseOwnJobs(plan: Plan, runtime: NodeRuntime): void {
  const own = plan.request.jobs.find((job) => job.module !== undefined);
  if (runtime.kind === "here" || own === undefined) return;
  throw new ImagemillError("JOB_NOT_ON_NODES", `the job ${own.name} is a module of this machine, which the nodes' archive does not hold`, {
    hint: "Put imagemill and the module at the same paths on every node and say --set spark.worker=here.",
  });
}
