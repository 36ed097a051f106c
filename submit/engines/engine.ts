import type { WorkerEvent } from "../../core/events.ts";
import type { Plan, ShardSummary } from "../../core/types.ts";

export interface SubmitRequest {
  plan: Plan;
  /** Shards that have no commit yet, longest first. */
  shards: ShardSummary[];
  /**
   * 1 for the run's first submission; one more each time an earlier one has ended and left shards without a commit.
   * Part of every id that the engine makes, so that a new submission is not taken for the one that ended.
   */
  submission: number;
}

export interface EngineStatus {
  state: "pending" | "running" | "succeeded" | "failed" | "cancelled" | "lost";
  /** Where the engine knows; commits in the control store are the truth. */
  running?: number;
  retried?: number;
  failed?: number;
  /** For `failed`: what happened, the tail of the log included. For `pending`: what is waited for, where that is known. */
  message?: string;
  hint?: string;
}

export interface Link {
  label: string;
  url: string;
}

/**
 * Where shards execute. An engine only starts `imagemill worker --run R --shard S[,S...] --control URL`; retries,
 * speculation and machine loss are its own business, correctness is the commit protocol's.
 *
 * The contract, which `test/contracts/engine.ts` holds every implementation to:
 * - `submit` is idempotent for one plan and submission number: called again, also by another driver, it finds what runs
 *   already.
 * - The handle is plain JSON: stored in submit.json, it lets any machine poll and cancel.
 * - `succeeded` means every submitted shard was tried to the end, not that it has a commit: the driver counts commits.
 * - `cancel` stops the work, waits until it has stopped, and leaves a run that can be submitted again.
 * - `release`, where there is one, is told that nothing is left to do: it gives back machines made for the work alone.
 */
export interface Engine<Handle = unknown> {
  readonly name: "local" | "spark" | "dataproc" | "compute";
  /** The work outlives the driver: the handle is stored, and `run` attaches to it. */
  readonly remote: boolean;
  submit(request: SubmitRequest, signal: AbortSignal): Promise<Handle>;
  poll(handle: Handle, signal: AbortSignal): Promise<EngineStatus>;
  cancel(handle: Handle, signal: AbortSignal): Promise<void>;
  release?(handle: Handle, signal: AbortSignal): Promise<void>;
  links(handle: Handle): Link[];
  close(): Promise<void>;
}

/** Engines that share a machine with the driver pass on what their workers say. */
export type WorkerEventSink = (event: WorkerEvent) => void;
