import assert from "node:assert/strict";
import fc from "fast-check";
import { compareNames } from "../../core/names.ts";
import { defaultCostModel, predictMs } from "../../partitioner/cost.ts";
import { createPlan } from "../../partitioner/plan.ts";
import { readManifest } from "../../partitioner/plan-files.ts";
import { collect } from "./streams.ts";
import { finish, inputOf, policy, shardEntries, signal, stored, worldWith } from "./world.ts";

describe("any plan", () => {
  const object = fc.record({ content: fc.integer({ min: 0, max: 6 }), isDone: fc.boolean() });
  const listings = fc.dictionary(
    fc.string({ unit: "grapheme", minLength: 1, maxLength: 5 }).filter((name) => !/[\r\n]/.test(name)),
    object,
    {
      maxKeys: 60,
      noNullPrototype: true,
    },
  );
  const packing = fc.record({
    shardSeconds: fc.constantFrom(0.01, 0.05, 1),
    minShards: fc.integer({ min: 1, max: 6 }),
    maxShardObjects: fc.integer({ min: 1, max: 30 }),
    maxShardBytes: fc.constantFrom(500, 1e9),
  });

  it("has each entry as unchanged or in one shard, equal content together where it fits, twins only of equal content", async () => {
    await fc.assert(
      fc.asyncProperty(listings, packing, async (listing, bounds) => {
        const world = await worldWith([]);
        const contentOf = (name: string): Buffer => Buffer.alloc(100 * listing[name]!.content, listing[name]!.content);
        for (const name of Object.keys(listing)) await world.source.write(name, contentOf(name));
        const done = Object.keys(listing).filter((name) => listing[name]!.isDone);
        const first = await createPlan(inputOf(world));
        await finish(world, first.plan, ({ name }) => (listing[name]!.isDone ? {} : { outcome: "quarantined", reason: "unreadable" }));
        const input = inputOf(world, { rerun: 2, policy: { ...policy, packing: bounds } });
        const { plan } = await createPlan(input);
        const manifest = await collect(readManifest(world.control, plan, signal));
        const shards = await shardEntries(world.control, plan);
        assert.deepEqual(
          manifest.map(({ name }) => name),
          await stored(world.source),
        );
        const packed = shards.flat();
        assert.deepEqual(
          manifest.filter(({ unchanged }) => unchanged !== true).map(({ name }) => name),
          packed.map(({ name }) => name).sort(compareNames),
        );
        assert.deepEqual(new Set(manifest.filter(({ unchanged }) => unchanged).map(({ name }) => name)), new Set(done));
        for (const { name, twins } of packed) {
          for (const twin of twins ?? []) assert.deepEqual(contentOf(twin.name), contentOf(name));
        }
        const groups = Map.groupBy(packed, ({ sizeBytes }) => sizeBytes);
        for (const [sizeBytes, group] of groups) {
          const ms = group.reduce((sum, entry) => sum + predictMs(entry, defaultCostModel), 0);
          const fairMs = Math.min(bounds.shardSeconds * 1000, plan.predictedMs / bounds.minShards) - 1;
          const fits = group.length <= bounds.maxShardObjects && sizeBytes * group.length <= bounds.maxShardBytes && ms <= fairMs;
          if (sizeBytes > 0 && fits)
            assert.equal(shards.filter((entries) => entries.some((entry) => entry.sizeBytes === sizeBytes)).length, 1);
        }
      }),
      { numRuns: 60, interruptAfterTimeLimit: 10_000, markInterruptAsFailure: true },
    );
  });
});
