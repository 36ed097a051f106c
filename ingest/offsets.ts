/**
 * Which offset of a partition may be committed while messages finish out of order: everything below it is done.
 * Pure: one tracker per assigned partition.
 */
export interface OffsetTracker {
  /** In the order of the log. */
  started(offset: bigint): void;
  finished(offset: bigint): void;
  /** The next offset to read after a restart, once at least one more message is done than at the last call. */
  takeCommittable(): bigint | undefined;
  pending(): number;
}

export function createOffsetTracker(): OffsetTracker {
  const open = new Set<bigint>();
  let highest: bigint | undefined;
  let committed: bigint | undefined;

  /** A Set iterates in order of insertion, and messages start in the order of the log. */
  const lowestOpen = (): bigint | undefined => open.values().next().value;

  return {
    started: (offset) => {
      open.add(offset);
      if (highest === undefined || offset > highest) highest = offset;
    },
    finished: (offset) => {
      open.delete(offset);
    },
    takeCommittable: () => {
      if (highest === undefined) return undefined;
      const next = lowestOpen() ?? highest + 1n;
      if (committed !== undefined && next <= committed) return undefined;
      const first = committed === undefined;
      committed = next;
      return first && open.has(next) ? undefined : next;
    },
    pending: () => open.size,
  };
}
