import { digestOf } from "./digest.ts";
import { usageError } from "./errors.ts";
import type { Random } from "./clock.ts";
import type { PlannedJob, Policy, RunRequest, StoreUrls } from "./types.ts";

const runIdPattern = /^\d{4}-\d{2}-\d{2}-[0-9a-f]{12}$/;

/**
 * The part of a run id that is the same on every date.
 * The policy is left out: changing a limit must meet the plan of the same run, not start another.
 */
export function requestKey(request: RunRequest): string {
  const jobs = request.jobs.map((job) => job.digest);
  return digestOf({ source: request.source, select: request.select, jobs, rerun: request.rerun, replay: request.replay }, 12);
}

/** Never from the wall clock: submitting twice is the same run. */
export function runIdOf(runDate: string, request: RunRequest): string {
  return `${runDate}-${requestKey(request)}`;
}

export function parseRunId(text: string): { runId: string; runDate: string; requestKey: string } {
  if (!runIdPattern.test(text)) {
    throw usageError(`"${text}" is not a run id`, "A run id looks like 2026-11-23-0123456789ab; `imagemill run` prints it.");
  }
  return { runId: text, runDate: text.slice(0, 10), requestKey: text.slice(11) };
}

export function requestDigestOf(request: RunRequest, policy: Policy, stores: StoreUrls): string {
  return digestOf({ request, policy, stores });
}

/** `facts@1,thumbnails@1` */
export function jobsLabel(jobs: PlannedJob[]): string {
  return jobs
    .map((job) => `${job.name}@${job.version}`)
    .sort()
    .join(",");
}

/** Which ledger a run reads and appends to: same source root, same jobs. */
export function ledgerKey(source: string, jobs: PlannedJob[]): string {
  return digestOf({ source, jobs: jobs.map((job) => job.digest).sort() });
}

/** `<engine's attempt>-<64 random bits>`: one of the two random ids there are; the write id is the other. */
export function attemptName(engineAttempt: string, random: Random): string {
  return `${engineAttempt.replace(/[^A-Za-z0-9_]/g, "_")}-${random.hex(8)}`;
}
