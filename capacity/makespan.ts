import type { ShardSummary } from "../core/types.ts";
import type { Fleet } from "./fleet.ts";

export type Weighed = Pick<ShardSummary, "predictedMs">;

export interface Simulated {
  /** From the submission to the last worker's end. */
  wallMs: number;
  /** Sum over shards of the time that each holds a worker. */
  busyMs: number;
}

/**
 * List scheduling: each shard, in the order given, goes to the worker that is free first. Plans hold their shards longest
 * first, which is how engines start them. O(shards x log workers).
 */
export function simulate(shards: readonly Weighed[], fleet: Pick<Fleet, "workers" | "threads" | "startMs" | "shardStartMs">): Simulated {
  if (shards.length === 0) return { wallMs: 0, busyMs: 0 };
  const freeAt = new Float64Array(Math.min(shards.length, Math.max(1, fleet.workers)));
  let busyMs = 0;
  let lastMs = 0;
  for (const { predictedMs } of shards) {
    const ms = fleet.shardStartMs + predictedMs / fleet.threads;
    const endMs = freeAt[0]! + ms;
    busyMs += ms;
    lastMs = Math.max(lastMs, endMs);
    freeAt[0] = endMs;
    sink(freeAt);
  }
  return { wallMs: fleet.startMs + lastMs, busyMs };
}

/** Restores the heap, least first, after its root grew. */
function sink(heap: Float64Array): void {
  let at = 0;
  for (;;) {
    const left = 2 * at + 1;
    const right = left + 1;
    const least = right < heap.length && heap[right]! < heap[left]! ? right : left;
    if (least >= heap.length || heap[at]! <= heap[least]!) return;
    const grown = heap[at]!;
    heap[at] = heap[least]!;
    heap[least] = grown;
    at = least;
  }
}
