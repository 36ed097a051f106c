import assert from "node:assert/strict";
import fc from "fast-check";
import { parseDuration, parsePixels, parseSize, unitText } from "../../configs/units.ts";

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
    const texts: [key: string, parse: (text: string) => number | undefined][] = [
      ["limits.maxObjectBytes", parseSize],
      ["limits.imageTimeoutMs", parseDuration],
      ["limits.maxPixels", parsePixels],
    ];
    for (const [key, parse] of texts) {
      fc.assert(
        fc.property(whole, (value) => {
          const text = String(unitText(key, value));
          assert.equal(parse(text) ?? Number(text), value);
        }),
      );
    }
    assert.equal(unitText("limits.maxObjectBytes", 256 * 2 ** 20), "256MiB");
    assert.equal(unitText("limits.imageTimeoutMs", 30_000), "30s");
    assert.equal(unitText("limits.maxPixels", 250e6), "250MP");
    assert.equal(unitText("archivePolicy.days", 7), 7);
  });
});
