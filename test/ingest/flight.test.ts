import assert from "node:assert/strict";
import { createFlight, type Room } from "../../ingest/flight.ts";

const never = new AbortController().signal;

describe("flight", () => {
  it("keeps number and bytes within their bounds, serves in order, and lets a giant go alone", async () => {
    const flight = createFlight({ most: 3, mostBytes: 100 });
    const started: string[] = [];
    const enter = async (name: string, bytes: number): Promise<Room> => {
      const room = await flight.enter(bytes, never);
      started.push(name);
      return room;
    };
    const [a, b] = [await enter("a", 60), await enter("b", 40)];
    const giant = enter("giant", 1000);
    const small = enter("small", 1);
    a[Symbol.dispose]();
    a[Symbol.dispose]();
    assert.equal(flight.bytes, 40);
    b[Symbol.dispose]();
    const held = await giant;
    assert.deepEqual(started, ["a", "b", "giant"]);
    held[Symbol.dispose]();
    const last = await small;
    last[Symbol.dispose]();
    assert.equal(flight.bytes, 0);
  });

  it("gives room back, or takes more, when the size is known", async () => {
    const flight = createFlight({ most: 9, mostBytes: 100 });
    const guessed = await flight.enter(100, never);
    const next = flight.enter(80, never);
    guessed.resize(20);
    const held = await next;
    assert.equal(flight.bytes, 100);
    held.resize(500);
    const waiting = flight.enter(1, never);
    guessed[Symbol.dispose]();
    guessed.resize(9);
    assert.equal(flight.bytes, 500);
    held[Symbol.dispose]();
    (await waiting)[Symbol.dispose]();
    assert.equal(flight.bytes, 0);
  });

  it("a wait ends with its signal, and those behind it go on", async () => {
    const flight = createFlight({ most: 1, mostBytes: 100 });
    const first = await flight.enter(1, never);
    const controller = new AbortController();
    const waiting = flight.enter(1, controller.signal);
    const next = flight.enter(1, never);
    const reason = new Error("enough");
    controller.abort(reason);
    await assert.rejects(waiting, (error) => error === reason);
    first[Symbol.dispose]();
    (await next)[Symbol.dispose]();
    assert.equal(flight.bytes, 0);
    await assert.rejects(flight.enter(1, controller.signal), (error) => error === reason);
  });
});
