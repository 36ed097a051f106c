import assert from "node:assert/strict";
import fc from "fast-check";
import { compareNames } from "../../core/names.ts";
import type { LedgerEntry, SourceObject } from "../../core/types.ts";
import { memoryStore } from "../../storage/memory.ts";
import type { ObjectStore } from "../../storage/store.ts";
import { appendLedger } from "../../partitioner/ledger-append.ts";
import { coveringSegments, ledgerBelow } from "../../partitioner/ledger-segments.ts";
import { isDone, markUnchanged, readAlive, readLedger } from "../../partitioner/ledger.ts";
import { failingStore } from "./failing-store.ts";
import { batchesOf, collect } from "./streams.ts";

const signal = new AbortController().signal;
const key = "source-and-jobs";

function entry(name: string, runId: string, more: Partial<LedgerEntry> = {}): LedgerEntry {
  return { name, generation: "1", sizeBytes: 10, crc32c: "AAAAAA==", sha256: "ab".repeat(32), outcome: "ok", runId, ...more };
}

async function append(control: ObjectStore, runId: string, entries: LedgerEntry[], from = 0): Promise<number | undefined> {
  return appendLedger(control, key, batchesOf(entries, 3), { runId, from, signal });
}

async function read(control: ObjectStore, below?: number): Promise<LedgerEntry[]> {
  return collect(readLedger(control, key, { below: below ?? (await ledgerBelow(control, key, signal)), signal }));
}

async function namesIn(control: ObjectStore): Promise<string[]> {
  const names: string[] = [];
  for await (const { objects } of control.list()) names.push(...objects.map((object) => object.name));
  return names;
}

describe("the ledger", () => {
  it("of nobody is empty", async () => {
    const control = memoryStore();
    assert.equal(await ledgerBelow(control, key), 0);
    assert.deepEqual(await read(control), []);
  });

  it("gives the newest answer a name, sorted, below the number that a plan names", async () => {
    const control = memoryStore();
    assert.equal(await append(control, "r1", [entry("b", "r1"), entry("a", "r1"), entry("ｚ", "r1"), entry("😀", "r1")]), 0);
    assert.equal(await append(control, "r2", [entry("b", "r2", { generation: "2" }), entry("c", "r2")]), 1);
    assert.deepEqual(
      (await read(control)).map(({ name, runId }) => `${name} ${runId}`),
      ["a r1", "b r2", "c r2", "ｚ r1", "😀 r1"],
    );
    assert.deepEqual(await read(control, 1), [entry("a", "r1"), entry("b", "r1"), entry("ｚ", "r1"), entry("😀", "r1")]);
  });

  it("takes what a run has done once, whoever asks", async () => {
    const control = memoryStore();
    await append(control, "r1", [entry("a", "r1")]);
    const [first, second] = await Promise.all([append(control, "r2", [entry("b", "r2")], 1), append(control, "r2", [entry("b", "r2")], 1)]);
    assert.equal(first, 1);
    assert.equal(second, 1);
    const before = await namesIn(control);
    assert.equal(await append(control, "r2", [entry("b", "r2")], 1), 1);
    assert.deepEqual(await namesIn(control), before);
  });

  it("gives racing runs a number each", async () => {
    const control = memoryStore();
    const runs = ["r1", "r2", "r3", "r4", "r5"];
    const numbers = await Promise.all(runs.map(async (runId) => append(control, runId, [entry(runId, runId)])));
    assert.deepEqual(
      numbers.toSorted((a, b) => a! - b!),
      [0, 1, 2, 3, 4],
    );
    assert.equal((await read(control)).length, 5);
  });

  it("writes nothing for a run that did nothing", async () => {
    const control = memoryStore();
    assert.equal(await append(control, "r1", []), undefined);
    assert.equal(await append(control, "r1", [entry("a", "r1", { outcome: "skipped", reason: "source_changed" })]), undefined);
    assert.deepEqual(await namesIn(control), []);
  });

  it("counts as done what trying again would not change", () => {
    assert.ok(isDone(entry("a", "r")));
    assert.ok(isDone(entry("a", "r", { outcome: "skipped", reason: "duplicate" })));
    assert.ok(isDone(entry("a", "r", { outcome: "quarantined", reason: "corrupt" })));
    assert.ok(!isDone(entry("a", "r", { outcome: "quarantined", reason: "unreadable" })));
    assert.ok(!isDone(entry("a", "r", { outcome: "skipped", reason: "source_changed" })));
  });

  it("lets a later failure to read replace an earlier answer", async () => {
    const control = memoryStore();
    await append(control, "r1", [entry("a", "r1")]);
    await append(control, "r2", [entry("a", "r2", { outcome: "quarantined", reason: "unreadable" })]);
    const [only] = await read(control);
    assert.equal(only?.reason, "unreadable");
  });

  it("merges segments, so that hundreds of runs are read as a few files, with the same answer as without", async () => {
    const control = memoryStore();
    const expected = new Map<string, LedgerEntry>();
    for (let run = 0; run < 280; run++) {
      const runId = `r${run}`;
      const entries = [entry(`name-${run % 40}`, runId), entry(`own-${run}`, runId, { generation: String(run) })];
      for (const one of entries) expected.set(one.name, one);
      await append(control, runId, entries, run);
    }
    const answer = [...expected.values()].sort((a, b) => compareNames(a.name, b.name));
    assert.deepEqual(await read(control), answer);
    const ranges = await coveringSegments(control, key, 280);
    assert.deepEqual(
      ranges.slice(0, 2).map(({ from, to }) => [from, to]),
      [
        [0, 256],
        [256, 272],
      ],
    );
    assert.equal(ranges.length, 2 + 8);
    assert.deepEqual(
      (await coveringSegments(control, key, 20)).map(({ from, to }) => [from, to]),
      [
        [0, 16],
        [16, 17],
        [17, 18],
        [18, 19],
        [19, 20],
      ],
    );
    for (const name of await namesIn(control)) if (name.includes("/merged/")) await control.delete(name);
    assert.deepEqual(await read(control), answer);
  });

  it("is whole or absent after any fault, and the same after another try", async () => {
    const entries = Array.from({ length: 5_100 }, (_, index) => entry(`n${String(index).padStart(5, "0")}`, "r1"));
    for (const fault of ["before", "after"] as const) {
      for (let failAt = 1; ; failAt++) {
        const inner = memoryStore();
        const { store, failed } = failingStore(inner, failAt, fault);
        const first = await append(store, "r1", entries).catch(() => undefined);
        if (!failed()) {
          assert.equal(first, 0);
          break;
        }
        const partial = await read(inner);
        assert.ok(partial.length === 0 || partial.length === entries.length);
        assert.equal(await append(inner, "r1", entries), 0);
        assert.deepEqual(await read(inner), entries);
      }
    }
  });
});

describe("objects whose outputs still live", () => {
  it("are found in young segments; old ones are not read", async () => {
    const control = memoryStore();
    for (let run = 0; run < 20; run++) {
      const day = `2026-11-${String(run + 1).padStart(2, "0")}`;
      const gone = entry(`gone-${run}`, `r${run}`, { outcome: "quarantined", reason: "corrupt" });
      await append(control, `r${run}`, [entry(`n-${run}`, `r${run}`, { outputsExpire: day }), gone], run);
    }
    let reads = 0;
    const counting: ObjectStore = {
      ...control,
      read: async (name, options) => {
        if (name.includes("/parts/")) reads++;
        return control.read(name, options);
      },
    };
    const alive = await collect(readAlive(counting, key, { below: 20, aliveOn: "2026-11-14", signal }));
    assert.deepEqual(
      alive.map(({ name }) => name),
      ["n-14", "n-15", "n-16", "n-17", "n-18", "n-19"],
    );
    assert.equal(reads, 6);
  });
});

describe("marking what is unchanged", () => {
  it("is a join by name and generation", async () => {
    const names = fc.uniqueArray(fc.string({ unit: "grapheme", minLength: 1, maxLength: 3 }), { maxLength: 40 });
    const generation = fc.constantFrom("1", "2");
    const reason = fc.constantFrom(undefined, "corrupt" as const, "unreadable" as const);
    await fc.assert(
      fc.asyncProperty(
        names.chain((list) => fc.tuple(fc.constant(list), fc.array(generation, { minLength: 40, maxLength: 40 }))),
        names.chain((list) => fc.tuple(fc.constant(list), fc.array(fc.tuple(generation, reason), { minLength: 40, maxLength: 40 }))),
        async ([listed, generations], [known, details]) => {
          const objects = listed
            .toSorted(compareNames)
            .map((name, index): SourceObject => ({ name, generation: generations[index]!, sizeBytes: 1 }));
          const entries = known.toSorted(compareNames).map((name, index) => {
            const [knownGeneration, why] = details[index]!;
            return entry(name, "r", { generation: knownGeneration, ...(why && { outcome: "quarantined" as const, reason: why }) });
          });
          const marked = await collect(markUnchanged(batchesOf(objects, 3), batchesOf(entries, 2)));
          const isDoneAs = ({ name, generation: listedGeneration }: SourceObject): boolean =>
            entries.some((one) => one.name === name && one.generation === listedGeneration && one.reason !== "unreadable");
          assert.deepEqual(
            marked.map(({ name }) => name),
            objects.map(({ name }) => name),
          );
          assert.deepEqual(
            marked.map(({ unchanged }) => unchanged === true),
            objects.map(isDoneAs),
          );
        },
      ),
    );
  });
});
