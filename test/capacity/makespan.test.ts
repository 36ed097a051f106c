import assert from "node:assert/strict";
import fc from "fast-check";
import { simulate, type Weighed } from "../../capacity/makespan.ts";
import { offerOf, shardsOf, smallestOffer, type Wish } from "../../capacity/offers.ts";
import { policy } from "../submit/plans.ts";

const shards = fc.array(
  fc.integer({ min: 1, max: 1000 }).map((predictedMs) => ({ predictedMs })),
  { minLength: 1, maxLength: 40 },
);

/** The same by looking at every worker. */
function plainly(own: readonly Weighed[], workers: number): number {
  const freeAt = Array.from({ length: workers }, () => 0);
  for (const { predictedMs } of own) freeAt[freeAt.indexOf(Math.min(...freeAt))]! += predictedMs;
  return Math.max(...freeAt);
}

describe("simulated time", () => {
  const bare = { threads: 1, startMs: 0, shardStartMs: 0 };

  it("is that of list scheduling, between the bounds of any schedule", () => {
    fc.assert(
      fc.property(shards, fc.integer({ min: 1, max: 9 }), (own, workers) => {
        const { wallMs, busyMs } = simulate(own, { ...bare, workers });
        const longest = Math.max(...own.map((shard) => shard.predictedMs));
        assert.equal(wallMs, plainly(own, workers));
        assert.ok(wallMs >= Math.max(longest, busyMs / workers) - 1e-6);
        assert.ok(wallMs <= busyMs / workers + longest);
      }),
    );
  });

  it("counts threads, start-up once and each shard's start", () => {
    const own = [{ predictedMs: 400 }, { predictedMs: 400 }, { predictedMs: 400 }];
    const { wallMs, busyMs } = simulate(own, { workers: 2, threads: 4, startMs: 1000, shardStartMs: 50 });
    assert.equal(wallMs, 1000 + 2 * 150);
    assert.equal(busyMs, 3 * 150);
  });

  it("of nothing is nothing, start-up included", () => {
    assert.deepEqual(simulate([], { ...bare, workers: 4, startMs: 9 }), { wallMs: 0, busyMs: 0 });
  });

  it("of 100,000 shards on 5,000 workers takes no time", () => {
    const own = Array.from({ length: 100_000 }, (_, index) => ({ predictedMs: 100_000 - index }));
    const begunMs = performance.now();
    simulate(own, { ...bare, workers: 5000 });
    assert.ok(performance.now() - begunMs < 2000);
  });
});

describe("machines for a deadline", () => {
  const prices = { currency: "USD", vcpuHour: 1, memoryGibHour: 0, minimumBilledMs: 1 };
  const wish: Wish = { shape: { vcpus: 2, memoryBytes: 1 << 30, spot: false }, startMs: 10, shardStartMs: 0, prices };

  it("are enough, and one less is not", () => {
    fc.assert(
      fc.property(shards, fc.integer({ min: 1, max: 20_000 }), (own, byMs) => {
        const found = smallestOffer(own, byMs, wish);
        const longest = Math.max(...own.map((shard) => shard.predictedMs));
        if (found === undefined) return assert.ok(byMs < longest + 10);
        assert.ok(found.wallMs <= byMs);
        if (found.count > 1) assert.ok(offerOf(own, found.count - 1, wish).wallMs > byMs);
        return undefined;
      }),
    );
  });

  it("cost by kind what is known of it", () => {
    const { costs } = offerOf([{ predictedMs: 3_600_000 }], 1, { ...wish, startMs: 0 });
    assert.deepEqual(costs, { machines: 2, cluster: null, serverless: null });
  });

  it("get shards as the packer would cut them", () => {
    const each = { predictedMs: 10, sizeBytes: 1000 };
    assert.equal(shardsOf(0, each, policy.packing).length, 0);
    assert.equal(shardsOf(3, each, policy.packing).length, 3);
    assert.equal(shardsOf(100, each, policy.packing).length, policy.packing.minShards);
    const many = shardsOf(1_000_000, each, policy.packing);
    assert.equal(many.length, 1000);
    assert.equal(Math.round(many.reduce((sum, shard) => sum + shard.predictedMs, 0)), 10_000_000);
  });
});
