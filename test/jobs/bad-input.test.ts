import assert from "node:assert/strict";
import { crc32, deflateSync } from "node:zlib";
import { decodeFailure } from "../../jobs/classify.ts";
import type { ImageHeader } from "../../jobs/job.ts";
import type { ImageResult } from "../../jobs/process.ts";
import sharp from "../../jobs/sharp.ts";
import { corpus, loaded, photograph, process } from "./images.ts";

/** What a data engineer will meet in a bucket of "images". */
describe("bad input", () => {
  const refused: [what: string, make: () => Promise<Uint8Array> | Uint8Array, reason: string, message: RegExp][] = [
    ["nothing", () => new Uint8Array(), "empty", /no bytes/],
    ["one byte", () => Buffer.from([0xff]), "not_an_image", /no image format/],
    ["text named .jpg", () => Buffer.from("Dear all,\nplease find attached"), "not_an_image", /it is text/],
    ["an error page", () => Buffer.from("<!DOCTYPE html><title>403</title>"), "not_an_image", /an HTML page/],
    ["a JSON error", () => Buffer.from('{"error": {"code": 403}}'), "not_an_image", /JSON/],
    ["random bytes", () => Buffer.from("b1946ac92492d2347c6235b4d2611184".repeat(8), "hex"), "not_an_image", /no image format/],
    ["zeros", () => new Uint8Array(5000), "not_an_image", /no image format/],
    ["a ZIP", () => Buffer.from("PK\x03\x04\x14\0\0\0"), "not_an_image", /ZIP/],
    ["an SVG", () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'), "unsupported_format", /SVG/],
    ["a PDF", () => Buffer.from("%PDF-1.7\n%âãÏÓ\n1 0 obj"), "unsupported_format", /PDF/],
    ["a Photoshop file", () => Buffer.from("8BPS\0\x01\0\0\0\0\0\0\0\x03"), "unsupported_format", /Photoshop/],
    ["a BMP", () => Buffer.from("BM\x46\0\0\0\0\0\0\0\x36\0\0\0", "latin1"), "unsupported_format", /BMP/],
    ["a JPEG XL", () => Buffer.from("ff0afa1f01", "hex"), "unsupported_format", /JPEG XL/],
    ["half a JPEG", () => photograph.subarray(0, photograph.length / 2), "truncated", /JPEG ends too early/],
    ["the start of a JPEG", () => photograph.subarray(0, 600), "truncated", /JPEG ends too early/],
    [
      "half a progressive JPEG",
      async () => half(await sharp(photograph).jpeg({ progressive: true }).toBuffer()),
      "truncated",
      /ends too early/,
    ],
    ["half a PNG", async () => half(await sharp(photograph).png().toBuffer()), "truncated", /PNG ends too early/],
    ["half a WebP", async () => half(await sharp(photograph).webp().toBuffer()), "truncated", /WebP ends too early/],
    ["half a GIF", async () => half(await sharp(photograph).resize(99).gif().toBuffer()), "truncated", /GIF ends too early/],
    ["half a TIFF", async () => half(await sharp(photograph).tiff().toBuffer()), "truncated", /TIFF ends too early/],
    [
      "half an AVIF",
      async () => half(await sharp(photograph).resize(99).avif({ effort: 0 }).toBuffer()),
      "truncated",
      /AVIF ends too early/,
    ],
    ["a PNG with a hole", async () => holed(await sharp(photograph).png().toBuffer()), "corrupt", /PNG is damaged/],
    ["a 256-megapixel PNG", bigPng, "too_many_pixels", /16000 x 16000 is 256 megapixels; limits\.maxPixels is 100/],
  ];
  for (const [what, make, reason, message] of refused) {
    it(`${what} is quarantined as ${reason}`, async () => {
      const result = await process(await make());
      assert.deepEqual({ reason: result.failure?.reason, outputs: result.outputs }, { reason, outputs: [] });
      assert.match(result.failure!.message, message);
    });
  }

  it("the limit itself is allowed, one pixel more is not", async () => {
    const image = await sharp({ create: { width: 20, height: 10, channels: 3, background: "red" } })
      .png()
      .toBuffer();
    assertOk(await process(image, { maxPixels: 200 }));
    assert.equal((await process(image, { maxPixels: 199 })).failure?.reason, "too_many_pixels");
  });

  it("what libvips gives up for lack of time is a timeout, in the decode and in a job", async () => {
    const header = { format: "png" } as ImageHeader;
    assert.equal(decodeFailure(photograph, header, "timeout: 42% complete").reason, "timeout");
    const slow = loaded({ needs: () => ({}), run: () => Promise.reject(new Error("timeout: 42% complete")) });
    const { failure } = await process(photograph, { jobs: [slow] });
    assert.match(`${failure?.reason}: ${failure?.message}`, /^timeout: .*imageTimeoutMs: timeout: 42% complete in job probe/);
  });

  describe("what a lenient decode is worth", () => {
    const kept: [what: string, make: () => Promise<Uint8Array> | Uint8Array, warning: RegExp][] = [
      ["a lost end marker", () => photograph.subarray(0, -2), /end is missing \(0\.0 %/],
      ["trailing bytes", () => Buffer.concat([photograph, Buffer.alloc(5000)]), /^$/],
      ["stray bytes between segments", () => stray(photograph), /in spite of: .*extraneous bytes/],
    ];
    for (const [what, make, warning] of kept) {
      it(`${what} is ok, with a warning where there is one`, async () => {
        const result = await process(await make());
        assertOk(result);
        assert.match(result.warnings.join(), warning);
      });
    }

    it("agrees with what other projects' broken files are", async () => {
      const expected: Record<string, string> = {
        "truncated_image.png": "truncated",
        "truncated.gif": "ok",
        "hopper_lzma.tif": "unsupported_format",
        "old-style-jpeg-compression.tif": "unsupported_format",
        "separate_planar_extra_samples.tiff": "corrupt",
        "junk_jpeg_header.jpg": "ok",
        "monkey12.jpg": "unsupported_format",
        "hopper.heif": "unsupported_format",
        "giant-image.jpg": "too_many_pixels",
      };
      const wanted = (origin: string): string | undefined => expected[origin.split("/").at(-1)!];
      for (const { origin, bytes } of corpus((file) => wanted(file.origin) !== undefined)) {
        assert.equal((await process(bytes)).failure?.reason ?? "ok", wanted(origin), origin);
      }
    });
  });
});

function assertOk(result: ImageResult): void {
  assert.equal(result.failure, undefined);
  assert.equal(result.outputs.length, 1);
}

function half(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(0, bytes.length / 2);
}

function holed(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(bytes).fill(0x5a, bytes.length / 2, bytes.length / 2 + 99);
}

/** Before the first scan's tables, where a decoder looks for a marker. */
function stray(jpeg: Buffer): Uint8Array {
  const at = jpeg.indexOf(Buffer.from([0xff, 0xdb]));
  return Buffer.concat([jpeg.subarray(0, at), Buffer.alloc(5), jpeg.subarray(at)]);
}

/** All black, one bit a pixel: 32 kB. */
function bigPng(): Uint8Array {
  const [width, height] = [16_000, 16_000];
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 1;
  const pixels = deflateSync(Buffer.alloc((width / 8 + 1) * height), { level: 1 });
  return Buffer.concat([
    Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
    chunk("IHDR", header),
    chunk("IDAT", pixels),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
}
