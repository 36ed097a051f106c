import assert from "node:assert/strict";
import { seededRandom } from "../../../core/clock.ts";
import { silentLogger } from "../../../core/log.ts";
import { objectSink, type Taken } from "../../../ingest/kafka/sink.ts";
import { nthFault, seededFaults, withFaults } from "../../../storage/faults.ts";
import { memoryStore } from "../../../storage/memory.ts";
import { withRetry } from "../../../storage/retry.ts";
import type { ObjectStore } from "../../../storage/store.ts";
import { fakeClock } from "../../clock.ts";
import { listAll } from "../../contracts/store.ts";
import { jpegLike } from "../images.ts";
import { header, messageOf } from "./messages.ts";

const never = new AbortController().signal;
const rules = { maxObjectBytes: 1000, spread: false, nameHeader: "image-name" };

function world(wrap: (to: ObjectStore) => ObjectStore = (to) => to) {
  const [to, deadLetters] = [memoryStore({ url: "memory://to" }), memoryStore({ url: "memory://dead" })];
  return { to, deadLetters, sink: objectSink({ to: wrap(to), deadLetters, rules }) };
}

const reasonOf = (taken: Taken): string => (taken.end === "dead" ? taken.reason : taken.end);

describe("the sink of Kafka messages", () => {
  it("creates an object once; a second delivery finds it and changes nothing", async () => {
    const { to, sink } = world();
    const message = messageOf(jpegLike("photo"));
    assert.deepEqual(await sink.take(message, never), { end: "created", name: "photos/2/0000000000000000041.jpg", bytes: 9 });
    const stored = await to.stat("photos/2/0000000000000000041.jpg");
    assert.deepEqual([stored?.contentType, stored?.metadata?.["kafka-offset"]], ["image/jpeg", "41"]);
    assert.equal((await sink.take(message, never)).end, "present");
    assert.equal((await to.stat("photos/2/0000000000000000041.jpg"))?.generation, stored?.generation);
  });

  it("lets two messages share a name only with equal content, and replaces nothing", async () => {
    const { to, deadLetters, sink } = world();
    const named = (text: string, offset: bigint) => messageOf(jpegLike(text), { offset, headers: [header("image-name", "cat.jpg")] });
    assert.equal((await sink.take(named("cat", 1n), never)).end, "created");
    assert.equal((await sink.take(named("cat", 2n), never)).end, "present");
    const other = await sink.take(named("dog", 3n), never);
    assert.equal(reasonOf(other), "name_taken");
    assert.deepEqual((await listAll(to)).names, ["cat.jpg"]);
    const { bytes } = await deadLetters.read("photos/2/0000000000000000003.bin");
    assert.equal(Buffer.compare(bytes, jpegLike("dog")), 0);
    const sidecar = JSON.parse(Buffer.from((await deadLetters.read("photos/2/0000000000000000003.json")).bytes).toString()) as {
      said: object;
    };
    assert.deepEqual(sidecar.said, { "kafka-header-image-name": "cat.jpg" });
  });

  it("gives a name to the first message that carries it, however long its write takes", async () => {
    const arrived: string[] = [];
    const { to, sink } = world((store) => ({
      ...store,
      write: async (name, body, options) => {
        const text = Buffer.from(body).toString("latin1");
        // The first one is the slowest: it would be the last to be created.
        await new Promise((resolve) => setTimeout(resolve, text.includes("first") ? 50 : 0));
        arrived.push(name);
        return store.write(name, body, options);
      },
    }));
    const named = (text: string, name: string, offset: bigint) =>
      messageOf(jpegLike(text), { offset, headers: [header("image-name", name)] });
    const messages = [
      named("first", "cat.jpg", 1n),
      named("second", "cat.jpg", 2n),
      named("first", "cat.jpg", 3n),
      named("x", "dog.jpg", 4n),
    ];
    const taken = await Promise.all(messages.map(async (message) => reasonOf(await sink.take(message, never))));
    assert.deepEqual(taken, ["created", "name_taken", "present", "created"]);
    assert.equal(Buffer.compare((await to.read("cat.jpg")).bytes, jpegLike("first")), 0);
    assert.equal(arrived[0], "dog.jpg", "other names do not wait");
  });

  it("keeps what is no image with its reason, whole, also at a second delivery", async () => {
    const { to, deadLetters, sink } = world();
    const messages = [
      messageOf(undefined, { offset: 1n }),
      messageOf(Buffer.alloc(0), { offset: 2n }),
      messageOf(Buffer.from("text"), { offset: 3n }),
      messageOf(jpegLike("big", 5000), { offset: 4n }),
    ];
    for (let delivery = 0; delivery < 2; delivery += 1) {
      const taken = await Promise.all(messages.map(async (message) => reasonOf(await sink.take(message, never))));
      assert.deepEqual(taken, ["tombstone", "empty", "not_an_image", "too_large"]);
    }
    assert.deepEqual((await listAll(to)).names, []);
    const at = (offset: number, extension: string): string => `photos/2/${String(offset).padStart(19, "0")}.${extension}`;
    assert.deepEqual((await listAll(deadLetters)).names, [
      at(1, "json"),
      at(2, "json"),
      at(3, "bin"),
      at(3, "json"),
      at(4, "bin"),
      at(4, "json"),
    ]);
    assert.equal((await deadLetters.stat(at(4, "bin")))?.sizeBytes, 5000);
    assert.equal((await deadLetters.stat(at(3, "json")))?.metadata?.["reason"], "not_an_image");
  });

  it("buries what the service will not take, and passes on what a person must solve", async () => {
    const refusing = world((to) => withFaults(to, nthFault(1, { kind: "before", code: "STORE_FAILED" })).store);
    assert.equal(reasonOf(await refusing.sink.take(messageOf(jpegLike("photo")), never)), "rejected");
    const locked = world((to) => withFaults(to, nthFault(1, { kind: "before", code: "PERMISSION_DENIED" })).store);
    await assert.rejects(locked.sink.take(messageOf(jpegLike("photo")), never), { code: "PERMISSION_DENIED" });
  });

  it("through stores that fail and lose answers: each message once, as an object or as a dead letter", async () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const random = seededRandom(seed);
      const shaky = (store: ObjectStore): ObjectStore =>
        withRetry(withFaults(store, seededFaults(random, 0.3, [{ kind: "before" }, { kind: "after" }])).store, {
          attempts: 50,
          clock: fakeClock(),
          random,
          log: silentLogger,
        });
      const [to, deadLetters] = [memoryStore(), memoryStore()];
      const sink = objectSink({ to: shaky(to), deadLetters: shaky(deadLetters), rules });
      const messages = Array.from({ length: 20 }, (_, index) =>
        messageOf(index % 4 === 3 ? Buffer.from(`text ${index}`) : jpegLike(`photo ${index}`), { offset: BigInt(index) }),
      );
      const taken = await Promise.all([...messages, ...messages].map(async (message) => reasonOf(await sink.take(message, never))));
      assert.equal(taken.filter((end) => end === "created").length, 15, `seed ${seed}: ${taken.join()}`);
      assert.equal(taken.filter((end) => end === "not_an_image").length, 10);
      assert.equal((await listAll(to)).names.length, 15);
      assert.equal((await listAll(deadLetters)).names.length, 10);
    }
  });
});
