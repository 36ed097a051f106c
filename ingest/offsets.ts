/**
 * Which offset of a partition may be committed while messages finish out of order: everything below it is done.
 * One tracker an assigned partition.
 */
export interface OffsetTracker {
  /** In the order of the log. False for an offset that was started before: the client read it again. */
  start(offset: bigint): boolean;
  finish(offset: bigint): void;
  /** The next offset to read after a restart, if that is further than what was confirmed; asking changes nothing. */
  committable(): bigint | undefined;
  /** The broker has taken the commit. */
  confirm(offset: bigint): void;
}

export function createOffsetTracker(): OffsetTracker {
  const open = new Set<bigint>();
  let highest: bigint | undefined;
  /** Nothing below it needs a commit. */
  let confirmed: bigint | undefined;

  /** A Set iterates in order of insertion, and messages start in the order of the log. */
  const lowestOpen = (): bigint | undefined => open.values().next().value;

  return {
    start: (offset) => {
      if (highest !== undefined && offset <= highest) return false;
      open.add(offset);
      highest = offset;
      confirmed ??= offset;
      return true;
    },
    finish: (offset) => {
      open.delete(offset);
    },
    committable: () => {
      if (highest === undefined) return undefined;
      const next = lowestOpen() ?? highest + 1n;
      return next > confirmed! ? next : undefined;
    },
    confirm: (offset) => {
      if (confirmed === undefined || offset > confirmed) confirmed = offset;
    },
  };
}
