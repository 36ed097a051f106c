import { codeOf, exitCodes, ImagemillError, messageOf } from "../core/errors.ts";
import type { LogLevel } from "../core/log.ts";
import type { OutputRow, Timings, TwinRef } from "../core/rows.ts";
import type { Facts, ImageHeader } from "../jobs/job.ts";
import type { Limits, Outcome, PlannedJob, Reason, ShardEntry, StoreUrls } from "../core/types.ts";

/*
 * What the supervisor and the pool process say to each other over the IPC channel. Every image has a number (`seq`)
 * that the supervisor gives it, unique in the worker.
 */

export interface PoolSetup {
  runId: string;
  runDate: string;
  stores: StoreUrls;
  jobs: PlannedJob[];
  limits: Limits;
  /** Copy each processed source image into the archive. */
  archiveSources: boolean;
  /** fsync outputs. */
  durable: boolean;
  threads: number;
  tasksPerThread: number;
  /** One image at a time, announced before it starts: whatever ends the process then is that image's doing. */
  isolated: boolean;
  /** Divides the decode budget; raised when a pool process outgrew its memory and no single image was to blame. */
  shrink: number;
  logLevel: LogLevel;
  /** Where Cloud Storage answers, if not at its usual address. */
  endpoint?: string;
}

export interface ImageTask {
  seq: number;
  attempt: string;
  entry: ShardEntry;
  /** Another object of the shard has this size (and crc32c, where listed). */
  candidate: boolean;
}

/** An `ok` object that duplicates may point at. */
export interface KnownTwin {
  attempt: string;
  sha256: string;
  twin: TwinRef;
}

export type ToPool =
  | { type: "setup"; setup: PoolSetup }
  | { type: "images"; images: ImageTask[]; twins: KnownTwin[] }
  /** This attempt has ended: forget it, and what has not started of it. */
  | { type: "drop"; attempt: string }
  /** Take no image any more, let writes end, exit. */
  | { type: "stop" };

export type FromPool =
  | {
      type: "report";
      /** In flight from now on: in a thread, or about to be. */
      started: number[];
      finished: FinishedTask[];
      /** The image in a thread for longest. */
      slowest?: { seq: number; ms: number };
    }
  /** The attempt cannot succeed: archive or control store failed, or the source as a whole. */
  | { type: "attempt-failed"; attempt: string; error: PlainError }
  /** No shard can be done here: the jobs differ, a store cannot be opened. */
  | { type: "pool-failed"; error: PlainError }
  /** Last words: a thread is gone, the process ends. Whoever was in flight is a suspect. */
  | { type: "dying"; message: string };

export interface FinishedTask {
  seq: number;
  result: TaskResult;
}

/** What is known of one source object when it is done; with the shard's constants it makes an ImageRow. */
export interface TaskResult {
  outcome: Outcome;
  reason?: Reason;
  message?: string;
  warnings: string[];
  sha256?: string;
  crc32c?: string;
  contentType?: string;
  header?: Omit<ImageHeader, "exif">;
  facts?: Facts;
  twin?: TwinRef;
  /** RFC 3339 */
  processedAt: string;
  timings: Timings;
  outputs: OutputRow[];
}

/** An error as it crosses processes and threads: structured clone would drop code and hint. */
export interface PlainError {
  code: string;
  message: string;
  hint?: string;
  exitCode: number;
}

export function toPlainError(error: unknown): PlainError {
  const hint = error instanceof ImagemillError ? error.hint : undefined;
  return {
    code: codeOf(error) ?? "UNEXPECTED",
    message: messageOf(error),
    exitCode: error instanceof ImagemillError ? error.exitCode : exitCodes.failed,
    ...(hint !== undefined && { hint }),
  };
}

export function fromPlainError(plain: PlainError): ImagemillError {
  return new ImagemillError(plain.code, plain.message, {
    exitCode: plain.exitCode,
    ...(plain.hint !== undefined && { hint: plain.hint }),
  });
}
