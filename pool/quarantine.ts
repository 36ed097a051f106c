import type { Clock } from "../core/clock.ts";
import { controlNames } from "../core/layout.ts";
import type { Logger } from "../core/log.ts";
import { printable } from "../core/names.ts";
import type { Timings } from "../core/rows.ts";
import type { QuarantineReason, ShardEntry } from "../core/types.ts";
import { isStoreError, type CopySource, type ObjectStore } from "../storage/store.ts";
import type { TaskResult } from "./channel.ts";

export interface QuarantineContext {
  runId: string;
  stores: { source: ObjectStore; control: ObjectStore };
  clock: Clock;
  log: Logger;
  signal: AbortSignal;
}

export interface Verdict {
  reason: QuarantineReason;
  message: string;
  /** What was found out before. */
  known?: Partial<TaskResult>;
  /** Where the bytes were; default: the source. */
  origin?: CopySource;
}

/** Longer texts in a row are cut: a message is for a person. */
const maxTextLength = 1000;

export const noTimings: Timings = { read_ms: 0, queue_ms: 0, process_ms: 0, write_ms: 0 };

/** Keeps a copy of what can be read, for replay and for looking at. Fails only when the control store does. */
export async function quarantined(context: QuarantineContext, entry: ShardEntry, verdict: Verdict): Promise<TaskResult> {
  const { reason, message, known } = verdict;
  const origin = verdict.origin ?? { store: context.stores.source, name: entry.name, generation: entry.generation };
  if (isKept(reason) && !(await keepCopy(context, entry, origin))) context.log.warn("quarantine-copy-missed", { name: entry.name, reason });
  return {
    warnings: [],
    timings: noTimings,
    ...known,
    outputs: [],
    outcome: "quarantined",
    reason,
    message: cut(message),
    processedAt: new Date(context.clock.now()).toISOString(),
  };
}

/** What is too large would pass through this process's memory, where the store cannot copy by itself. */
function isKept(reason: QuarantineReason): boolean {
  return reason !== "unreadable" && reason !== "too_large";
}

/** False when the source object has gone. */
async function keepCopy({ runId, stores, signal }: QuarantineContext, entry: ShardEntry, origin: CopySource): Promise<boolean> {
  try {
    await stores.control.copy(origin, controlNames.quarantine(runId, entry.name, entry.generation), { ifGeneration: "0", signal });
    return true;
  } catch (error) {
    // An earlier attempt kept it.
    if (isStoreError(error, "PRECONDITION_FAILED")) return true;
    if (isStoreError(error, "NOT_FOUND") || isStoreError(error, "CHANGED_WHILE_READ")) return false;
    throw error;
  }
}

/** Without control characters, and short. */
export function cut(text: string): string {
  const safe = printable(text);
  return safe.length <= maxTextLength ? safe : `${safe.slice(0, maxTextLength - 1)}…`;
}
