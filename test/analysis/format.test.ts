import assert from "node:assert/strict";
import { addDays, fineDuration, instant, percent, short } from "../../analysis/page/format.ts";

describe("figures of a report", () => {
  it("shares hide neither a few nor a few missing", () => {
    assert.deepEqual(
      [percent(0, 9), percent(1, 1e6), percent(1, 3), percent(999_999, 1e6), percent(9, 9), percent(0, 0)],
      ["0 %", "<0.1 %", "33.3 %", ">99.9 %", "100 %", "–"],
    );
  });

  it("numbers have as many digits as help", () => {
    assert.deepEqual([0, 0.001, 1.234, 12.34, 99.96, 1234.5].map(short), ["0", "<0.01", "1.23", "12.3", "100", "1,235"]);
    assert.deepEqual([0.4, 12.34, 999.6, 2204, 185_000].map(fineDuration), ["0.4 ms", "12.3 ms", "1 s", "2.2 s", "3 min 05 s"]);
  });

  it("days and instants are in UTC", () => {
    assert.equal(addDays("2026-12-28", 7), "2027-01-04");
    assert.equal(instant("2026-11-23T23:30:00.500-02:00"), "2026-11-24 01:30:00 UTC");
  });
});
