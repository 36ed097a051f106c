import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ImagemillError } from "../../core/errors.ts";
import type { ShardEntry } from "../../core/types.ts";
import { fileStore } from "../../storage/file.ts";
import { memoryStore } from "../../storage/memory.ts";
import { StoreError, type ObjectStore } from "../../storage/store.ts";
import { createPlan, previewPlan } from "../../partitioner/plan.ts";
import { readManifest } from "../../partitioner/plan-files.ts";
import { failingStore } from "./failing-store.ts";
import { batchesOf, collect } from "./streams.ts";
import { clock, finish, imageNames, inputOf, policy, shardEntries, signal, stored, worldWith, type World } from "./world.ts";

function listingCounter(source: ObjectStore): { source: ObjectStore; listings: () => number } {
  let listings = 0;
  const counted: ObjectStore = {
    ...source,
    list: (options) => {
      listings++;
      return source.list(options);
    },
  };
  return { source: counted, listings: () => listings };
}

describe("a plan", () => {
  it("holds every listed object in the manifest and in exactly one shard", async () => {
    const world = await worldWith(imageNames(300));
    const { plan, adopted, skew } = await createPlan(inputOf(world));
    assert.equal(adopted, false);
    assert.ok(skew >= 1 && skew < 1.5, String(skew));
    const manifest = await collect(readManifest(world.control, plan, signal));
    const shards = await shardEntries(world.control, plan);
    const byName = (a: ShardEntry, b: ShardEntry): number => (a.name < b.name ? -1 : 1);
    assert.deepEqual(shards.flat().sort(byName), manifest);
    assert.deepEqual(
      manifest.map(({ name }) => name),
      await stored(world.source),
    );
    assert.deepEqual(
      plan.shards.map(({ objects }) => objects),
      shards.map((entries) => entries.length),
    );
    assert.equal(plan.manifest.objects, 300);
    assert.equal(
      plan.manifest.bytes,
      plan.shards.reduce((sum, { bytes }) => sum + bytes, 0),
    );
    assert.deepEqual(
      plan.shards,
      plan.shards.toSorted((a, b) => b.predictedMs - a.predictedMs),
    );
    assert.ok(plan.shards.every(({ id }) => /^\d{5}-[0-9a-f]{24}$/.test(id)));
  });

  it("is the same on any machine, previewed or made; the preview stores nothing", async () => {
    const world = await worldWith(imageNames(120));
    const preview = await previewPlan(inputOf(world));
    assert.deepEqual(await stored(world.control), []);
    const made = await createPlan(inputOf(world));
    assert.deepEqual(made, preview);
    const elsewhere = await createPlan(inputOf({ source: world.source, control: memoryStore() }));
    assert.deepEqual(elsewhere.plan, made.plan);
  });

  it("is adopted without listing when it is asked for again", async () => {
    const world = await worldWith(imageNames(30));
    const first = await createPlan(inputOf(world));
    await world.source.write("late.jpg", Buffer.from("late"));
    const before = await stored(world.control);
    const { source, listings } = listingCounter(world.source);
    for (const make of [createPlan, previewPlan]) {
      assert.deepEqual(await make(inputOf({ ...world, source })), { ...first, adopted: true });
    }
    assert.equal(listings(), 0);
    assert.deepEqual(await stored(world.control), before);
  });

  it("for another request is refused, with what differs and what to do", async () => {
    const world = await worldWith(imageNames(3));
    await createPlan(inputOf(world));
    const changed = { ...policy, packing: { ...policy.packing, shardSeconds: 60 } };
    await assert.rejects(createPlan(inputOf(world, { policy: changed })), (error) => {
      assert.ok(error instanceof ImagemillError);
      assert.equal(error.code, "PLAN_DIFFERS");
      assert.equal(error.exitCode, 4);
      assert.match(error.message, /policy\.packing\.shardSeconds was 1, is now 60/);
      assert.match(error.hint!, /--rerun 2/);
      return true;
    });
  });

  it("of racing planners is one, though they listed differently", async () => {
    const world = await worldWith(imageNames(40));
    const other = await worldWith(imageNames(41));
    const planned = await Promise.all([
      createPlan(inputOf(world)),
      createPlan(inputOf({ source: other.source, control: world.control })),
      createPlan(inputOf(world)),
    ]);
    assert.equal(new Set(planned.map(({ plan }) => plan.planId)).size, 1);
    assert.equal(planned.filter(({ adopted }) => !adopted).length, 1);
    const { plan } = planned[0];
    const manifest = await collect(readManifest(world.control, plan, signal));
    assert.equal((await shardEntries(world.control, plan)).flat().length, manifest.length);
  });

  it("of an empty source has no shards", async () => {
    const { plan } = await createPlan(inputOf(await worldWith([])));
    assert.deepEqual(plan.shards, []);
    assert.deepEqual(plan.manifest, { parts: [], objects: 0, bytes: 0, unchanged: 0 });
  });

  it("needs a source that exists", async () => {
    const folder = mkdtempSync(join(tmpdir(), "imagemill-test-"));
    try {
      const source = fileStore(join(folder, "missing"));
      await assert.rejects(createPlan(inputOf({ source, control: memoryStore() })), (error) => {
        assert.ok(error instanceof ImagemillError);
        assert.equal(error.code, "SOURCE_MISSING");
        assert.equal(error.exitCode, 4);
        return error.hint !== undefined;
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("takes the first N by name of what is selected, and tells what it lists", async () => {
    const world = await worldWith([...imageNames(50), "a.txt"]);
    const seen: number[] = [];
    const input = inputOf(world, { select: { include: ["**/*.jpg"], limit: 9 }, onListing: (objects) => seen.push(objects) });
    const { plan } = await createPlan(input);
    const manifest = await collect(readManifest(world.control, plan, signal));
    const wanted = (await stored(world.source)).filter((name) => name.endsWith(".jpg")).slice(0, 9);
    assert.deepEqual(
      manifest.map(({ name }) => name),
      wanted,
    );
    assert.deepEqual(seen, [7, 14]);
  });

  it("ends when it is told to", async () => {
    const controller = new AbortController();
    const world = await worldWith(imageNames(50));
    const input = inputOf(world, { signal: controller.signal, onListing: () => controller.abort(new Error("enough")) });
    await assert.rejects(createPlan(input), /enough/);
    assert.ok(!(await stored(world.control)).some((name) => name.endsWith("plan.json")));
  });

  it("is whole or absent after any fault, and another try ends with the same plan", async () => {
    const names = imageNames(60);
    const world = await worldWith(names);
    const expected = await previewPlan(inputOf(world));
    for (const fault of ["before", "after"] as const) {
      for (let failAt = 1; ; failAt++) {
        const control = memoryStore();
        const { store, failed } = failingStore(control, failAt, fault);
        await createPlan(inputOf({ source: world.source, control: store })).catch(() => undefined);
        const again = await createPlan(inputOf({ source: world.source, control }));
        assert.deepEqual(again.plan, expected.plan);
        assert.equal((await shardEntries(control, again.plan)).flat().length, names.length);
        if (!failed()) break;
      }
    }
  });
});

describe("a later run", () => {
  it("leaves out what is done, and takes what is new, changed or was unreadable", async () => {
    const world = await worldWith(imageNames(40));
    const first = await createPlan(inputOf(world));
    const unreadable = "day/0/image-0007.jpg";
    await finish(world, first.plan, ({ name }) => (name === unreadable ? { outcome: "quarantined", reason: "unreadable" } : {}));
    await world.source.write("day/0/image-0000.jpg", Buffer.from("changed"));
    await world.source.write("new.jpg", Buffer.from("new"));
    const { plan } = await createPlan(inputOf(world, { rerun: 2 }));
    assert.equal(plan.ledgerBelow, 1);
    assert.deepEqual(plan.manifest.unchanged, 38);
    assert.equal(plan.manifest.objects, 41);
    const names = (await shardEntries(world.control, plan)).flat().map(({ name }) => name);
    assert.deepEqual(names.sort(), ["day/0/image-0000.jpg", unreadable, "new.jpg"]);
    const manifest = await collect(readManifest(world.control, plan, signal));
    assert.deepEqual(
      manifest.filter(({ unchanged }) => unchanged !== true).map(({ name }) => name),
      names,
    );
  });

  it("does everything again where it is told to reprocess", async () => {
    const world = await worldWith(imageNames(10));
    await finish(world, (await createPlan(inputOf(world))).plan);
    const { plan } = await createPlan(inputOf(world, { select: { reprocess: true } }));
    assert.equal(plan.manifest.unchanged, 0);
    assert.equal(plan.ledgerBelow, 1);
    assert.ok((await shardEntries(world.control, plan)).flat().every(({ twins }) => twins === undefined));
  });

  it("knows the twins of new objects, as long as their outputs live a day more", async () => {
    for (const [outputsExpire, isAlive] of [
      ["2026-11-24", false],
      ["2026-11-25", true],
    ] as const) {
      const world = await worldWith(["a.jpg"]);
      const first = await createPlan(inputOf(world));
      await finish(world, first.plan, () => ({ outputsExpire }));
      await world.source.write("copy.jpg", (await world.source.read("a.jpg")).bytes);
      const { plan } = await createPlan(inputOf(world, { rerun: 2 }));
      const [copy] = (await shardEntries(world.control, plan)).flat();
      const { generation, sizeBytes, crc32c } = (await world.source.stat("a.jpg"))!;
      const twin = { name: "a.jpg", generation, sha256: `sha-${sizeBytes}-${crc32c}`, runId: first.plan.runId };
      assert.deepEqual(copy?.twins, isAlive ? [twin] : undefined);
    }
  });

  it("of an earlier date counts the days from today", async () => {
    const world = await worldWith(["a.jpg"]);
    await finish(world, (await createPlan(inputOf(world))).plan);
    await world.source.write("copy.jpg", (await world.source.read("a.jpg")).bytes);
    const later = { ...clock, now: () => Date.parse("2026-12-20T00:00:00Z") };
    const { plan } = await createPlan(inputOf(world, { rerun: 2, clock: later }));
    assert.equal((await shardEntries(world.control, plan)).flat()[0]?.twins, undefined);
  });

  it("knows twins by size alone where the listing has no crc32c, a few of different content", async () => {
    const world = await worldWith([]);
    for (let index = 0; index < 30; index++) await world.source.write(`${index}.jpg`, Buffer.from([index, 1]));
    await finish(world, (await createPlan(inputOf(world))).plan);
    await world.source.write("new.jpg", Buffer.from([99, 1]));
    const bare: ObjectStore = {
      ...world.source,
      list: async function* (options) {
        for await (const { objects } of world.source.list(options)) {
          yield { objects: objects.map(({ crc32c: _crc32c, ...object }) => object), prefixes: [] };
        }
      },
    };
    const { plan } = await createPlan(inputOf({ ...world, source: bare }, { rerun: 2 }));
    const [entry] = (await shardEntries(world.control, plan)).flat();
    assert.equal(entry?.name, "new.jpg");
    assert.equal(entry.twins?.length, 8);
  });
});

describe("duplicates in one run", () => {
  it("go to one shard, side by side; empty objects do not count as equal", async () => {
    const world = await worldWith(imageNames(200));
    const copies = ["copy/1.jpg", "day/3/copy.jpg", "zz/copy.jpg"];
    for (const name of copies) await world.source.write(name, (await world.source.read("day/0/image-0000.jpg")).bytes);
    for (let index = 0; index < 12; index++) await world.source.write(`day/${index % 7}/empty-${index}.jpg`, new Uint8Array());
    const { plan } = await createPlan(inputOf(world));
    const shards = await shardEntries(world.control, plan);
    const holding = shards.filter((entries) => entries.some(({ name }) => copies.includes(name)));
    assert.equal(holding.length, 1);
    const names = holding[0]!.map(({ name }) => name);
    const first = names.indexOf("copy/1.jpg");
    assert.deepEqual(names.slice(first, first + 4), ["copy/1.jpg", "day/0/image-0000.jpg", "day/3/copy.jpg", "zz/copy.jpg"]);
    assert.ok(shards.filter((entries) => entries.some(({ sizeBytes }) => sizeBytes === 0)).length > 1);
  });
});

describe("a replay", () => {
  it("plans what it is given, in any order, the ledger aside", async () => {
    const world = await worldWith(imageNames(10));
    const first = await createPlan(inputOf(world));
    await finish(world, first.plan);
    const entries: ShardEntry[] = ["z.jpg", "a.jpg", "ｚ.jpg", "😀.jpg"].map((name) => ({
      name,
      generation: "5",
      sizeBytes: 100,
      quarantineCopy: `quarantine/${name}`,
    }));
    const input = inputOf(world, { entries: () => batchesOf(entries, 3) });
    const { source, listings } = listingCounter(world.source);
    const replay = { ...input, source, request: { ...input.request, replay: { runId: first.plan.runId, reasons: [], number: 1 } } };
    const { plan } = await createPlan(replay);
    assert.equal(listings(), 0);
    assert.equal(plan.manifest.objects, 4);
    const packed = (await shardEntries(world.control, plan)).flat();
    assert.deepEqual(
      new Set(packed.map(({ quarantineCopy }) => quarantineCopy)),
      new Set(entries.map(({ quarantineCopy }) => quarantineCopy)),
    );
    const manifest = await collect(readManifest(world.control, plan, signal));
    assert.deepEqual(
      manifest.map(({ name }) => name),
      ["a.jpg", "z.jpg", "ｚ.jpg", "😀.jpg"],
    );
    assert.ok(manifest.every((entry) => !("quarantineCopy" in entry)));
  });

  it("is given each object once", async () => {
    const world = await worldWith([]);
    const entry = { name: "a", generation: "1", sizeBytes: 1 };
    const input = inputOf(world, { entries: () => batchesOf([entry, entry], 1) });
    await assert.rejects(createPlan(input), /twice/);
  });
});

describe("a source that lists names only", () => {
  async function listed(names: string[], objects: Record<string, string>): Promise<World> {
    const world = await worldWith([]);
    for (const [name, content] of Object.entries(objects)) await world.source.write(name, Buffer.from(content));
    const source: ObjectStore = {
      ...world.source,
      capabilities: { ...world.source.capabilities, listsNamesOnly: true },
      list: async function* () {
        for await (const batch of batchesOf(names, 2)) {
          yield { objects: batch.map((name) => ({ name, generation: "", sizeBytes: 0 })), prefixes: [] };
        }
      },
      stat: async (name, options) => {
        if (name.startsWith("https:")) throw new StoreError("STORE_FAILED", "cannot be read");
        return world.source.stat(name, options);
      },
    };
    return { ...world, source };
  }

  it("is sorted, taken once each, and looked at; what is missing stays in", async () => {
    const world = await listed(["b.jpg", "gone.jpg", "a.jpg", "https://c.jpg", "b.jpg", "d.txt"], {
      "a.jpg": "aa",
      "b.jpg": "bbb",
      "d.txt": "d",
    });
    const seen: number[][] = [];
    const input = inputOf(world, { select: { include: ["**/*.jpg"] }, onListing: (objects, bytes) => seen.push([objects, bytes]) });
    const { plan } = await createPlan(input);
    const manifest = await collect(readManifest(world.control, plan, signal));
    assert.deepEqual(
      manifest.map(({ name, sizeBytes }) => [name, sizeBytes]),
      [
        ["a.jpg", 2],
        ["b.jpg", 3],
        ["gone.jpg", 1],
        ["https://c.jpg", 1],
      ],
    );
    assert.deepEqual(
      manifest.map(({ generation }) => generation === "0"),
      [false, false, true, true],
    );
    assert.deepEqual(seen.at(-1), [4, 5]);
  });

  it("is never moved", async () => {
    const world = await listed([], {});
    const moving = { ...policy, archive: { ...policy.archive, onArchived: "move" as const } };
    await assert.rejects(
      createPlan(inputOf(world, { policy: moving })),
      (error) => error instanceof ImagemillError && error.exitCode === 2,
    );
  });

  it("is looked at no further than wanted", async () => {
    const names = Array.from({ length: 2_000 }, (_, index) => `${String(index).padStart(5, "0")}.jpg`);
    const world = await listed(names.toReversed(), { "00001.jpg": "x" });
    let stats = 0;
    const counting: ObjectStore = {
      ...world.source,
      stat: async (...call) => {
        stats++;
        return world.source.stat(...call);
      },
    };
    const { plan } = await createPlan(inputOf({ ...world, source: counting }, { select: { limit: 3 } }));
    assert.equal(plan.manifest.objects, 3);
    assert.ok(stats <= 500, String(stats));
  });
});
