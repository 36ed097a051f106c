import type { protos } from "@google-cloud/batch";
import { exitCodes } from "../../../core/errors.ts";
import { printable } from "../../../core/names.ts";
import type { EngineStatus } from "../engine.ts";
import type { Job } from "./job.ts";

export type Task = protos.google.cloud.batch.v1.ITask;
type StatusEvent = protos.google.cloud.batch.v1.IStatusEvent;

/** How a Batch task ended that failed for good. */
export interface TaskFailure {
  index: number;
  /** Attempts begun, the first one included. */
  attempts: number;
  exitCode: number | undefined;
  /** Batch's own words. */
  event: string;
}

/** What a worker said before it failed. */
export interface LastWords {
  message: string;
  hint?: string;
}

const reservedFrom = 50_000;

/** State and counts as the job tells them; a job that is gone is lost. `tasks` where they have been asked for. */
export function statusOf(job: Job | undefined, tasks: readonly Task[] = []): EngineStatus {
  if (job === undefined) return { state: "lost", message: "Batch has no such job any more: it was deleted" };
  const retried = tasks.reduce((sum, task) => sum + Math.max(0, failuresOf(task).length - (isFailed(task) ? 1 : 0)), 0);
  const counts = { ...countsOf(job), ...(tasks.length > 0 && { retried }) };
  switch (String(job.status?.state)) {
    case "RUNNING":
    case "DELETION_IN_PROGRESS":
    case "CANCELLATION_IN_PROGRESS":
      return { state: "running", ...counts };
    case "SUCCEEDED":
      return { state: "succeeded", ...counts, running: 0 };
    case "CANCELLED":
      return { state: "cancelled", ...counts, running: 0 };
    case "FAILED":
      return { state: "failed", ...counts, running: 0 };
    default: {
      const waitsFor = obstacleOf(job);
      return { state: "pending", ...counts, ...(waitsFor !== undefined && { message: waitsFor }) };
    }
  }
}

function countsOf(job: Job): { running: number; failed: number } {
  const counts = Object.values(job.status?.taskGroups ?? {})[0]?.counts ?? {};
  const of = (state: string): number => Number(counts[state] ?? 0);
  return { running: of("RUNNING"), failed: of("FAILED") };
}

/** Why there are no machines yet: quotas, zones without any left. */
function obstacleOf(job: Job): string | undefined {
  const event = job.status?.statusEvents?.findLast(({ type }) => type === "OPERATIONAL_INFO");
  return event === undefined ? undefined : wordsOf(event);
}

function isFailed(task: Task): boolean {
  return task.status?.state === "FAILED";
}

/** A success carries no execution, so that every execution is an attempt that failed. */
function failuresOf(task: Task): StatusEvent[] {
  return (task.status?.statusEvents ?? []).filter(({ taskExecution }) => (taskExecution?.exitCode ?? 0) !== 0);
}

export function taskFailure(task: Task): TaskFailure {
  const failures = failuresOf(task);
  const last = failures.at(-1);
  return {
    index: Number(/\/tasks\/(\d+)$/.exec(task.name ?? "")?.[1] ?? 0),
    attempts: Math.max(1, failures.length),
    exitCode: last?.taskExecution?.exitCode ?? undefined,
    event: wordsOf(last ?? task.status?.statusEvents?.at(-1)),
  };
}

function wordsOf(event: StatusEvent | undefined): string {
  return printable(event?.description ?? "").slice(0, 1000);
}

/** Why the job failed, in the worker's words where there are any, else in Batch's. */
export function failedStatus(
  job: Job,
  counted: EngineStatus,
  failure: TaskFailure | undefined,
  words: LastWords | undefined,
): EngineStatus {
  if (failure === undefined) {
    const event = job.status?.statusEvents?.at(-1);
    return { ...counted, message: `the Batch job failed: ${wordsOf(event)}`, hint: "Its page and its log tell more." };
  }
  const { exitCode } = failure;
  if (exitCode === exitCodes.cancelled) return { ...counted, state: "cancelled" };
  const known = exitCode === undefined ? undefined : meanings.get(exitCode);
  const what = words?.message ?? known?.meaning ?? failure.event;
  const how = exitCode === undefined ? "" : ` with ${exitCode > reservedFrom ? "Batch's code" : "exit code"} ${exitCode}`;
  const tries = failure.attempts === 1 ? "" : ` after ${failure.attempts} attempts`;
  return {
    ...counted,
    message: `Batch task ${failure.index} failed${tries}${how}: ${what}`,
    hint:
      words?.hint ?? known?.hint ?? "What is committed is kept; the Batch task's log tells more, and the same command does what is left.",
  };
}

/** Of task.sh, and those that Batch reserves: https://cloud.google.com/batch/docs/troubleshooting#reserved-exit-codes */
const meanings = new Map([
  [
    75,
    {
      meaning: "the machine could not fetch the runtime archive",
      hint: "The machines' account needs roles/storage.objectViewer on the control bucket; without an external address their subnetwork needs Private Google Access.",
    },
  ],
  [
    50001,
    {
      meaning: "its machines were taken away",
      hint: "The same command does what is left. --set compute.attempts=11 bears more of it, --set compute.provisioning=standard ends it.",
    },
  ],
  [
    50002,
    {
      meaning: "its machine stopped reporting, as one does that is out of memory or cannot reach Batch",
      hint: "The machines' account needs roles/batch.agentReporter; a larger compute.machineType has more memory.",
    },
  ],
  [50003, { meaning: "its machine was restarted in the middle", hint: "The same command does what is left." }],
  [
    50004,
    {
      meaning: "it and its machine did not answer any more",
      hint: "The same command does what is left; a larger compute.machineType has more memory.",
    },
  ],
  [
    50005,
    {
      meaning: "it was not done by its deadline",
      hint: "Raise compute.taskTimeoutMs, or take smaller shards: packing.shardSeconds, in a new run.",
    },
  ],
  [50006, { meaning: "its machine was made anew in the middle", hint: "The same command does what is left." }],
]);

/** Out of the end of a worker's log: the failure that it told last, else its last line. */
export function lastWordsOf(log: string): LastWords | undefined {
  const lines = log.split("\n").filter((line) => line.trim() !== "");
  const told = lines.map(parsed).findLast((entry) => typeof entry["message"] === "string" && isFailure(entry));
  if (told === undefined) return lines.length === 0 ? undefined : { message: printable(lines.at(-1)!).slice(0, 1000) };
  const { shard, code, message, hint } = told as Record<string, string | undefined>;
  const where = shard === undefined ? "" : `shard ${shard}: `;
  return {
    message: printable(`${where}${message}${code === undefined ? "" : ` (${code})`}`).slice(0, 2000),
    ...(typeof hint === "string" && { hint: printable(hint) }),
  };
}

function isFailure(entry: Record<string, unknown>): boolean {
  return entry["type"] === "shard-failed" || entry["level"] === "error";
}

function parsed(line: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    // Not ours: a native library, the script.
    return {};
  }
}
