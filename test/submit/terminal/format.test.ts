import assert from "node:assert/strict";
import fc from "fast-check";
import { columnsOf, fitName, formatBytes, formatDuration, formatMany, formatRate, formatShare } from "../../../submit/terminal/format.ts";

describe("numbers for people", () => {
  const bytes: [number, string][] = [
    [0, "0 B"],
    [999, "999 B"],
    [999.9, "1.0 kB"],
    [1234, "1.2 kB"],
    [31_400_000, "31 MB"],
    [9_960_000, "10 MB"],
    [999_700_000, "1.0 GB"],
    [5e18, "5000 PB"],
  ];
  for (const [value, text] of bytes) it(`${value} bytes are ${text}`, () => assert.equal(formatBytes(value), text));

  const durations: [number, string][] = [
    [0, "0 ms"],
    [999, "999 ms"],
    [999.9, "1 s"],
    [59_400, "59 s"],
    [59_600, "1 min 00 s"],
    [65_000, "1 min 05 s"],
    [3_900_000, "1 h 05 min"],
    [183_600_000, "2 d 03 h"],
  ];
  for (const [value, text] of durations) it(`${value} ms are ${text}`, () => assert.equal(formatDuration(value), text));

  it("rates, counts and shares", () => {
    assert.deepEqual([formatRate(0.44), formatRate(9.96), formatRate(1234.5)], ["0.4", "10", "1,235"]);
    assert.deepEqual([formatMany(1, "object"), formatMany(2743, "object")], ["1 object", "2,743 objects"]);
    assert.deepEqual([formatShare(0, 0), formatShare(1, 1000), formatShare(999, 1000), formatShare(5, 5)], ["0 %", "1 %", "99 %", "100 %"]);
  });
});

describe("names that fit", () => {
  it("keeps the head and the ending, by columns", () => {
    assert.equal(fitName("folder/a-very-long-name.jpg", 15), "folder/…ame.jpg");
    assert.equal(fitName("写真/東京タワー.jpg", 12), "写真/東….jpg");
    assert.equal(fitName("short.jpg", 15), "short.jpg");
  });

  it("never is wider than asked, never splits a character, never lets a control character through", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 60 }), fc.integer({ min: 0, max: 40 }), (name, columns) => {
        const text = fitName(`${name}\u001b[31m👩‍👩‍👧`, columns);
        assert.ok(columnsOf(text) <= columns, JSON.stringify(text));
        assert.doesNotMatch(text, /[\p{Cc}\u{d800}-\u{dfff}]/u);
      }),
    );
  });
});
