import { defineJob, type Job, type PixelBox } from "./job.ts";

/** Edge of the grey square that is looked at, and of the block of its lowest frequencies that is kept. */
const edge = 32;
const kept = 8;
/** Less than this between a frequency and the median is rounding, not picture. */
const noise = 1;
/** Small enough that a decoder that can shrink while it loads does most of the work. */
const box: PixelBox = { width: 4 * edge, height: 4 * edge };

const cosines = Array.from({ length: kept }, (_, frequency) =>
  Float64Array.from({ length: edge }, (_value, at) => Math.cos((Math.PI * (at + 0.5) * frequency) / edge)),
);

/**
 * A 64-bit perceptual hash (pHash): of the image squeezed to 32 x 32 grey pixels, the 8 x 8 lowest frequencies of its
 * cosine transform, a bit each, set where one is above their median. Copies in other sizes, formats and qualities differ
 * in few bits; crops, rotations and mirrors do not match. An image of one color has at most one bit set.
 */
const fingerprint: Job<Record<string, never>> = defineJob<Record<string, never>>({
  name: "fingerprint",
  version: 1,
  params: (zod) => zod.strictObject({}),
  needs: () => ({ pixels: [box] }),
  run: async (image) => {
    const { data, info } = await image.pixels(box).resize(edge, edge, { fit: "fill" }).raw().toUint8Array();
    return { facts: { fingerprint: perceptualHash(greyOf(data, info.channels)) } };
  },
});
export default fingerprint;

/** Luma on white, of sRGB with or without alpha: of what was scaled down, where sharp would do it before, to all of it. */
function greyOf(data: Uint8Array, channels: number): Float64Array {
  return Float64Array.from({ length: edge * edge }, (_, pixel) => {
    const at = pixel * channels;
    const luma = 0.299 * data[at]! + 0.587 * data[at + 1]! + 0.114 * data[at + 2]!;
    return channels === 4 ? 255 + ((luma - 255) * data[at + 3]!) / 255 : luma;
  });
}

/** Of 32 x 32 grey values, row by row, as 16 hex digits; the first bit is the lowest frequency. */
export function perceptualHash(grey: ArrayLike<number>): string {
  const frequencies = lowestFrequencies(grey);
  const median = [...frequencies].sort((a, b) => a - b)[frequencies.length / 2]!;
  const bits = frequencies.reduce((hash, value) => (hash << 1n) | (value > median + noise ? 1n : 0n), 0n);
  return bits.toString(16).padStart(16, "0");
}

/** Of the cosine transform (DCT-II): along the rows, then along the columns; only what is kept is computed. */
function lowestFrequencies(grey: ArrayLike<number>): number[] {
  const alongRows = Array.from({ length: edge }, (_, y) => cosines.map((cosine) => sumOf(cosine, (x) => grey[y * edge + x]!)));
  return cosines.flatMap((cosine) => cosines.map((_, horizontal) => sumOf(cosine, (y) => alongRows[y]![horizontal]!)));
}

function sumOf(cosine: Float64Array, valueAt: (index: number) => number): number {
  let sum = 0;
  for (let index = 0; index < edge; index += 1) sum += cosine[index]! * valueAt(index);
  return sum;
}
