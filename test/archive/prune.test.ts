import assert from "node:assert/strict";
import { pruneArchive, pruneControl } from "../../archive/prune.ts";
import { systemClock } from "../../core/clock.ts";
import { memoryStore } from "../../storage/memory.ts";
import type { ObjectStore } from "../../storage/store.ts";

const dayMs = 86_400_000;
const born = Date.parse("2026-11-01T12:00:00Z");
const key = "0123456789ab";
const run = `2026-11-01/2026-11-01-${key}`;
const ours = [`${run}/0a/thumbnails/256/a.jpg@1.jpg`, `${run}/ff/source/b/c.png@2.png`, `${run}/_metadata/00000-abc.ndjson.gz`];
const theirs = [
  "holiday.jpg",
  "2026-11-01/notes.txt",
  "2026-11-01/mine/x.jpg",
  `2026-11-02/2026-11-01-${key}/0a/x`,
  "2026-13-45/y",
  `old/${run}/z`,
];

interface World {
  store: ObjectStore;
  setNow: (ms: number) => void;
  names: () => Promise<string[]>;
}

async function world(names: string[], options: { pageSize?: number; lifecycle?: boolean } = {}): Promise<World> {
  let now = born;
  const store = memoryStore({
    clock: { ...systemClock, now: () => now },
    pageSize: options.pageSize ?? 2,
    capabilities: { lifecycle: options.lifecycle ?? false },
  });
  for (const name of names) await store.write(name, Buffer.from("12345"));
  return {
    store,
    setNow: (ms) => {
      now = ms;
    },
    names: () => namesIn(store),
  };
}

async function namesIn(store: ObjectStore): Promise<string[]> {
  const names: string[] = [];
  for await (const page of store.list()) names.push(...page.objects.map((object) => object.name));
  return names;
}

describe("pruneArchive", () => {
  it("deletes what is ours at seven full days, and nothing a moment sooner", async () => {
    const { store, names } = await world([...ours, ...theirs]);
    const early = await pruneArchive(store, { days: 7, now: born + 7 * dayMs - 1 });
    assert.deepEqual({ objects: early.objects, kept: early.kept }, { objects: 0, kept: 3 });
    const due = await pruneArchive(store, { days: 7, now: born + 7 * dayMs });
    assert.deepEqual(due, { objects: 3, bytes: 15, runs: [`2026-11-01-${key}`], kept: 0, more: false });
    assert.deepEqual((await names()).sort(), [...theirs].sort());
  });

  it("keeps objects of a backfilled date until they are themselves seven days old", async () => {
    const { store, setNow, names } = await world(ours);
    setNow(born + 6 * dayMs);
    await store.write(`${run}/1b/thumbnails/256/late.jpg@9.jpg`, Buffer.from("late"));
    const result = await pruneArchive(store, { days: 7, now: born + 8 * dayMs });
    assert.deepEqual({ objects: result.objects, kept: result.kept }, { objects: 3, kept: 1 });
    assert.deepEqual(await names(), [`${run}/1b/thumbnails/256/late.jpg@9.jpg`]);
  });

  it("keeps a run whose date is later than its objects", async () => {
    const { store } = await world([`2026-11-20/2026-11-20-${key}/0a/source/a@1.jpg`]);
    assert.equal((await pruneArchive(store, { days: 7, now: born + 20 * dayMs })).objects, 0);
    assert.equal((await pruneArchive(store, { days: 7, now: Date.parse("2026-11-27") })).objects, 1);
  });

  it("only counts on a dry run", async () => {
    const { store, names } = await world(ours);
    const result = await pruneArchive(store, { days: 7, now: born + 9 * dayMs, dryRun: true });
    assert.deepEqual({ objects: result.objects, bytes: result.bytes }, { objects: 3, bytes: 15 });
    assert.equal((await names()).length, 3);
  });

  it("stops at its limit and continues where it was", async () => {
    const many = Array.from({ length: 23 }, (_, index) => `${run}/0a/source/${index}@1.jpg`);
    const { store } = await world(many, { pageSize: 4 });
    const counts: number[] = [];
    for (let more = true; more;) {
      const result = await pruneArchive(store, { days: 7, now: born + 9 * dayMs, maxObjects: 10 });
      counts.push(result.objects);
      more = result.more;
    }
    assert.deepEqual(counts, [10, 10, 3]);
  });

  it("leaves an object that was replaced after it was listed", async () => {
    const { store, setNow, names } = await world([ours[0]!]);
    const now = born + 8 * dayMs;
    const racing: ObjectStore = {
      ...store,
      delete: async (name, options) => {
        setNow(now);
        await store.write(name, Buffer.from("new"));
        return store.delete(name, options);
      },
    };
    const result = await pruneArchive(racing, { days: 7, now });
    assert.deepEqual({ objects: result.objects, kept: result.kept }, { objects: 0, kept: 1 });
    assert.deepEqual(await names(), [ours[0]]);
  });

  it("ends soon after its signal and leaves the rest for the next call", async () => {
    const many = Array.from({ length: 40 }, (_, index) => `${run}/0a/source/${String(index).padStart(2, "0")}@1.jpg`);
    const { store, names } = await world(many, { pageSize: 40 });
    const aborting = new AbortController();
    let deleted = 0;
    const stopping: ObjectStore = {
      ...store,
      delete: async (name, options) => {
        if (++deleted === 10) aborting.abort(new Error("stop"));
        return store.delete(name, options);
      },
    };
    await assert.rejects(pruneArchive(stopping, { days: 7, now: born + 9 * dayMs, signal: aborting.signal }), /stop/);
    assert.ok((await names()).length >= 20);
    assert.equal((await pruneArchive(store, { days: 7, now: born + 9 * dayMs })).more, false);
    assert.deepEqual(await names(), []);
  });

  it("passes a failing deletion on", async () => {
    const { store } = await world(ours);
    const failing: ObjectStore = { ...store, delete: () => Promise.reject(new Error("read-only")) };
    await assert.rejects(pruneArchive(failing, { days: 7, now: born + 9 * dayMs }), /read-only/);
  });

  it("refuses a store whose service applies the rule", async () => {
    const { store } = await world(ours, { lifecycle: true });
    await assert.rejects(pruneArchive(store, { days: 7, now: born }), { code: "LIFECYCLE_BY_SERVICE" });
  });
});

describe("pruneControl", () => {
  it("ends runs and quarantined sources after 200 days and never the ledger", async () => {
    const control = [`runs/2026-11-01-${key}/plan.json`, `quarantine/2026-11-01-${key}/a.jpg@1`];
    const stays = [`ledger/abc/000000.ndjson.gz`, "runs/notes.txt", "runs/mine/plan.json"];
    const { store, names } = await world([...control, ...stays]);
    assert.equal((await pruneControl(store, { now: born + 200 * dayMs - 1 })).objects, 0);
    assert.equal((await pruneControl(store, { now: born + 200 * dayMs })).objects, 2);
    assert.deepEqual((await names()).sort(), [...stays].sort());
  });
});
