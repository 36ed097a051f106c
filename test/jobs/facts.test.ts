import assert from "node:assert/strict";
import reader from "exif-reader";
import fc from "fast-check";
import { readExif } from "../../jobs/exif.ts";
import type { Facts } from "../../jobs/job.ts";
import sharp from "../../jobs/sharp.ts";
import { corpus, load, photograph, process } from "./images.ts";

type Exif = Parameters<ReturnType<typeof sharp>["withExif"]>[0];

const camera: Exif = {
  IFD0: { Make: "Canon ", Model: "EOS 5D" },
  IFD2: { DateTimeOriginal: "2024:02:29 23:59:58", LensModel: "EF 50mm" },
};
const place: Exif = {
  IFD3: { GPSLatitudeRef: "S", GPSLatitude: "33/1 51/1 3576/100", GPSLongitudeRef: "E", GPSLongitude: "151/1 12/1 0/1" },
};

async function factsOf(
  exif: Exif,
  params: Record<string, unknown> = {},
  format: "jpeg" | "webp" = "jpeg",
): Promise<{ facts: Facts; warnings: string[] }> {
  const bytes = await sharp(photograph).resize(32).withExif(exif).toFormat(format).toBuffer();
  const { failure, facts, warnings } = await process(bytes, { jobs: await load(["facts", params]) });
  assert.equal(failure, undefined);
  return { facts, warnings };
}

/** Rewrites the offset of a JPEG's EXIF block to the first directory. */
async function withBrokenExif(offset: number): Promise<Buffer> {
  const bytes = await sharp(photograph).resize(32).withExif(camera).jpeg().toBuffer();
  bytes.writeUInt32LE(offset, bytes.indexOf("Exif\0\0") + 10);
  return bytes;
}

describe("facts", () => {
  it("gives time, camera and lens", async () => {
    for (const format of ["jpeg", "webp"] as const) {
      assert.deepEqual(await factsOf(camera, {}, format), {
        facts: { takenAt: "2024-02-29T23:59:58", cameraMake: "Canon", cameraModel: "EOS 5D", lens: "EF 50mm" },
        warnings: [],
      });
    }
  });

  it("gives the time with its offset where the camera knew it", async () => {
    const exif = { IFD2: { DateTimeOriginal: "2024:07:01 08:00:00", OffsetTimeOriginal: "+02:00" } };
    assert.equal((await factsOf(exif)).facts.takenAt, "2024-07-01T08:00:00+02:00");
  });

  it("takes a time that cannot be for a warning, and an empty one for none", async () => {
    const timeOf = (text: string) => factsOf({ IFD2: { DateTimeOriginal: text } });
    assert.deepEqual(await timeOf("2023:02:29 10:00:00"), { facts: {}, warnings: ['the EXIF time "2023:02:29 10:00:00" is not a time'] });
    assert.deepEqual(await timeOf("0000:00:00 00:00:00"), { facts: {}, warnings: [] });
    assert.deepEqual(await timeOf("    :  :     :  :  "), { facts: {}, warnings: [] });
  });

  it("tells the place only when asked", async () => {
    assert.deepEqual(await factsOf(place), { facts: {}, warnings: [] });
    assert.deepEqual((await factsOf(place, { gps: true })).facts, { gpsLatitude: -33.8599333, gpsLongitude: 151.2 });
    const nowhere = { IFD3: { ...place.IFD3, GPSLatitude: "133/1 0/1 0/1" } };
    assert.deepEqual(await factsOf(nowhere, { gps: true }), { facts: {}, warnings: ["the EXIF place is not on the globe"] });
    const empty = { IFD3: { ...place.IFD3, GPSLatitude: "0/0 0/0 0/0" } };
    assert.deepEqual((await factsOf(empty, { gps: true })).facts, {});
  });

  it("gives nothing, without a warning, where there is no EXIF", async () => {
    const bytes = await sharp(photograph).resize(32).png().toBuffer();
    const { facts, warnings } = await process(bytes, { jobs: await load(["facts"]) });
    assert.deepEqual([facts, warnings], [{}, []]);
  });

  it("gives what it can of an image that is quarantined", async () => {
    const bytes = await sharp(photograph).withExif(camera).jpeg().toBuffer();
    const jobs = await load(["facts"], ["thumbnails"]);
    const cut = await process(bytes.subarray(0, bytes.length / 2), { jobs });
    assert.deepEqual([cut.failure?.reason, cut.facts.cameraModel, cut.outputs], ["truncated", "EOS 5D", []]);
    const large = await process(bytes, { jobs, maxPixels: 1000 });
    assert.deepEqual([large.failure?.reason, large.facts.cameraMake], ["too_many_pixels", "Canon"]);
  });

  it("takes garbage in the EXIF block for a warning", async () => {
    const { facts, warnings, failure } = await process(await withBrokenExif(60_000), { jobs: await load(["facts"], ["thumbnails"]) });
    assert.deepEqual([facts, failure], [{}, undefined]);
    assert.match(warnings.join(), /^the EXIF block is unreadable: it points outside itself$/);
  });
});

describe("the EXIF reader", () => {
  it("agrees with a general one on every block of the corpus", async () => {
    let files = 0;
    let compared = 0;
    for (const { origin, bytes } of corpus((file) => file.decodes && ["jpeg", "webp", "png"].includes(file.magic))) {
      files += 1;
      const { exif } = await sharp(bytes, { failOn: "none" }).metadata();
      if (exif === undefined) continue;
      const theirs = attempt(() => reader(exif));
      const ours = attempt(() => readExif(exif));
      if (theirs?.Image === undefined || theirs.Image === null) continue;
      const { Image, Photo } = theirs;
      for (const [field, value] of Object.entries({
        make: Image.Make,
        model: Image.Model,
        lens: Photo?.LensModel,
        orientation: Image.Orientation,
      })) {
        // Text that is not ASCII, or not text.
        if (typeof value !== "string" && typeof value !== "number") continue;
        const expected = typeof value === "number" ? value : value.replace(/\0.*/s, "").trim() || undefined;
        assert.equal(ours?.[field as keyof typeof ours], expected, `${field} of ${origin}`);
        compared += 1;
      }
      const original = Photo?.DateTimeOriginal;
      if (original !== undefined && original !== null) {
        assert.equal(ours?.original?.slice(0, 19), original.toISOString().slice(0, 19).replace("T", " ").replaceAll("-", ":"), origin);
      }
    }
    if (files > 0) assert.ok(compared > 50, `${compared} fields`);
  }).timeout(60_000);

  it("ends in an error or in fields, whatever the bytes are, and soon", () => {
    const tiff = fc.tuple(fc.constantFrom("II*\0", "MM\0*", "Exif\0\0II*\0", "Exif\0\0MM\0*"), fc.uint8Array({ maxLength: 300 }));
    fc.assert(
      fc.property(tiff, ([start, rest]) => {
        const block = Buffer.concat([Buffer.from(start, "latin1"), rest]);
        const fields = attempt(() => readExif(block));
        for (const value of Object.values(fields ?? {}))
          assert.ok(value === undefined || (value as { length?: number }).length! <= 256 || typeof value === "number");
      }),
      { numRuns: 2000 },
    );
  });

  it("is not blown up by a block whose entries all claim to be huge", () => {
    const block = Buffer.alloc(65_000, "A");
    block.write("MM\0*\0\0\0\x08", 0, "latin1");
    block.writeUInt16BE(5000, 8);
    for (let entry = 0; entry < 5000; entry += 1) {
      block.writeUInt16BE(entry % 2 === 0 ? 0x010f : 0x0110, 10 + entry * 12);
      block.writeUInt16BE(2, 12 + entry * 12);
      block.writeUInt32BE(0xffff_ffff, 14 + entry * 12);
      block.writeUInt32BE(8, 18 + entry * 12);
    }
    const fields = readExif(block);
    assert.ok((fields.make ?? "").length <= 256);
  });
});

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    assert.ok(error instanceof Error);
    return undefined;
  }
}
