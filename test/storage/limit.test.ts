import assert from "node:assert/strict";
import { createLimiter, withLimit } from "../../storage/limit.ts";
import { memoryStore } from "../../storage/memory.ts";
import { StoreError } from "../../storage/store.ts";

interface Held {
  promise: Promise<unknown>;
  finish: () => void;
  fail: (error: Error) => void;
}

function harness(most: number) {
  const limiter = createLimiter(most);
  let running = 0;
  const start = (signal?: AbortSignal): Held => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const act = async (): Promise<void> => {
      running += 1;
      await promise.finally(() => (running -= 1));
    };
    const result = limiter.run(signal, act);
    result.catch(() => undefined);
    promise.catch(() => undefined);
    return { promise: result, finish: resolve, fail: reject };
  };
  return { limiter, start, running: () => running };
}

const settle = async (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const overload = (): StoreError => new StoreError("UNAVAILABLE", "slow down", { httpStatus: 429 });

describe("withLimit", () => {
  it("runs as many calls at once as allowed, the others in order", async () => {
    const { start, running } = harness(2);
    const held = [start(), start(), start(), start()];
    await settle();
    assert.equal(running(), 2);
    held[1]!.finish();
    await settle();
    assert.equal(running(), 2);
    held[0]!.finish();
    held[2]!.finish();
    held[3]!.finish();
    await Promise.all(held.map(async ({ promise }) => promise));
    assert.equal(running(), 0);
  });

  it("lets a waiting call go when its signal aborts, and starts the next in its place", async () => {
    const { start, running } = harness(1);
    const controller = new AbortController();
    const first = start();
    const second = start(controller.signal);
    const third = start();
    const reason = new Error("enough");
    controller.abort(reason);
    await assert.rejects(second.promise, (error) => error === reason);
    first.finish();
    await settle();
    assert.equal(running(), 1);
    third.finish();
    await third.promise;
  });

  it("halves on overload, once for all calls that were in flight, and never stops", async () => {
    const { start, limiter } = harness(16);
    const held = Array.from({ length: 16 }, () => start());
    for (const one of held) one.fail(overload());
    await settle();
    assert.equal(limiter.limit, 8);
    for (let round = 0; round < 10; round++) {
      start().fail(overload());
      await settle();
    }
    assert.equal(limiter.limit, 1);
  });

  it("grows back by one in a round of successes, up to where it began", async () => {
    const { start, limiter } = harness(8);
    start().fail(overload());
    await settle();
    assert.equal(limiter.limit, 4);
    for (let count = 0; count < 5; count++) {
      start().finish();
      await settle();
    }
    assert.ok(limiter.limit > 5 && limiter.limit < 6, String(limiter.limit));
    for (let count = 0; count < 100; count++) {
      start().finish();
      await settle();
    }
    assert.equal(limiter.limit, 8);
  });

  it("takes other failures for no sign of overload", async () => {
    const { start, limiter } = harness(8);
    start().fail(new StoreError("UNAVAILABLE", "connection reset"));
    start().fail(new StoreError("NOT_FOUND", "not there", { httpStatus: 404 }));
    await settle();
    assert.equal(limiter.limit, 8);
  });

  it("does not wait for itself when a copy reads from a store behind the same limit", async () => {
    const store = withLimit(memoryStore(), { concurrency: 1 });
    const { generation } = await store.write("x", Buffer.from("x"));
    await store.copy({ store, name: "x", generation }, "y");
    const pages = store.list();
    for await (const page of pages) for (const { name } of page.objects) await store.read(name);
  });
});
