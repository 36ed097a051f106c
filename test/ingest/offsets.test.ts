import assert from "node:assert/strict";
import fc from "fast-check";
import { createOffsetTracker } from "../../ingest/offsets.ts";

describe("offset tracker", () => {
  it("never lets an offset be committed before everything below it is done, and ends at the end", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.bigInt(0n, 500n), { minLength: 1, maxLength: 60 }), fc.infiniteStream(fc.nat()), (offsets, choices) => {
        const log = offsets.toSorted((a, b) => (a < b ? -1 : 1));
        const tracker = createOffsetTracker();
        const open: bigint[] = [];
        let next = 0;
        let last = -1n;
        while (next < log.length || open.length > 0) {
          const choice = choices.next().value!;
          if (open.length === 0 || (next < log.length && choice % 2 === 0)) {
            assert.equal(tracker.start(log[next]!), true);
            open.push(log[next++]!);
          } else {
            tracker.finish(open.splice(choice % open.length, 1)[0]!);
          }
          const committable = tracker.committable();
          if (committable === undefined) continue;
          assert.ok(committable > last, "commits move forward");
          assert.ok(
            open.every((offset) => offset >= committable),
            "nothing in flight lies below a commit",
          );
          assert.ok(next === log.length || committable <= log[next]!, "nothing unread lies below a commit");
          if (choice % 3 === 0) continue; // The broker refuses: it stays committable.
          tracker.confirm(committable);
          assert.equal(tracker.committable(), undefined);
          last = committable;
        }
        assert.equal(tracker.committable() ?? last, log.at(-1)! + 1n);
      }),
    );
  });

  it("knows an offset that is read again", () => {
    const tracker = createOffsetTracker();
    assert.deepEqual(
      [5n, 6n, 5n, 6n, 7n].map((offset) => tracker.start(offset)),
      [true, true, false, false, true],
    );
    tracker.finish(5n);
    assert.equal(tracker.committable(), 6n);
  });
});
