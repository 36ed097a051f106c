import type { ShardSummary } from "../../../core/types.ts";

interface Group {
  index: number;
  workMs: number;
  shards: ShardSummary[];
}

/**
 * `count` groups of about equal predicted work, none empty where there are shards enough: each shard, longest first,
 * goes to the group that has least so far. The same shards, in whatever order, give the same groups; longest group first.
 */
export function groupShards(shards: readonly ShardSummary[], count: number): ShardSummary[][] {
  const groups = Array.from({ length: Math.min(count, shards.length) }, (_, index): Group => ({ index, workMs: 0, shards: [] }));
  const heap = [...groups];
  for (const shard of shards.toSorted(longestFirst)) {
    const least = heap[0]!;
    least.shards.push(shard);
    // Shards without work count, too: groups then differ by one shard at most.
    least.workMs += Math.max(1, shard.predictedMs);
    sink(heap);
  }
  return groups.sort((a, b) => b.workMs - a.workMs || a.index - b.index).map((group) => group.shards);
}

function longestFirst(a: ShardSummary, b: ShardSummary): number {
  return b.predictedMs - a.predictedMs || (a.id < b.id ? -1 : 1);
}

/** Puts the root of a heap, which has grown, where it belongs. */
function sink(heap: Group[]): void {
  for (let at = 0; ;) {
    const child = 2 * at + 1;
    if (child >= heap.length) return;
    const lesser = child + 1 < heap.length && before(heap[child + 1]!, heap[child]!) ? child + 1 : child;
    if (!before(heap[lesser]!, heap[at]!)) return;
    [heap[at], heap[lesser]] = [heap[lesser]!, heap[at]!];
    at = lesser;
  }
}

function before(a: Group, b: Group): boolean {
  return a.workMs !== b.workMs ? a.workMs < b.workMs : a.index < b.index;
}

/** A line a group, as `imagemill worker --shard @NAME:LINE` reads it. */
export function groupLines(groups: readonly ShardSummary[][]): string {
  return groups.map((group) => `${group.map((shard) => shard.id).join(" ")}\n`).join("");
}
