import assert from "node:assert/strict";
import { seededRandom } from "../../core/clock.ts";
import { silentLogger } from "../../core/log.ts";
import { nthFault, withFaults, type Fault, type FaultPlan } from "../../storage/faults.ts";
import { memoryStore } from "../../storage/memory.ts";
import { withRetry, writeIdKey } from "../../storage/retry.ts";
import { isStoreError, type ObjectStore, type StoreErrorCode } from "../../storage/store.ts";
import { fakeClock } from "../clock.ts";
import { listAll } from "../contracts/store.ts";

const bytes = (text: string): Uint8Array => Buffer.from(text);

function setUp(plan: FaultPlan, more: { attempts?: number; budgetMs?: number; inner?: ObjectStore } = {}) {
  const clock = fakeClock();
  const { inner = memoryStore({ clock, pageSize: 2 }), attempts = 5, ...rest } = more;
  const faulty = withFaults(inner, plan);
  const store = withRetry(faulty.store, { attempts, clock, random: seededRandom(1), log: silentLogger, ...rest });
  return { clock, inner, store, calls: faulty.calls };
}

const always =
  (fault: Fault): FaultPlan =>
  () =>
    fault;

describe("withRetry", () => {
  for (const code of ["UNAVAILABLE", "CHECKSUM_MISMATCH"] as const) {
    it(`tries ${code} again, with growing waits, as often as allowed`, async () => {
      const { store, clock, calls } = setUp(always({ kind: "before", code }), { attempts: 8 });
      await assert.rejects(store.stat("x"), (error) => isStoreError(error, code));
      assert.equal(calls(), 8);
      assert.equal(clock.slept.length, 7);
      clock.slept.forEach((ms, index) => assert.ok(ms >= 0 && ms <= 200 * 2 ** index, `wait ${index}: ${ms}`));
    });
  }

  const final: StoreErrorCode[] = [
    "NOT_FOUND",
    "PRECONDITION_FAILED",
    "PERMISSION_DENIED",
    "NO_SPACE",
    "CHANGED_WHILE_READ",
    "STORE_FAILED",
  ];
  for (const code of final) {
    it(`passes ${code} at once`, async () => {
      const { store, calls } = setUp(always({ kind: "before", code }));
      await assert.rejects(store.read("x"), (error) => isStoreError(error, code));
      assert.equal(calls(), 1);
    });
  }

  it("passes what is no store error at once", async () => {
    const inner = { ...memoryStore(), stat: async () => Promise.reject(new TypeError("a bug")) };
    await assert.rejects(setUp(() => undefined, { inner }).store.stat("x"), TypeError);
  });

  it("waits as long as the service asks", async () => {
    const { store, clock } = setUp(nthFault(1, { kind: "before", retryAfterMs: 7000, httpStatus: 429 }));
    assert.equal(await store.stat("x"), undefined);
    assert.deepEqual(clock.slept, [7000]);
  });

  it("stops when the budget would not cover the wait", async () => {
    const { store, clock, calls } = setUp(always({ kind: "before", retryAfterMs: 4000 }), { attempts: 100, budgetMs: 10_000 });
    await assert.rejects(store.stat("x"), (error) => isStoreError(error, "UNAVAILABLE"));
    assert.deepEqual(clock.slept, [4000, 4000]);
    assert.equal(calls(), 3);
  });

  it("ends a wait when the signal aborts", async () => {
    const controller = new AbortController();
    const reason = new Error("enough");
    const { store, calls } = setUp(() => {
      controller.abort(reason);
      return { kind: "before" };
    });
    await assert.rejects(store.stat("x", { signal: controller.signal }), (error) => error === reason);
    assert.equal(calls(), 1);
  });

  for (const keepsMetadata of [true, false]) {
    describe(keepsMetadata ? "where metadata is kept" : "where it is not", () => {
      const inner = (): ObjectStore => memoryStore({ pageSize: 2, capabilities: { keepsMetadata } });

      it("takes its own write for a success after a lost reply", async () => {
        const { store } = setUp(nthFault(1, { kind: "after" }), { inner: inner() });
        const written = await store.write("x", bytes("mine"), { ifGeneration: "0", metadata: { own: "1" } });
        const { info } = await store.read("x");
        assert.equal(written.generation, info.generation);
        assert.equal(info.metadata?.["own"], "1");
        assert.equal(writeIdKey in info.metadata, keepsMetadata);
      });

      it("does not take another's write for its own", async () => {
        const first = inner();
        const { store } = setUp(nthFault(1, { kind: "before" }), { inner: first });
        await first.write("x", bytes("theirs"));
        await assert.rejects(store.write("x", bytes("mine"), { ifGeneration: "0" }), (error) => isStoreError(error, "PRECONDITION_FAILED"));
      });

      it("takes its own replacement for a success after a lost reply", async () => {
        const first = inner();
        const { generation } = await first.write("x", bytes("old"));
        const { store } = setUp(nthFault(1, { kind: "after" }), { inner: first });
        const written = await store.write("x", bytes("new"), { ifGeneration: generation });
        assert.equal((await store.stat("x"))?.generation, written.generation);
      });

      it("takes its own copy for a success after a lost reply", async () => {
        const first = inner();
        const { generation } = await first.write("from", bytes("content"), { metadata: { kept: "yes" } });
        const { store } = setUp(nthFault(1, { kind: "after" }), { inner: first });
        const copied = await store.copy({ store: first, name: "from", generation }, "to", { ifGeneration: "0" });
        assert.equal((await store.stat("to"))?.generation, copied.generation);
      });
    });
  }

  it("tells two writers of the same bytes apart by their write ids", async () => {
    const first = memoryStore();
    await first.write("x", bytes("same"));
    const { store } = setUp(nthFault(1, { kind: "before" }), { inner: first });
    await assert.rejects(store.write("x", bytes("same"), { ifGeneration: "0" }), (error) => isStoreError(error, "PRECONDITION_FAILED"));
  });

  it("says that it deleted what its lost try deleted", async () => {
    const { store, inner } = setUp(nthFault(1, { kind: "after" }));
    await inner.write("x", bytes("x"));
    assert.equal(await store.delete("x"), true);
  });

  it("does not say so when every try failed before it began", async () => {
    const { store } = setUp(() => undefined);
    assert.equal(await store.delete("x"), false);
  });

  it("goes on with a listing where it broke off, for every page that can break", async () => {
    const names = ["a", "b/1", "b/2", "c", "d/1", "e", "f", "g"];
    for (const delimiter of [undefined, "/"] as const) {
      for (const kind of ["before", "after"] as const) {
        for (let n = 1; n <= 6; n++) {
          const { store, inner } = setUp(nthFault(n, { kind }));
          for (const name of names) await inner.write(name, bytes(name));
          const found = await listAll(store, delimiter === undefined ? {} : { delimiter });
          assert.deepEqual(found, await listAll(inner, delimiter === undefined ? {} : { delimiter }), `${kind} ${n}`);
        }
      }
    }
  });

  it("gives up a listing that never gets further", async () => {
    const { store, inner } = setUp(({ index }) => (index % 2 === 1 ? { kind: "before" } : undefined), { attempts: 4 });
    await inner.write("only", bytes("x"));
    await assert.rejects(listAll(store), (error) => isStoreError(error, "UNAVAILABLE"));
  });

  it("counts the tries of a listing anew with each page", async () => {
    const { store, inner } = setUp(({ index }) => (index % 2 === 1 && index < 12 ? { kind: "before" } : undefined), { attempts: 2 });
    const names = ["a", "b", "c", "d", "e", "f", "g"];
    for (const name of names) await inner.write(name, bytes(name));
    assert.deepEqual((await listAll(store)).names, names);
  });
});
