import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import sharp, { type Sharp } from "sharp";
import { decodedBytesOf } from "../../pool/header.ts";

const corpus = join(import.meta.dirname, "../../../shared/corpus");

function canvas(width: number, height: number, channels: 3 | 4 = 3): Sharp {
  return sharp({ create: { width, height, channels, background: { r: 200, g: 100, b: 50, alpha: 1 } } });
}

describe("decoded size from the first bytes", () => {
  const formats: [string, (image: Sharp) => Sharp][] = [
    ["JPEG", (image) => image.jpeg()],
    ["progressive JPEG", (image) => image.jpeg({ progressive: true })],
    ["PNG", (image) => image.png()],
    ["16-bit PNG", (image) => image.toColourspace("rgb16").png()],
    ["palette PNG", (image) => image.png({ palette: true })],
    ["WebP", (image) => image.webp()],
    ["lossless WebP", (image) => image.webp({ lossless: true })],
    ["GIF", (image) => image.gif()],
    ["TIFF", (image) => image.tiff()],
    ["AVIF", (image) => image.avif({ effort: 0 })],
  ];
  for (const [name, encode] of formats) {
    it(`of ${name} is no less than its pixels, and no wild guess`, async () => {
      const bytes = await encode(canvas(321, 123)).toBuffer();
      const decoded = decodedBytesOf(bytes);
      const pixels = 321 * 123;
      assert.ok(decoded >= pixels && decoded <= pixels * 18, `${decoded} for ${pixels} pixels`);
    });
  }

  it("is found behind a long header, not in a thumbnail inside it", async () => {
    const icc = Buffer.concat([Buffer.from([0xff, 0xe1, 0xff, 0xff]), await canvas(9, 9).jpeg().toBuffer(), Buffer.alloc(70_000)]);
    const plain = await canvas(640, 480).jpeg().toBuffer();
    const bytes = Buffer.concat([plain.subarray(0, 2), icc.subarray(0, 2 + 0xffff), plain.subarray(2)]);
    assert.equal(decodedBytesOf(bytes), 640 * 480 * 3);
  });

  it("is unknown, so alone, for a header that ends early, and nothing for what no loader takes", async () => {
    const jpeg = await canvas(640, 480).jpeg().toBuffer();
    assert.equal(decodedBytesOf(jpeg.subarray(0, 20)), Infinity);
    assert.equal(decodedBytesOf((await canvas(9, 9).png().toBuffer()).subarray(0, 18)), Infinity);
    assert.equal(decodedBytesOf(Buffer.from("<svg/>")), 0);
    assert.equal(decodedBytesOf(new Uint8Array()), 0);
  });

  it("never throws, whatever the bytes are", async () => {
    const starts = await Promise.all(formats.map(async ([, encode]) => encode(canvas(33, 21)).toBuffer()));
    fc.assert(
      fc.property(
        fc.constantFrom(...starts),
        fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { maxLength: 20 }),
        fc.nat(2000),
        (start, damage, length) => {
          const bytes = Uint8Array.from(start.subarray(0, length));
          for (const [at, value] of damage) if (at < bytes.length) bytes[at] = value;
          assert.ok(decodedBytesOf(bytes) >= 0);
        },
      ),
    );
  });

  it("covers every image of the corpus that decodes", function () {
    if (!existsSync(join(corpus, "corpus.jsonl"))) this.skip();
    const lines = readFileSync(join(corpus, "corpus.jsonl"), "utf8").trim().split("\n");
    const images = lines.map(
      (line) => JSON.parse(line) as { file: string; format: string; width: number; height: number; decodes: boolean },
    );
    const low = images
      .filter(({ decodes, format }) => decodes && format !== "svg")
      .filter(({ file, width, height }) => decodedBytesOf(readFileSync(join(corpus, file))) < width * height);
    assert.deepEqual(low, []);
  });
});
