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
    const pixels = image.pixels(box);
    const opaque = image.header.hasAlpha ? pixels.flatten({ background: "white" }) : pixels;
    const { data } = await opaque.resize(edge, edge, { fit: "fill" }).greyscale().raw().toUint8Array();
    return { facts: { fingerprint: perceptualHash(data) } };
  },
});
export default fingerprint;

/** Of 32 x 32 grey values, row by row, as 16 hex digits; the first bit is the lowest frequency. */
export function perceptualHash(grey: Uint8Array): string {
  const frequencies = lowestFrequencies(grey);
  const median = [...frequencies].sort((a, b) => a - b)[frequencies.length / 2]!;
  const bits = frequencies.reduce((hash, value) => (hash << 1n) | (value > median + noise ? 1n : 0n), 0n);
  return bits.toString(16).padStart(16, "0");
}

/** Of the cosine transform (DCT-II): along the rows, then along the columns; only what is kept is computed. */
function lowestFrequencies(grey: Uint8Array): number[] {
  const alongRows = Array.from({ length: edge }, (_, y) => cosines.map((cosine) => sumOf(cosine, (x) => grey[y * edge + x]!)));
  return cosines.flatMap((cosine) => cosines.map((_, horizontal) => sumOf(cosine, (y) => alongRows[y]![horizontal]!)));
}

function sumOf(cosine: Float64Array, valueAt: (index: number) => number): number {
  let sum = 0;
  for (let index = 0; index < edge; index += 1) sum += cosine[index]! * valueAt(index);
  return sum;
}
