import assert from "node:assert/strict";
import type { LoadedJob } from "../../jobs/load.ts";
import sharp from "../../jobs/sharp.ts";
import { colorAt, load, pixelsOf, process, type Raw } from "./images.ts";

const red = [255, 0, 0];
const green = [0, 255, 0];
const blue = [0, 0, 255];
const white = [255, 255, 255];
const [width, height] = [60, 40];

/** Upright, the picture is red, green over blue, white. */
function colorOf(x: number, y: number): number[] {
  if (y < height / 2) return x < width / 2 ? red : green;
  return x < width / 2 ? blue : white;
}

/** Where the pixel in a stored row and column belongs, as the EXIF standard words it ("0th row is right, …"). */
const placeOf: Record<number, (row: number, column: number) => [x: number, y: number]> = {
  1: (row, column) => [column, row],
  2: (row, column) => [width - 1 - column, row],
  3: (row, column) => [width - 1 - column, height - 1 - row],
  4: (row, column) => [column, height - 1 - row],
  5: (row, column) => [row, column],
  6: (row, column) => [width - 1 - row, column],
  7: (row, column) => [width - 1 - row, height - 1 - column],
  8: (row, column) => [row, height - 1 - column],
};

/** As a camera stores it, with a note of how it was held. */
async function stored(orientation: number, format: "jpeg" | "webp" | "tiff"): Promise<Buffer> {
  const [columns, rows] = orientation >= 5 ? [height, width] : [width, height];
  const data = Buffer.alloc(columns * rows * 3);
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1)
      data.set(colorOf(...placeOf[orientation]!(row, column)), (row * columns + column) * 3);
  }
  const options = { quality: 100, ...(format === "jpeg" && { chromaSubsampling: "4:4:4" }) };
  return sharp(data, { raw: { width: columns, height: rows, channels: 3 } })
    .withMetadata({ orientation })
    .toFormat(format, options)
    .toBuffer();
}

function assertUpright(raw: Raw, what: string): void {
  assert.ok(raw.width > raw.height, what);
  const corners: [number, number, number[]][] = [
    [0.25, 0.25, red],
    [0.75, 0.25, green],
    [0.25, 0.75, blue],
    [0.75, 0.75, white],
  ];
  for (const [x, y, color] of corners) {
    const found = colorAt(raw, x, y);
    assert.ok(
      color.every((value, channel) => Math.abs(value - found[channel]!) < 40),
      `${what} at ${x}, ${y}: ${found.join()}`,
    );
  }
}

describe("orientation", () => {
  let one: LoadedJob[];
  let several: LoadedJob[];
  before(async () => {
    one = await load(["thumbnails", { sizes: [48], format: "png" }]);
    several = await load(["thumbnails", { sizes: [48, 30], format: "png" }]);
  });

  for (const format of ["jpeg", "webp", "tiff"] as const) {
    for (const orientation of [1, 2, 3, 4, 5, 6, 7, 8]) {
      it(`${format} ${orientation} comes out upright, from a decode of its own and from the shared one`, async () => {
        const bytes = await stored(orientation, format);
        assert.equal((await sharp(bytes).metadata()).orientation, orientation);
        for (const jobs of [one, several]) {
          const { header, outputs, failure } = await process(bytes, { jobs });
          assert.equal(failure, undefined);
          assert.deepEqual([header?.width, header?.height, header?.orientation], [width, height, orientation]);
          for (const output of outputs) {
            const raw = await pixelsOf(output.bytes);
            assert.deepEqual([raw.width, raw.height], [output.width, output.height]);
            assertUpright(raw, `${output.variant} of ${format} ${orientation}`);
            assert.equal((await sharp(output.bytes).metadata()).orientation, undefined);
          }
        }
      });
    }
  }
});
