import assert from "node:assert/strict";
import sharp from "../../jobs/sharp.ts";
import { load, meanDifference, photograph, pixelsOf, process } from "./images.ts";

describe("thumbnails", () => {
  it("fits each size inside its box, and never enlarges", async () => {
    const { outputs } = await process(photograph, { jobs: await load(["thumbnails", { sizes: [2000, 64, 256, 64] }]) });
    assert.deepEqual(
      outputs.map(({ variant, width, height }) => [variant, width, height]),
      [
        ["64", 49, 64],
        ["256", 198, 256],
        ["2000", 790, 1024],
      ],
    );
  });

  it("writes the format and the quality that it is asked for", async () => {
    const sizes: number[] = [];
    for (const quality of [30, 90]) {
      for (const format of ["jpeg", "webp", "avif", "png"]) {
        const { outputs } = await process(photograph, { jobs: await load(["thumbnails", { sizes: [64], format, quality }]) });
        const metadata = await sharp(outputs[0]!.bytes).metadata();
        assert.equal(metadata.format, format === "avif" ? "heif" : format);
        assert.equal(outputs[0]!.contentType, `image/${format}`);
        sizes.push(outputs[0]!.bytes.length);
      }
    }
    const [poor, good] = [sizes.slice(0, 3), sizes.slice(4, 7)];
    assert.ok(poor.every((size, index) => size < good[index]!));
    assert.equal(sizes[3], sizes[7]);
  });

  it("carries no metadata over: no EXIF, place, XMP, IPTC or profile", async () => {
    const source = await sharp(photograph)
      .withExif({ IFD0: { Make: "Secret" }, IFD3: { GPSLatitudeRef: "N", GPSLatitude: "52/1 31/1 0/1" } })
      .withXmp('<x:xmpmeta xmlns:x="adobe:ns:meta/"><secret/></x:xmpmeta>')
      .keepIccProfile()
      .jpeg()
      .toBuffer();
    assert.match(source.toString("latin1"), /Secret/);
    for (const format of ["jpeg", "webp", "avif", "png"]) {
      for (const sizes of [[64], [64, 32]]) {
        const { outputs, header, warnings } = await process(source, { jobs: await load(["thumbnails", { sizes, format }]) });
        for (const { bytes } of outputs) {
          const { exif, icc, iptc, xmp, comments } = await sharp(bytes).metadata();
          assert.deepEqual([exif, icc, iptc, xmp, comments], Array(5).fill(undefined));
          assert.doesNotMatch(Buffer.from(bytes).toString("latin1"), /secret|GPS/i);
        }
        assert.doesNotMatch(JSON.stringify([header, warnings]), /secret/i);
      }
    }
  });

  it("from the shared decode is as true to the picture as from a decode of its own", async () => {
    const large = await sharp(photograph).resize(2400).jpeg({ quality: 90 }).toBuffer();
    const clear = await sharp(photograph).resize(700).ensureAlpha(0.6).png().toBuffer();
    const sizes = [64, 256, 512];
    for (const source of [photograph, large, clear]) {
      const { outputs } = await process(source, { jobs: await load(["thumbnails", { sizes, format: "png" }]) });
      const whole = await sharp(source).png().toBuffer();
      for (const [index, size] of sizes.entries()) {
        const jobs = await load(["thumbnails", { sizes: [size], format: "png" }]);
        // A PNG cannot shrink while it loads: every pixel of the picture counts.
        const [shared, alone, truth] = await Promise.all(
          [outputs[index]!, ...(await process(source, { jobs })).outputs, ...(await process(whole, { jobs })).outputs].map(({ bytes }) =>
            pixelsOf(bytes),
          ),
        );
        for (const { width, height, channels } of [shared!, alone!]) {
          assert.deepEqual([width, height, channels], [truth!.width, truth!.height, truth!.channels]);
        }
        const [error, ownError] = [meanDifference(shared!.data, truth!.data), meanDifference(alone!.data, truth!.data)];
        assert.ok(error <= ownError + 1, `${size}: ${error} levels, ${ownError} alone`);
      }
    }
  });
});
