import type { Clock, Random } from "../core/clock.ts";
import type { RunEvent } from "../core/events.ts";
import type { Logger } from "../core/log.ts";

/*
 * The verbs on a `Driver`, one file each; what they end with is in summary.ts:
 *   plan.ts    planRun(driver, options: RunOptions, { save: boolean }): Promise<PlanSummary>
 *   run.ts     run(driver, options: RunOptions): Promise<RunSummary>
 *   submit.ts  submitRun(driver, options: RunOptions): Promise<SubmitSummary>
 *   finish.ts  finishRun(driver, runId, { acceptQuarantined: boolean }): Promise<RunSummary>
 *   status.ts  runStatus(driver, runId): Promise<RunStatus>
 *   cancel.ts  cancelRun(driver, runId): Promise<CancelResult>
 *   replay.ts  replayRun(driver, runId, options: ReplayOptions): Promise<RunSummary>
 *   verify.ts  verifyRun(driver, runId): Promise<VerifyResult>
 * A verb throws an ImagemillError where it could not begin or the unexpected happened, and otherwise resolves with
 * `exitCode` and, where that is not 0, `problem`: a closed gate, a shard that always fails and Ctrl-C have counts to show.
 */

/** What the command line lends to the driver. */
export interface DriverHost {
  log: Logger;
  clock: Clock;
  random: Random;
  /** Aborts on Ctrl-C: work in flight ends within seconds and the verb ends with exit code 130. */
  signal: AbortSignal;
  emit: (event: RunEvent) => void;
  /** Job modules are relative to it; default: the working directory. */
  configPath?: string;
  environment: NodeJS.ProcessEnv;
  /** Milliseconds since the epoch at which the process started; default: when the driver was opened. */
  startedAtMs?: number;
}

export interface RunOptions {
  /** YYYY-MM-DD. Absent: today (UTC), and unfinished runs of the same request on earlier dates are continued first. */
  runDate?: string;
  /** 1, 2, …: the Nth run of the date. */
  rerun: number;
  /** Ignore the ledger. */
  reprocess: boolean;
  limit?: number;
  sample?: number;
}
