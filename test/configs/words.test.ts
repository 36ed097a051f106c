import assert from "node:assert/strict";
import fc from "fast-check";
import { editDistance, nearest } from "../../configs/suggest.ts";
import { exactDuration, exactPixels, exactSize, parseDuration, parsePixels, parseSize } from "../../configs/units.ts";

describe("suggestions", () => {
  it("finds what was meant and keeps silent otherwise", () => {
    const keys = ["source", "archive", "control", "engine"];
    assert.equal(nearest("sorce", keys), "source");
    assert.equal(nearest("Source", keys), "source");
    assert.equal(nearest("enigne", keys), "engine");
    assert.equal(nearest("colour", keys), undefined);
    assert.equal(nearest("x", keys), undefined);
  });

  it("measures a distance: symmetric, zero only for the same, at most the longer length", () => {
    const word = fc.string({ maxLength: 8 });
    fc.assert(
      fc.property(word, word, (a, b) => {
        const distance = editDistance(a, b);
        assert.equal(distance, editDistance(b, a));
        assert.equal(distance === 0, a === b);
        assert.ok(distance <= Math.max(a.length, b.length) && distance >= Math.abs(a.length - b.length));
      }),
    );
  });
});

describe("units", () => {
  it("reads sizes, durations and pixels", () => {
    assert.equal(parseSize("64MiB"), 64 * 2 ** 20);
    assert.equal(parseSize("1.5 GB"), 1.5e9);
    assert.equal(parseSize("3 apples"), undefined);
    assert.equal(parseSize("1constructor"), undefined);
    assert.equal(parseDuration("90m"), 5_400_000);
    assert.equal(parseDuration("250 ms"), 250);
    assert.equal(parseDuration("-1s"), undefined);
    assert.equal(parsePixels("250MP"), 250e6);
  });

  it("writes what it reads", () => {
    const whole = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
    fc.assert(fc.property(whole, (value) => assert.equal(parseSize(exactSize(value)) ?? value, value)));
    fc.assert(fc.property(whole, (value) => assert.equal(parseDuration(exactDuration(value)) ?? value, value)));
    assert.equal(exactSize(256 * 2 ** 20), "256MiB");
    assert.equal(exactDuration(30_000), "30s");
    assert.equal(exactPixels(250e6), "250MP");
  });
});
