import assert from "node:assert/strict";
import { seededRandom } from "../../core/clock.ts";
import type { ImageRow } from "../../core/rows.ts";
import { withFaults, type Fault, type FaultPlan } from "../../storage/faults.ts";
import { memoryStore } from "../../storage/memory.ts";
import type { ObjectStore } from "../../storage/store.ts";
import { startInProcess } from "./in-process.ts";
import { tinyPng } from "./pictures.ts";
import { planRun, type PlannedRun } from "./planned-run.ts";
import { work, type Worked } from "./working.ts";

const urls = { source: "memory://source", archive: "memory://archive", control: "memory://control" };

let objects: Record<string, Uint8Array>;

/** Stores of their own, and the worker on them with faults. No retry wrapper: every fault is felt. */
async function attemptWith(run: PlannedRun, plan: FaultPlan): Promise<{ worked: Worked | undefined; calls: number }> {
  let calls = 0;
  const shared: FaultPlan = (call) => plan({ ...call, index: (calls += 1) });
  const open = async (url: string): Promise<ObjectStore> => withFaults(storeOf(run, url), shared).store;
  try {
    const worked = await work(run, { open, startChild: startInProcess(open), code: run.plan.code });
    return { worked, calls };
  } catch {
    // The plan could not be read: nothing was done.
    return { worked: undefined, calls };
  }
}

function storeOf(run: PlannedRun, url: string): ObjectStore {
  return url === urls.source ? run.source : url === urls.archive ? run.archive : run.control;
}

async function freshRun(): Promise<PlannedRun> {
  const stores = new Map(Object.values(urls).map((url) => [url, memoryStore({ url })]));
  return planRun({ objects, urls, open: async (url) => stores.get(url)! });
}

async function assertTrue(run: PlannedRun): Promise<ImageRow[]> {
  const rows = await run.rows(run.shards[0]!);
  assert.deepEqual(
    rows.map(({ name }) => name),
    Object.keys(objects),
  );
  const { counts } = (await run.commit(run.shards[0]!))!;
  assert.equal(counts.ok + counts.skipped + counts.quarantined, rows.length);
  for (const row of rows) {
    const twin = row.twin === null ? undefined : rows.find(({ name }) => name === row.twin!.name);
    assert.ok(row.twin === null || twin?.outcome === "ok", "a duplicate points at an object that is ok");
    assert.ok(row.outcome !== "ok" || row.outputs.length === 2);
    for (const output of row.outputs) {
      const { info } = await run.archive.read(output.uri.slice(urls.archive.length + 1));
      assert.deepEqual([info.generation, info.crc32c, info.sizeBytes], [output.generation, output.crc32c, output.size_bytes]);
    }
  }
  return rows;
}

const faults: Fault[] = [
  { kind: "before", code: "UNAVAILABLE" },
  { kind: "before", code: "NO_SPACE" },
  { kind: "before", code: "PERMISSION_DENIED" },
  { kind: "before", code: "NOT_FOUND" },
  { kind: "after" },
];

describe("storage faults", function () {
  this.timeout(120_000);

  before(async () => {
    const red = await tinyPng("red");
    objects = { "a.png": red, "b.png": red, "c.txt": Buffer.from("no image"), "d.png": await tinyPng("blue"), "e.png": Buffer.alloc(0) };
  });

  for (const fault of faults) {
    it(`${fault.kind === "before" ? fault.code : "a lost answer"} at the Nth call, N = 1, 2, 3, … until clean: what is committed is true, and the next attempt finishes`, async () => {
      for (let n = 1; ; n += 1) {
        await using run = await freshRun();
        const { worked, calls } = await attemptWith(run, ({ index }) => (index === n ? fault : undefined));
        const committed = await run.commit(run.shards[0]!);
        assert.equal(worked?.of("shard-committed").length === 1, committed !== undefined && worked?.exitCode === 0, `N = ${n}`);
        if (committed !== undefined) await assertTrue(run);
        const { worked: again } = await attemptWith(run, () => undefined);
        assert.equal(again?.exitCode, 0, `N = ${n}`);
        const rows = await assertTrue(run);
        if (calls >= n) continue;
        assert.deepEqual(
          rows.map(({ outcome }) => outcome),
          ["ok", "skipped", "quarantined", "ok", "quarantined"],
        );
        break;
      }
    });
  }

  it("many at once, seeded: attempts go on until one commits what is true", async () => {
    for (let seed = 1; seed <= 15; seed += 1) {
      await using run = await freshRun();
      const random = seededRandom(seed);
      for (let tries = 0; (await run.commit(run.shards[0]!)) === undefined; tries += 1) {
        assert.ok(tries < 200, `seed ${seed}`);
        await attemptWith(run, () => (random.next() < 0.05 ? faults[Math.floor(random.next() * faults.length)] : undefined));
      }
      await assertTrue(run);
    }
  });

  it("a full archive fails the attempt, with its code, and quarantines nothing", async () => {
    await using run = await freshRun();
    const { worked } = await attemptWith(run, ({ op, name }) =>
      (op === "write" || op === "copy") && name.includes("/thumbnails/") ? { kind: "before", code: "NO_SPACE" } : undefined,
    );
    assert.equal(worked?.exitCode, 1);
    assert.equal(worked.of("shard-failed")[0]!.code, "NO_SPACE");
    assert.equal(await run.commit(run.shards[0]!), undefined);
  });

  it("a source that is down fails the attempt instead of quarantining the shard", async () => {
    objects = Object.fromEntries(
      await Promise.all(Array.from({ length: 30 }, async (_, index) => [`${10 + index}.png`, await tinyPng("red")] as const)),
    );
    await using run = await freshRun();
    const { worked } = await attemptWith(run, ({ op, name }) =>
      op === "read" && /^\d\d\.png$/.test(name) ? { kind: "before" } : undefined,
    );
    assert.equal(worked?.exitCode, 1);
    assert.equal(worked.of("shard-failed")[0]!.code, "UNAVAILABLE");
  });
});
