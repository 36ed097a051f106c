import type { PackingPolicy } from "../core/types.ts";

export interface Weight {
  predictedMs: number;
  sizeBytes: number;
}

/** Known from a first pass. A unit is one object, or objects that should share a shard. */
export interface Totals {
  predictedMs: number;
  units: number;
}

/** Where a unit, or a piece of it, goes. */
export interface Placement<T> {
  piece: readonly T[];
  /** Into the open shard; into a new one, which closes the open one; into a shard of its own, the open one staying open. */
  into: "open" | "new" | "own";
}

/** Takes the next unit of the stream. */
export type Packer<T> = (unit: readonly T[]) => Placement<T>[];

interface Load {
  predictedMs: number;
  sizeBytes: number;
  objects: number;
}

/**
 * Cuts a stream into shards of about equal predicted work, holding nothing but sums. Pure: equal input, equal shards.
 * What it promises, as `test/partitioner/pack.test.ts` states it:
 * - every object is in exactly one shard; a shard keeps the order of the stream;
 * - no shard exceeds `shardSeconds`, `maxShardObjects` or `maxShardBytes`, unless it is a single object;
 * - a unit stays together where it fits into one shard and is no more than a fair share; otherwise it is cut;
 * - there are at least `minShards` shards where there are so many units;
 * - what is a fair share by itself gets a shard of its own, and the open shard goes on behind it.
 */
export function createPacker<T extends Weight>(totals: Totals, policy: PackingPolicy): Packer<T> {
  const maxMs = policy.shardSeconds * 1000;
  const fairMs = Math.min(maxMs, totals.predictedMs / policy.minShards);
  const owed = Math.min(policy.minShards, totals.units);
  let open = empty;
  let closed = 0;
  /** Of everything that is not in a closed shard. */
  let leftMs = totals.predictedMs;
  let leftUnits = totals.units;

  const fits = ({ predictedMs, sizeBytes, objects }: Load): boolean =>
    predictedMs <= maxMs && sizeBytes <= policy.maxShardBytes && objects <= policy.maxShardObjects;

  /** What remains, spread evenly over the shards that remain. */
  const target = (): number => leftMs / Math.max(1, policy.minShards - closed, Math.ceil(leftMs / maxMs));

  /** So few units are left that each must open a shard to reach `minShards`. */
  const runsShort = (): boolean => closed + 1 < owed && leftUnits <= owed - closed - 1;

  /** To the nearest: half of the piece may lie beyond the target. */
  const isFull = (weight: Load): boolean =>
    open.objects > 0 && (!fits(plus(open, weight)) || open.predictedMs + weight.predictedMs / 2 > target() || runsShort());

  const close = (shard: Load): void => {
    leftMs -= shard.predictedMs;
    closed++;
  };

  const place = (weight: Load): Placement<T>["into"] => {
    const isShare = weight.predictedMs > 0 && weight.predictedMs >= target();
    if (!fits(weight) || isShare) {
      close(weight);
      return "own";
    }
    if (!isFull(weight)) {
      open = plus(open, weight);
      return "open";
    }
    close(open);
    open = weight;
    return "new";
  };

  return (unit) => {
    const pieces = cut(unit, (weight) => fits(weight) && weight.predictedMs <= fairMs);
    const placements = pieces.map((piece) => ({ piece, into: place(loadOf(piece)) }));
    leftUnits--;
    return placements;
  };
}

const empty: Load = { predictedMs: 0, sizeBytes: 0, objects: 0 };

function plus(load: Load, more: Load): Load {
  return {
    predictedMs: load.predictedMs + more.predictedMs,
    sizeBytes: load.sizeBytes + more.sizeBytes,
    objects: load.objects + more.objects,
  };
}

function loadOf(objects: readonly Weight[]): Load {
  let load = empty;
  for (const { predictedMs, sizeBytes } of objects) load = plus(load, { predictedMs, sizeBytes, objects: 1 });
  return load;
}

/** A unit as pieces that fit: one, nearly always. */
function cut<T extends Weight>(unit: readonly T[], fits: (load: Load) => boolean): (readonly T[])[] {
  if (unit.length === 1) return [unit];
  const pieces: T[][] = [];
  let load = empty;
  for (const object of unit) {
    const weight = { predictedMs: object.predictedMs, sizeBytes: object.sizeBytes, objects: 1 };
    const more = plus(load, weight);
    const joins = load.objects > 0 && fits(more);
    if (joins) pieces.at(-1)!.push(object);
    else pieces.push([object]);
    load = joins ? more : weight;
  }
  return pieces;
}

/** Longest shard / mean shard; 1 is perfect. */
export function skewOf(shards: readonly { predictedMs: number }[]): number {
  const total = shards.reduce((sum, shard) => sum + shard.predictedMs, 0);
  if (total === 0) return 1;
  return shards.reduce((longest, shard) => Math.max(longest, shard.predictedMs), 0) / (total / shards.length);
}
