import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { inParallel } from "../../core/parallel.ts";

describe("inParallel", () => {
  it("does every item once, so many at a time", async () => {
    const seen: number[] = [];
    let inFlight = 0;
    let most = 0;
    await inParallel(Array.from({ length: 50 }).keys(), 4, async (item) => {
      most = Math.max(most, (inFlight += 1));
      await setImmediate();
      seen.push(item);
      inFlight -= 1;
    });
    assert.deepEqual(
      seen.sort((a, b) => a - b),
      [...Array.from({ length: 50 }).keys()],
    );
    assert.equal(most, 4);
  });

  it("takes nothing more after a failure, closes the source, and fails when all in flight has ended", async () => {
    let taken = 0;
    let closed = false;
    let inFlight = 0;
    async function* source(): AsyncGenerator<number> {
      try {
        for (;;) yield (taken += 1);
      } finally {
        closed = true;
      }
    }
    const work = async (item: number): Promise<void> => {
      inFlight += 1;
      await setImmediate();
      inFlight -= 1;
      if (item === 10) throw new Error("item 10");
    };
    await assert.rejects(inParallel(source(), 3, work), /item 10/);
    assert.equal(inFlight, 0);
    assert.ok(closed);
    assert.ok(taken <= 14, `${taken} taken`);
  });
});
