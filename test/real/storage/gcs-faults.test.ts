import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { gzipSync } from "node:zlib";
import { seededRandom, systemClock, systemRandom } from "../../../core/clock.ts";
import { silentLogger } from "../../../core/log.ts";
import { crc32cBase64 } from "../../../storage/checksum.ts";
import { gcsClient } from "../../../storage/gcs-client.ts";
import { gcsStore } from "../../../storage/gcs.ts";
import { openStore } from "../../../storage/open.ts";
import { withRetry } from "../../../storage/retry.ts";
import { isStoreError, StoreError, type ObjectStore } from "../../../storage/store.ts";
import { fakeClock } from "../../clock.ts";
import { listAll } from "../../contracts/store.ts";
import type { HttpFault } from "../../servers/gcs-answers.ts";
import { startGcsProxy, type GcsCall, type GcsProxy } from "../../servers/gcs-proxy.ts";
import { orSkip } from "../../servers/install.ts";

const bytes = (text: string): Uint8Array => Buffer.from(text);
const dayMs = 24 * 3600 * 1000;

describe("Cloud Storage when things go wrong", () => {
  let server: GcsProxy;
  let bucket: string;
  let bare: ObjectStore;
  let clock: ReturnType<typeof fakeClock>;
  let store: ObjectStore;
  let made = 0;

  before(async function () {
    this.timeout(15 * 60_000);
    server = await orSkip(this, "a Cloud Storage server", startGcsProxy);
  });
  after(async () => server?.[Symbol.asyncDispose]());

  beforeEach(async () => {
    bucket = `faults-${(made += 1)}`;
    await server.createBucket(bucket);
    bare = gcsStore({ bucket, prefix: "", endpoint: server.endpoint, clock: systemClock, random: systemRandom, pageSize: 3, stallMs: 300 });
    clock = fakeClock();
    store = withRetry(bare, { attempts: 4, clock, random: seededRandom(1), log: silentLogger });
  });
  afterEach(async () => {
    server.faults = () => undefined;
    await bare.close();
  });

  /** The nth request of the kind from now on fails, and no other. */
  const failOnce = (fault: HttpFault, matches: (call: GcsCall) => boolean, nth = 1): void => {
    let seen = 0;
    server.faults = (call) => (matches(call) && ++seen === nth ? fault : undefined);
  };

  const passing: HttpFault[] = [
    { kind: "status", status: 429, retryAfter: "2", when: "before" },
    { kind: "status", status: 503, when: "before" },
    { kind: "status", status: 503, when: "after" },
    { kind: "status", status: 500, when: "after" },
    { kind: "status", status: 408, when: "before" },
    { kind: "status", status: 403, when: "before", body: '{"error":{"message":"slow down","errors":[{"reason":"rateLimitExceeded"}]}}' },
    { kind: "reset", when: "before" },
    { kind: "reset", when: "after" },
    { kind: "stall", when: "before" },
    { kind: "stall", when: "after" },
    { kind: "truncate", quietly: false },
    { kind: "truncate", quietly: true },
  ];
  const readOnly: HttpFault[] = [{ kind: "flip" }];
  const image = randomBytes(120_000);

  const operations: Record<string, (given: { generation: string }) => Promise<void>> = {
    list: async () => assert.deepEqual((await listAll(store)).names, ["a", "b", "c", "d", "given"]),
    stat: async ({ generation }) => assert.equal((await store.stat("given"))?.generation, generation),
    read: async ({ generation }) => assert.equal(Buffer.compare((await store.read("given", { generation })).bytes, image), 0),
    write: async () => {
      const written = await store.write("new", image, { ifGeneration: "0", contentType: "image/jpeg" });
      assert.equal((await bare.stat("new"))?.generation, written.generation);
    },
    copy: async ({ generation }) => {
      const copied = await store.copy({ store, name: "given", generation }, "copy", { ifGeneration: "0" });
      assert.equal(copied.crc32c, crc32cBase64(image));
      assert.equal((await bare.stat("copy"))?.generation, copied.generation);
    },
    delete: async ({ generation }) => {
      assert.equal(await store.delete("given", { ifGeneration: generation }), true);
      assert.equal(await bare.stat("given"), undefined);
    },
  };

  for (const [op, act] of Object.entries(operations)) {
    for (const fault of op === "read" ? [...passing, ...readOnly] : passing) {
      it(`${op} gets over ${JSON.stringify(fault)}`, async () => {
        for (const name of ["a", "b", "c", "d"]) await bare.write(name, bytes(name));
        const given = await bare.write("given", image);
        let hits = 0;
        failOnce(fault, (call) => call.op === op && ++hits > 0, op === "list" ? 2 : 1);
        await act(given);
        // Nobody reads what a deletion answers.
        assert.ok(hits > (op === "delete" && fault.kind === "truncate" ? 0 : 1), "the fault was met");
        if (fault.kind === "status" && fault.retryAfter !== undefined) assert.equal(clock.slept[0], 2000);
      });
    }
  }

  const lasting: [HttpFault, string][] = [
    [{ kind: "status", status: 401, when: "before" }, "PERMISSION_DENIED"],
    [{ kind: "status", status: 403, when: "before" }, "PERMISSION_DENIED"],
    [{ kind: "status", status: 400, when: "before" }, "STORE_FAILED"],
    [{ kind: "status", status: 503, when: "before" }, "UNAVAILABLE"],
    [{ kind: "flip" }, "CHECKSUM_MISMATCH"],
  ];
  for (const [fault, code] of lasting) {
    it(`says ${code}, the object and what to do, when a read always meets ${JSON.stringify(fault)}`, async () => {
      await bare.write("x", image);
      server.faults = () => fault;
      await assert.rejects(store.read("x"), (error) => {
        assert.ok(error instanceof StoreError);
        assert.equal(error.code, code);
        assert.ok(error.message.includes(`gs://${bucket}/x`), error.message);
        if (code === "PERMISSION_DENIED") assert.ok(error.hint);
        return true;
      });
    });
  }

  it("does not take another's object for its own after a lost reply", async () => {
    let writes = 0;
    server.faults = async ({ op }) => {
      if (op !== "write" || ++writes > 1) return undefined;
      await bare.write("x", bytes("mine"), { ifGeneration: "0" });
      return { kind: "status", status: 503, when: "before" };
    };
    await assert.rejects(store.write("x", bytes("mine"), { ifGeneration: "0" }), (error) => isStoreError(error, "PRECONDITION_FAILED"));
  });

  it("notices an upload that arrives damaged", async () => {
    const damaging: ObjectStore = gcsStore({ bucket, prefix: "", endpoint: server.endpoint, clock, random: systemRandom });
    const damaged = Buffer.from("0123456789");
    const writing = damaging.write("x", damaged);
    // The checksum is taken before the bytes go out.
    damaged[5] = 0;
    await assert.rejects(writing, (error) => isStoreError(error, "CHECKSUM_MISMATCH"));
    assert.equal(await bare.stat("x"), undefined);
    await damaging.close();
  });

  it("lists each lasting object once while the bucket changes between pages", async () => {
    const lastingNames = Array.from({ length: 12 }, (_, index) => `k${String(index).padStart(2, "0")}`);
    for (const name of lastingNames) await bare.write(name, bytes(name));
    let page = 0;
    server.faults = async ({ op }) => {
      if (op !== "list") return undefined;
      page += 1;
      const other = gcsStore({ bucket, prefix: "", endpoint: server.bareEndpoint, clock, random: systemRandom });
      await other.write(`k0${page}-new`, bytes("x"));
      await other.delete(`k0${page - 1}-new`);
      await other.close();
      return page % 3 === 0 ? { kind: "status", status: 503, when: "after" } : undefined;
    };
    const { names } = await listAll(store);
    assert.deepEqual(
      names.filter((name) => !name.endsWith("-new")),
      lastingNames,
    );
    assert.equal(new Set(names).size, names.length);
  });

  it("ends a stalled call when its signal aborts", async () => {
    server.faults = () => ({ kind: "stall", when: "before" });
    const patient = gcsStore({ bucket, prefix: "", endpoint: server.endpoint, clock, random: systemRandom });
    const controller = new AbortController();
    const reason = new Error("enough");
    const calls = [
      patient.read("x", { signal: controller.signal }),
      patient.write("x", image, { signal: controller.signal }),
      patient.delete("x", { signal: controller.signal }),
      listAll(patient, { signal: controller.signal }),
    ];
    setTimeout(() => controller.abort(reason), 50);
    for (const call of calls) await assert.rejects(call, (error) => error === reason);
    await patient.close();
  });

  it("says so when nothing answers at the endpoint", async () => {
    const nowhere = gcsStore({ bucket, prefix: "", endpoint: "http://127.0.0.1:1", clock, random: systemRandom });
    await assert.rejects(nowhere.read("x"), (error) => isStoreError(error, "UNAVAILABLE") && error.hint !== undefined);
  });

  it("says so when the bucket does not exist", async () => {
    const missing = gcsStore({ bucket: "no-such-bucket", prefix: "", endpoint: server.endpoint, clock, random: systemRandom });
    await assert.rejects(listAll(missing), (error) => isStoreError(error, "NOT_FOUND") && error.hint!.includes("imagemill init"));
    await missing.close();
  });

  it("reads objects stored with Content-Encoding gzip as they are stored", async () => {
    const compressed = gzipSync("compressible ".repeat(1000));
    const client = await gcsClient(server.endpoint);
    const saving = { resumable: false, contentType: "text/plain", metadata: { contentEncoding: "gzip" } };
    await client.bucket(bucket).file("x.gz").save(compressed, saving);
    const { info, bytes: read } = await store.read("x.gz");
    assert.equal(Buffer.compare(read, compressed), 0);
    assert.deepEqual([info.sizeBytes, info.crc32c], [compressed.length, crc32cBase64(compressed)]);
    assert.equal((await store.stat("x.gz"))?.crc32c, info.crc32c);
  });

  it("opens by its URL, and copies inside the service between buckets and prefixes", async () => {
    const context = {
      attempts: 3,
      concurrency: 4,
      endpoint: server.endpoint.replace("http://", ""),
      log: silentLogger,
      clock,
      random: systemRandom,
    };
    const archive = await openStore(`gs://${bucket}/some/prefix/`, context);
    const source = await openStore(`gs://${bucket}`, context);
    const { generation } = await source.write("from", image, { contentType: "image/jpeg" });
    const before = server.calls.length;
    await archive.copy({ store: source, name: "from", generation }, "to", { ifGeneration: "0", metadata: { own: "1" } });
    assert.deepEqual(
      server.calls.slice(before).map(({ op }) => op),
      ["stat", "copy"],
    );
    const copied = (await source.stat("some/prefix/to"))!;
    assert.deepEqual([copied.contentType, copied.metadata?.["own"]], ["image/jpeg", "1"]);
    await Promise.all([archive.close(), source.close()]);
  });

  it("deletes by lifecycle at day 7 and not at day 6, in the server that tests use", async () => {
    const client = await gcsClient(server.endpoint);
    const rule = { action: { type: "Delete" as const }, condition: { age: 7, matchesPrefix: ["archive/"] } };
    await client.bucket(bucket).setMetadata({ lifecycle: { rule: [rule] } });
    const [metadata] = await client.bucket(bucket).getMetadata();
    assert.deepEqual(metadata.lifecycle?.rule, [rule]);
    assert.equal(metadata.metageneration, "2");
    await bare.write("archive/x", bytes("x"));
    await bare.write("control/x", bytes("x"));
    assert.deepEqual(await server.runLifecycle(Date.now() + 6 * dayMs), []);
    assert.deepEqual(await server.runLifecycle(Date.now() + 7 * dayMs), [`gs://${bucket}/archive/x`]);
    assert.deepEqual((await listAll(bare)).names, ["control/x"]);
  });
});
