import type { DeadReason, ImageMessage } from "./message.ts";
import type { Taken } from "./sink.ts";

/** Since the start of the process. */
export interface Totals {
  /** Taken: created, present or dead. */
  messages: number;
  bytes: number;
  created: number;
  createdBytes: number;
  /** There already, of an earlier delivery. */
  present: number;
  dead: Partial<Record<DeadReason, number>>;
  /** Deleted by the cluster before they were read. */
  expired: number;
  commits: number;
  commitsFailed: number;
  /** Times the group gave us partitions. */
  assignments: number;
  /** Memberships that broke. */
  sessionsLost: number;
  /** Of the cluster. */
  outages: number;
  /** Time that messages took in the sink, all added up. */
  takingMs: number;
  count(taken: Taken, message: ImageMessage, ms: number): void;
}

export function createTotals(): Totals {
  const totals: Totals = {
    messages: 0,
    bytes: 0,
    created: 0,
    createdBytes: 0,
    present: 0,
    dead: {},
    expired: 0,
    commits: 0,
    commitsFailed: 0,
    assignments: 0,
    sessionsLost: 0,
    outages: 0,
    takingMs: 0,
    count: (taken, { value }, ms) => {
      totals.messages += 1;
      totals.bytes += value?.length ?? 0;
      totals.takingMs += ms;
      if (taken.end === "created") {
        totals.created += 1;
        totals.createdBytes += taken.bytes;
      } else if (taken.end === "present") totals.present += 1;
      else totals.dead[taken.reason] = (totals.dead[taken.reason] ?? 0) + 1;
    },
  };
  return totals;
}

export function deadOf({ dead }: Totals): number {
  return Object.values(dead).reduce((sum, count) => sum + count, 0);
}
