import assert from "node:assert/strict";
import { decodePixels } from "../../jobs/decode.ts";
import { readHeader } from "../../jobs/header.ts";
import { profileOf } from "../../jobs/profile.ts";
import sharp from "../../jobs/sharp.ts";
import { colorAt, corpus, greatestDifference, load, photograph, pixelsOf, process } from "./images.ts";

const orange = [215, 93, 32];
/** The same colour, as Display P3 writes it. */
const orangeInP3 = [200, 100, 50];

/** One colour all over, stored as it is; `profile` says what it means. */
async function flat(color: number[], profile: "p3" | "srgb" | undefined, depth: 8 | 16): Promise<Buffer> {
  const data = Uint16Array.from({ length: 40 * 30 * 3 }, (_, index) => color[index % 3]! * 257);
  const pipeline = sharp(data, { raw: { width: 40, height: 30, channels: 3 } }).toColourspace("rgb16");
  const inP3 = await pipeline.clone().withIccProfile("p3").png().toBuffer();
  // sharp takes 16-bit pixels for Display P3 where it is asked to write a profile.
  const bytes = profile === undefined ? await pipeline.png().toBuffer() : profile === "p3" ? inP3 : await inSrgb(color);
  return depth === 16 ? bytes : sharp(bytes).keepIccProfile().toColourspace("srgb").png().toBuffer();
}

async function inSrgb(color: number[]): Promise<Buffer> {
  const data = Uint8Array.from({ length: 40 * 30 * 3 }, (_, index) => color[index % 3]!);
  return sharp(data, { raw: { width: 40, height: 30, channels: 3 } })
    .withIccProfile("srgb")
    .png()
    .toBuffer();
}

function assertColor(found: number[], expected: number[], tolerance: number, what: string): void {
  const near = expected.length === found.length && expected.every((value, index) => Math.abs(value - found[index]!) <= tolerance);
  assert.ok(near, `${what}: ${found.join()} instead of ${expected.join()}`);
}

async function thumbnail(bytes: Uint8Array, params: Record<string, unknown> = {}): Promise<Uint8Array> {
  const { outputs, failure } = await process(bytes, { jobs: await load(["thumbnails", { sizes: [20], format: "png", ...params }]) });
  assert.equal(failure, undefined);
  return outputs[0]!.bytes;
}

describe("colour", () => {
  it("wide gamut becomes sRGB, at 8 and at 16 bits, alone and shared", async () => {
    for (const depth of [8, 16] as const) {
      for (const sizes of [[20], [20, 10]]) {
        const output = await thumbnail(await flat(orangeInP3, "p3", depth), { sizes });
        assertColor(colorAt(await pixelsOf(output), 0.5, 0.5), orange, 1, `${depth} bits, ${sizes.length} sizes`);
      }
    }
  });

  it("what is sRGB stays as it is, with its profile and without", async () => {
    for (const bytes of [await inSrgb(orange), await flat(orange, undefined, 8), await flat(orange, undefined, 16)]) {
      assertColor(colorAt(await pixelsOf(await thumbnail(bytes)), 0.5, 0.5), orange, 1, "sRGB");
    }
  });

  it("sRGB profiles are known by what they do", async () => {
    const known = await sharp(photograph).metadata();
    assert.equal(profileOf(known.icc).kind, "srgb");
    assert.equal(profileOf((await sharp(await inSrgb(orange)).metadata()).icc).kind, "srgb");
    assert.equal(profileOf((await sharp(await flat(orange, "p3", 8)).metadata()).icc).kind, "matrix");
    assert.equal(profileOf(undefined).kind, "none");
  });

  it("a damaged profile is left to libvips, whatever is damaged", async () => {
    const { icc } = await sharp(photograph).metadata();
    for (let length = 0; length < icc!.length; length += 7) assert.ok(profileOf(icc!.subarray(0, length)).kind !== "none");
    for (let at = 0; at < icc!.length; at += 3) {
      const damaged = Uint8Array.from(icc!);
      damaged[at] = damaged[at]! ^ 0xff;
      profileOf(damaged);
    }
  });

  it("a profile applied after scaling, or not at all, gives what lcms gives, within a level or two", async () => {
    const photo = await sharp(photograph).resize(300).withIccProfile("p3").jpeg({ quality: 95 }).toBuffer();
    const files = [
      { origin: "photograph", bytes: photograph },
      { origin: "photograph in P3", bytes: photo },
      ...corpus((file) => file.decodes && (file.format === "jpeg" || file.format === "png")),
    ];
    let profiles = 0;
    for (const { origin, bytes } of files) {
      const source = await readHeader(bytes);
      if (source.profile.kind === "none" || source.header.colorSpace !== "srgb" || source.header.width > 3000) continue;
      profiles += 1;
      const ours = await decodePixels({ bytes, source, maxPixels: 1e9, remainingMs: () => 20_000 }, ["full"], "none");
      const theirs = await sharp(bytes, { failOn: "none", autoOrient: true }).raw({ depth: "uchar" }).toUint8Array();
      assert.ok(greatestDifference(ours.data, theirs.data) <= 2, origin);
    }
    assert.ok(profiles >= 2);
  }).timeout(60_000);

  it("CMYK, grey, palette and 16 bits become plain RGB", async () => {
    const kinds: Record<string, [bytes: Promise<Buffer>, colors: number[], tolerance: number]> = {
      cmyk: [
        sharp(await inSrgb(orange))
          .toColourspace("cmyk")
          .jpeg({ quality: 100 })
          .toBuffer(),
        orange,
        40,
      ],
      grey: [
        sharp(await inSrgb([90, 90, 90]))
          .toColourspace("b-w")
          .jpeg({ quality: 100 })
          .toBuffer(),
        [90, 90, 90],
        2,
      ],
      palette: [
        sharp(await inSrgb(orange))
          .png({ palette: true })
          .toBuffer(),
        orange,
        2,
      ],
      "16 bits": [flat(orange, undefined, 16), orange, 1],
      "16 bits of grey": [
        sharp(await flat([90, 90, 90], undefined, 16))
          .toColourspace("grey16")
          .png()
          .toBuffer(),
        [90, 90, 90],
        2,
      ],
    };
    for (const [kind, [bytes, expected, tolerance]] of Object.entries(kinds)) {
      const output = await thumbnail(await bytes);
      const metadata = await sharp(output).metadata();
      assert.deepEqual([metadata.space, metadata.channels, metadata.depth], ["srgb", 3, "uchar"], kind);
      assertColor(colorAt(await pixelsOf(output), 0.5, 0.5), expected, tolerance, kind);
    }
  });

  it("says of CMYK and 16 bits what the file holds", async () => {
    const cmyk = await sharp(photograph).toColourspace("cmyk").jpeg().toBuffer();
    const { header } = await process(cmyk);
    assert.deepEqual([header?.colorSpace, header?.channels, header?.bitDepth, header?.hasAlpha], ["cmyk", 4, "8", false]);
    const deep = await process(await flat(orange, undefined, 16));
    assert.deepEqual([deep.header?.colorSpace, deep.header?.bitDepth], ["rgb16", "16"]);
  });

  it("alpha goes onto white where the output has none, and stays where it has", async () => {
    const half = { r: 255, g: 0, b: 0, alpha: 0.5 };
    const bytes = await sharp({ create: { width: 40, height: 40, channels: 4, background: half } })
      .png()
      .toBuffer();
    for (const sizes of [[20], [20, 10]]) {
      const jpeg = await pixelsOf(await thumbnail(bytes, { sizes, format: "jpeg", quality: 100 }));
      assertColor(colorAt(jpeg, 0.5, 0.5), [255, 127, 127], 3, "on white");
      assertColor(colorAt(await pixelsOf(await thumbnail(bytes, { sizes })), 0.5, 0.5), [255, 0, 0, 128], 1, "kept");
    }
  });

  it("of an animation the first page counts", async () => {
    const page = (background: string) =>
      sharp({ create: { width: 40, height: 30, channels: 3, background } })
        .png()
        .toBuffer();
    const pages = [await page("red"), await page("blue"), await page("lime")];
    for (const format of ["gif", "webp"] as const) {
      const animation = await sharp(pages, { join: { animated: true } })
        .toFormat(format, { lossless: true })
        .toBuffer();
      const { header, failure } = await process(animation);
      assert.equal(failure, undefined);
      assert.deepEqual([header?.pages, header?.width, header?.height], [3, 40, 30]);
      const [r, g, b] = colorAt(await pixelsOf(await thumbnail(animation)), 0.5, 0.5);
      assertColor([r!, g!, b!], [255, 0, 0], 3, format);
    }
  });
});
