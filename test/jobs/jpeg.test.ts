import assert from "node:assert/strict";
import fc from "fast-check";
import { readHeader } from "../../jobs/header.ts";
import { readJpegHeader } from "../../jobs/jpeg.ts";
import sharp from "../../jobs/sharp.ts";
import { corpus, photograph } from "./images.ts";

async function assertAsLibvips(bytes: Uint8Array, origin: string): Promise<boolean> {
  const jpeg = readJpegHeader(bytes);
  if (jpeg === undefined) return false;
  const metadata = await sharp(bytes, { failOn: "none", limitInputPixels: false }).metadata();
  const { header, progressive } = await readHeader(bytes);
  assert.deepEqual(
    { ...header, exif: undefined, progressive },
    {
      format: metadata.format,
      width: metadata.autoOrient.width,
      height: metadata.autoOrient.height,
      orientation: metadata.orientation ?? 1,
      colorSpace: metadata.space,
      channels: metadata.channels,
      bitDepth: "8",
      hasAlpha: metadata.hasAlpha,
      pages: metadata.pages ?? 1,
      exif: undefined,
      progressive: metadata.isProgressive,
    },
    origin,
  );
  assert.ok(equal(header.exif, metadata.exif), `EXIF of ${origin}`);
  assert.ok(equal(jpeg.icc, metadata.icc), `profile of ${origin}`);
  return true;
}

function equal(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return Buffer.compare(a ?? Buffer.alloc(0), b ?? Buffer.alloc(0)) === 0;
}

describe("the JPEG header", () => {
  it("says what libvips says of it", async () => {
    const made = sharp(photograph).resize(64);
    const files = [
      photograph,
      await made.clone().jpeg().toBuffer(),
      await made.clone().jpeg({ progressive: true }).withMetadata({ orientation: 6 }).toBuffer(),
      await made.clone().toColourspace("b-w").jpeg().toBuffer(),
      await made.clone().toColourspace("cmyk").jpeg().toBuffer(),
    ];
    for (const [index, bytes] of files.entries()) assert.ok(await assertAsLibvips(bytes, `made ${index}`));
  });

  it("says what libvips says of it, on every JPEG of the corpus, and leaves few to libvips", async () => {
    let files = 0;
    let read = 0;
    for (const { origin, bytes } of corpus((file) => file.magic === "jpeg" && file.decodes)) {
      files += 1;
      if (await assertAsLibvips(bytes, origin)) read += 1;
    }
    assert.ok(read >= files * 0.95, `${read} of ${files}`);
  }).timeout(60_000);

  it("is left to libvips where it is cut short", () => {
    const start = photograph.subarray(0, 5000);
    const headerEnd = start.indexOf(Buffer.from([0xff, 0xda]));
    assert.ok(readJpegHeader(photograph) !== undefined);
    for (let length = 0; length < headerEnd; length += 1) assert.equal(readJpegHeader(start.subarray(0, length)), undefined);
  });

  it("never throws, whatever is damaged", () => {
    const start = photograph.subarray(0, 5000);
    const damage = fc.array(fc.tuple(fc.nat(start.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(damage, (changes) => {
        const bytes = Uint8Array.from(start);
        for (const [at, value] of changes) bytes[at] = value;
        readJpegHeader(bytes);
      }),
      { numRuns: 2000 },
    );
  });
});
