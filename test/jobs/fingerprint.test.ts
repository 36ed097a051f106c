import assert from "node:assert/strict";
import fc from "fast-check";
import { readPhotographs } from "../../demo/photos.ts";
import { perceptualHash } from "../../jobs/fingerprint.ts";
import sharp from "../../jobs/sharp.ts";
import { load, photograph, process } from "./images.ts";

/** What the notebook takes for a near duplicate by default. */
const nearBits = 6;

async function fingerprintOf(bytes: Uint8Array): Promise<string> {
  const { facts, failure } = await process(bytes, { jobs: await load(["fingerprint"]) });
  assert.equal(failure, undefined);
  return facts.fingerprint ?? "";
}

function distance(a: string, b: string): number {
  return (BigInt(`0x${a}`) ^ BigInt(`0x${b}`)).toString(2).replaceAll("0", "").length;
}

/** 32 x 32 grey values of one frequency each way. */
function waves(horizontal: number, vertical: number): Uint8Array {
  const wave = (at: number, frequency: number): number => Math.cos((Math.PI * (at + 0.5) * frequency) / 32);
  return Uint8Array.from({ length: 1024 }, (_, at) =>
    Math.round(128 + 100 * wave(at % 32, horizontal) * wave(Math.floor(at / 32), vertical)),
  );
}

describe("the job fingerprint", () => {
  it("says which of the lowest frequencies are above their median, the first bit the lowest", () => {
    assert.equal(perceptualHash(new Uint8Array(1024)), "0000000000000000");
    assert.equal(perceptualHash(new Uint8Array(1024).fill(200)), "8000000000000000");
    for (const [horizontal, vertical] of [
      [1, 0],
      [0, 1],
      [3, 5],
      [7, 7],
    ] as const) {
      const bit = BigInt(63 - (8 * vertical + horizontal));
      assert.equal((BigInt(`0x${perceptualHash(waves(horizontal, vertical))}`) >> bit) & 1n, 1n, `${horizontal} ${vertical}`);
    }
  });

  it("is 16 hex digits of any grey image, and all but the same where that is brighter", () => {
    const pixels = fc.uint8Array({ minLength: 1024, maxLength: 1024, max: 200 });
    fc.assert(
      fc.property(pixels, fc.integer({ min: 0, max: 55 }), (grey, more) => {
        const hash = perceptualHash(grey);
        assert.match(hash, /^[0-9a-f]{16}$/);
        assert.ok(distance(perceptualHash(grey.map((value) => value + more)), hash) <= 2);
      }),
      { numRuns: 50 },
    );
  });

  it("is near for copies in another size, format and quality, and for one stored on its side", async () => {
    for (const { name, bytes } of await readPhotographs()) {
      const original = await fingerprintOf(bytes);
      const copies = {
        smaller: await sharp(bytes).resize(300).jpeg({ quality: 60 }).toBuffer(),
        webp: await sharp(bytes).webp({ quality: 50 }).toBuffer(),
        png: await sharp(bytes).resize(150).png().toBuffer(),
        "on its side": await sharp(bytes).rotate(270).withMetadata({ orientation: 6 }).jpeg().toBuffer(),
      };
      for (const [change, copy] of Object.entries(copies)) {
        const bits = distance(original, await fingerprintOf(copy));
        assert.ok(bits <= nearBits, `${name} ${change} differs in ${bits} bits`);
      }
    }
  });

  it("is far for other photographs", async () => {
    const hashes = await Promise.all((await readPhotographs()).map(async ({ bytes }) => fingerprintOf(bytes)));
    for (const [index, hash] of hashes.entries()) {
      for (const other of hashes.slice(index + 1)) assert.ok(distance(hash, other) > 2 * nearBits, `${hash} ${other}`);
    }
  });

  it("is the same beside thumbnails, but for a bit or two, and takes an image with alpha", async () => {
    const beside = await process(photograph, { jobs: await load(["fingerprint"], ["thumbnails", { sizes: [256] }]) });
    assert.ok(distance(beside.facts.fingerprint!, await fingerprintOf(photograph)) <= 2);
    const create = { width: 20, height: 10, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 0 } } as const;
    assert.equal(await fingerprintOf(await sharp({ create }).png().toBuffer()), "8000000000000000");
  });
});
