import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { seededRandom } from "../../core/clock.ts";
import { silentLogger } from "../../core/log.ts";
import { nthFault, seededFaults, withFaults, type Fault } from "../../storage/faults.ts";
import { fileStore } from "../../storage/file.ts";
import { withLimit } from "../../storage/limit.ts";
import { memoryStore } from "../../storage/memory.ts";
import { createNdjson, createOrReadJson, readJson, readNdjson } from "../../storage/objects.ts";
import { withRetry } from "../../storage/retry.ts";
import { StoreError, type ObjectStore } from "../../storage/store.ts";
import { createLogger } from "../../core/log.ts";
import { withTrace } from "../../storage/trace.ts";
import { fakeClock } from "../clock.ts";
import { listAll } from "../contracts/store.ts";

const bytes = (text: string): Uint8Array => Buffer.from(text);

/** A bit of everything that a run does to a store; what it returns and leaves must not depend on faults. */
async function work(store: ObjectStore): Promise<unknown> {
  const plan = await createOrReadJson(store, "plan.json", { shards: 2 });
  const again = await createOrReadJson(store, "plan.json", { shards: 3 });
  await createNdjson(store, "rows/1.ndjson.gz", [{ row: 1 }, { row: 2 }]);
  const source = await store.write("source/a", bytes("image"), { ifGeneration: "0" });
  await store.copy({ store, name: "source/a", generation: source.generation }, "archive/a", { ifGeneration: "0" });
  await store.write("beat", bytes("one"));
  const beat = await store.write("beat", bytes("two"));
  await store.write("beat", bytes("three"), { ifGeneration: beat.generation });
  const deleted = await store.delete("source/a", { ifGeneration: source.generation });
  const deletedAgain = await store.delete("source/b");
  const listed = await listAll(store, { delimiter: "/" });
  const { bytes: image } = await store.read("archive/a");
  return {
    plan: plan.value,
    again: again.value,
    rows: await readNdjson(store, "rows/1.ndjson.gz"),
    image: Buffer.from(image).toString(),
    deleted,
    deletedAgain,
    listed,
    absent: await readJson(store, "absent.json"),
  };
}

const expected = {
  plan: { shards: 2 },
  again: { shards: 2 },
  rows: [{ row: 1 }, { row: 2 }],
  image: "image",
  deleted: true,
  deletedAgain: false,
  listed: { names: ["beat", "plan.json"], prefixes: ["archive/", "rows/"] },
  absent: undefined,
};

interface Bed {
  bare: ObjectStore;
  dispose: () => Promise<void>;
}

const beds: [string, () => Promise<Bed>][] = [
  ["memoryStore", async () => ({ bare: memoryStore({ pageSize: 2 }), dispose: async () => undefined })],
  [
    "fileStore",
    async () => {
      const folder = await mkdtemp(join(tmpdir(), "imagemill-faults-"));
      return { bare: fileStore(folder), dispose: async () => rm(folder, { recursive: true }) };
    },
  ],
];

const lasting: Fault[] = [
  { kind: "before" },
  { kind: "after" },
  { kind: "before", code: "CHECKSUM_MISMATCH" },
  { kind: "before", retryAfterMs: 3000 },
];

for (const [title, makeBed] of beds) {
  describe(`withFaults around ${title}`, () => {
    const attempt = async (plan: Parameters<typeof withFaults>[1], attempts: number): Promise<number> => {
      const { bare, dispose } = await makeBed();
      try {
        const { store, calls } = withFaults(bare, plan);
        const options = { attempts, clock: fakeClock(), random: seededRandom(1), log: silentLogger };
        // "Not there" and "I just removed it" look the same after a lost reply.
        const { deletedAgain, ...result } = (await work(withRetry(withLimit(store, { concurrency: 2 }), options))) as typeof expected;
        assert.deepEqual({ ...result, deletedAgain: false }, expected, String(deletedAgain));
        return calls();
      } finally {
        await dispose();
      }
    };

    for (const fault of lasting) {
      it(`comes to the same end whichever call fails: ${JSON.stringify(fault)}`, async () => {
        let n = 1;
        while ((await attempt(nthFault(n, fault), 2)) >= n) n += 1;
        assert.ok(n > 15, `${n} calls`);
      });
    }

    it("comes to the same end when a third of all calls fail", async () => {
      for (let seed = 1; seed <= 20; seed++) {
        const plan = seededFaults(seededRandom(seed), 1 / 3, lasting);
        await attempt(plan, 30).catch((error: unknown) => assert.fail(`seed ${seed}: ${String(error)}`));
      }
    });
  });
}

describe("withFaults", () => {
  it("stalls until the signal aborts", async () => {
    const { store } = withFaults(memoryStore(), nthFault(1, { kind: "stall" }));
    const controller = new AbortController();
    const reason = new Error("enough");
    const stalled = store.stat("x", { signal: controller.signal });
    controller.abort(reason);
    await assert.rejects(stalled, (error) => error === reason);
  });

  it("damages the bytes of a read, not its info", async () => {
    const inner = memoryStore();
    await inner.write("x", bytes("0123456789"));
    const { store } = withFaults(inner, ({ index }) => ({ kind: index === 1 ? "truncate" : "flip" }));
    const cut = await store.read("x");
    assert.deepEqual([cut.bytes.length, cut.info.sizeBytes], [5, 10]);
    const flipped = await store.read("x");
    assert.deepEqual([flipped.bytes.length, flipped.info.sizeBytes], [10, 10]);
    assert.notDeepEqual(Buffer.from(flipped.bytes), Buffer.from("0123456789"));
  });
});

describe("withTrace", () => {
  it("says of each call what, how long, how much and what went wrong", async () => {
    const lines: Record<string, unknown>[] = [];
    const log = createLogger("debug", (line) => lines.push(JSON.parse(line) as Record<string, unknown>));
    const inner = memoryStore({ url: "memory://m" });
    const store = withTrace(inner, { log, clock: fakeClock() });
    await store.write("a", bytes("abc"));
    await store.read("a");
    await assert.rejects(store.read("b"), StoreError);
    await listAll(store);
    await store.delete("a");
    assert.deepEqual(
      lines.map(({ event, uri, ms, bytes: size, error, names, removed }) => [event, uri, ms, size ?? error ?? names ?? removed]),
      [
        ["store.write", "memory://m/a", 0, 3],
        ["store.read", "memory://m/a", 0, 3],
        ["store.read", "memory://m/b", 0, "NOT_FOUND"],
        ["store.list", "memory://m/", 0, 1],
        ["store.list", "memory://m/", 0, 0],
        ["store.delete", "memory://m/a", 0, true],
      ],
    );
  });
});
