import assert from "node:assert/strict";
import fc from "fast-check";
import { exactDuration, exactPixels, exactSize, parseDuration, parsePixels, parseSize } from "../../configs/units.ts";

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
