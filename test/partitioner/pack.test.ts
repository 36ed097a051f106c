import assert from "node:assert/strict";
import fc from "fast-check";
import type { PackingPolicy } from "../../core/types.ts";
import { createPacker, skewOf, type Weight } from "../../partitioner/pack.ts";

interface Item extends Weight {
  id: number;
}

interface Shard {
  items: Item[];
  predictedMs: number;
}

function packAll(units: Item[][], policy: PackingPolicy): Shard[] {
  const predictedMs = units.flat().reduce((sum, item) => sum + item.predictedMs, 0);
  const pack = createPacker<Item>({ predictedMs, units: units.length }, policy);
  const shards: Item[][] = [];
  let open: Item[] | undefined;
  for (const unit of units) {
    for (const { piece, into } of pack(unit)) {
      if (into === "own") shards.push([...piece]);
      else if (into === "new" || open === undefined) shards.push((open = [...piece]));
      else open.push(...piece);
    }
  }
  return shards.map((items) => ({ items, predictedMs: sumOf(items, (item) => item.predictedMs) }));
}

function sumOf<T>(items: T[], value: (item: T) => number): number {
  return items.reduce((sum, item) => sum + value(item), 0);
}

const weights = fc.record({
  predictedMs: fc.oneof(
    fc.double({ min: 0.001, max: 30, noNaN: true }),
    fc.double({ min: 1_000, max: 10_000, noNaN: true }),
    fc.constant(0),
  ),
  sizeBytes: fc.oneof(fc.nat(1_000_000), fc.nat(2 ** 33)),
});

const unitLists = fc
  .array(
    fc.oneof(
      { weight: 5, arbitrary: fc.array(weights, { minLength: 1, maxLength: 1 }) },
      fc.array(weights, { minLength: 1, maxLength: 20 }),
    ),
    {
      maxLength: 120,
    },
  )
  .map((units) => {
    let id = 0;
    return units.map((unit) => unit.map((weight): Item => ({ ...weight, id: id++ })));
  });

const policies = fc.record({
  shardSeconds: fc.constantFrom(0.01, 0.1, 1, 8),
  minShards: fc.integer({ min: 1, max: 40 }),
  maxShardObjects: fc.integer({ min: 1, max: 50 }),
  maxShardBytes: fc.constantFrom(1, 1_000_000, 2 ** 32),
});

describe("packing", () => {
  it("puts every object into exactly one shard, in the order of the stream", () => {
    fc.assert(
      fc.property(unitLists, policies, (units, policy) => {
        const shards = packAll(units, policy);
        const packed = shards.flatMap(({ items }) => items.map((item) => item.id));
        assert.deepEqual(
          packed.sort((a, b) => a - b),
          units.flat().map((item) => item.id),
        );
        for (const { items } of shards) {
          assert.deepEqual(
            items,
            items.toSorted((a, b) => a.id - b.id),
          );
        }
      }),
    );
  });

  it("keeps its bounds, except for single objects beyond them", () => {
    fc.assert(
      fc.property(unitLists, policies, (units, policy) => {
        for (const { items, predictedMs } of packAll(units, policy)) {
          if (items.length === 1) continue;
          assert.ok(items.length <= policy.maxShardObjects);
          assert.ok(predictedMs <= policy.shardSeconds * 1000);
          assert.ok(sumOf(items, (item) => item.sizeBytes) <= policy.maxShardBytes);
        }
      }),
    );
  });

  it("is deterministic", () => {
    fc.assert(fc.property(unitLists, policies, (units, policy) => assert.deepEqual(packAll(units, policy), packAll(units, policy))));
  });

  it("keeps a unit together where it fits into a fair share", () => {
    fc.assert(
      fc.property(unitLists, policies, (units, policy) => {
        const shards = packAll(units, policy);
        const total = sumOf(units.flat(), (item) => item.predictedMs);
        const fairMs = Math.min(policy.shardSeconds * 1000, total / policy.minShards);
        const shardOf = new Map(shards.flatMap((shard, index) => shard.items.map((item) => [item.id, index] as const)));
        for (const unit of units) {
          const fits =
            unit.length <= policy.maxShardObjects &&
            sumOf(unit, (item) => item.predictedMs) <= fairMs &&
            sumOf(unit, (item) => item.sizeBytes) <= policy.maxShardBytes;
          if (fits) assert.equal(new Set(unit.map((item) => shardOf.get(item.id))).size, 1);
        }
      }),
    );
  });

  it("cuts a small run into at least minShards, as far as there are units", () => {
    fc.assert(
      fc.property(unitLists, policies, (units, policy) => {
        assert.ok(packAll(units, policy).length >= Math.min(policy.minShards, units.length));
      }),
    );
  });

  it("spreads work evenly: with objects of at most a tenth of a share, the longest shard is at most 1.3 times the mean", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 30 }),
        fc.array(fc.double({ min: 1, max: 10, noNaN: true }), { minLength: 600, maxLength: 900 }),
        fc.constantFrom(0.1, 0.2, 0.9, 1.1, 1e6),
        (minShards, costs, shardSeconds) => {
          const units = costs.map((predictedMs, id): Item[] => [{ id, predictedMs, sizeBytes: 1 }]);
          const shards = packAll(units, { shardSeconds, minShards, maxShardObjects: 1e6, maxShardBytes: 1e9 });
          assert.ok(skewOf(shards) <= 1.3, `skew ${skewOf(shards)} over ${shards.length}`);
        },
      ),
    );
  });

  it("gives a huge object its own shard and goes on with the open one", () => {
    const item = (id: number, predictedMs: number): Item[] => [{ id, predictedMs, sizeBytes: 1 }];
    const units = [item(0, 10), item(1, 10), item(2, 5_000), item(3, 10), item(4, 10)];
    const shards = packAll(units, { shardSeconds: 1, minShards: 1, maxShardObjects: 100, maxShardBytes: 100 });
    assert.deepEqual(
      shards.map(({ items }) => items.map(({ id }) => id)),
      [[0, 1, 3, 4], [2]],
    );
  });

  it("says how much longer the longest shard is", () => {
    assert.equal(skewOf([]), 1);
    assert.equal(skewOf([{ predictedMs: 0 }]), 1);
    assert.equal(skewOf([{ predictedMs: 30 }, { predictedMs: 10 }]), 1.5);
  });
});
