import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { createPictureMaker } from "../../analysis/pictures/picture-maker.ts";
import { chequeredPng } from "../../demo/broken.ts";

const limits = { deadlineMs: 8000, maxMemoryBytes: 1.5e9 };

describe("pictures for a report", function () {
  this.timeout(30_000);
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "imagemill-pictures-"));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  async function program(text: string): Promise<string> {
    const file = join(folder, `${Math.abs(text.length)}-${process.hrtime.bigint()}.mjs`);
    await writeFile(file, text);
    return file;
  }

  /** Answers bytes of length 1 with a picture; does `otherwise` on any other. */
  const answeringOnes = (otherwise: string): Promise<string> =>
    program(`process.on("message", ({ bytes }) => {
      if (bytes.length === 1) process.send({ picture: { bytes, width: 1, height: 1 } });
      else { ${otherwise} }
    });`);

  it("are small, upright and without private metadata", async () => {
    await using maker = createPictureMaker(limits);
    const photo = await sharp({ create: { width: 800, height: 400, channels: 3, background: "#a04010" } })
      .withMetadata({ orientation: 6 })
      .withExifMerge({ IFD0: { Copyright: "somebody" } })
      .jpeg()
      .toBuffer();
    const picture = await maker.make(photo, 100);
    assert.deepEqual([picture?.width, picture?.height], [50, 100]);
    const metadata = await sharp(picture!.bytes).metadata();
    assert.deepEqual([metadata.format, metadata.exif, metadata.orientation], ["webp", undefined, undefined]);
  });

  it("are made of 256 megapixels and of half a JPEG, and not of what is no image", async () => {
    await using maker = createPictureMaker(limits);
    assert.equal((await maker.make(chequeredPng(16_000, 16_000), 100))?.width, 100);
    const noise = await sharp({
      create: { width: 300, height: 300, channels: 3, background: "#888", noise: { type: "gaussian", mean: 128, sigma: 60 } },
    })
      .jpeg()
      .toBuffer();
    assert.equal((await maker.make(noise.subarray(0, noise.length / 2), 100))?.width, 100);
    assert.equal(await maker.make(Buffer.from("hello"), 100), undefined);
    assert.equal(await maker.make(Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'), 100), undefined);
  });

  for (const [what, otherwise] of [
    ["crashes", "process.kill(process.pid, 'SIGSEGV');"],
    ["exits", "process.exit(0);"],
    ["hangs", "for (;;);"],
  ] as const) {
    it(`go on after one that ${what}`, async () => {
      await using maker = createPictureMaker({ ...limits, deadlineMs: 1500, entry: await answeringOnes(otherwise) });
      const made = [];
      for (const length of [1, 2, 1, 2, 1]) made.push((await maker.make(new Uint8Array(length), 10)) !== undefined);
      assert.deepEqual(made, [true, false, true, false, true]);
    });
  }

  it("cost no more memory than they may", async function () {
    if (process.platform !== "linux") this.skip();
    const entry = await answeringOnes("globalThis.held = []; setInterval(() => held.push(Buffer.alloc(2e7, 1)), 5);");
    await using maker = createPictureMaker({ deadlineMs: 20_000, maxMemoryBytes: 3e8, entry });
    const started = performance.now();
    assert.equal(await maker.make(new Uint8Array(2), 10), undefined);
    assert.ok(performance.now() - started < 15_000);
    assert.notEqual(await maker.make(new Uint8Array(1), 10), undefined);
  });

  it("end with their signal", async () => {
    const stopping = new AbortController();
    await using maker = createPictureMaker({ ...limits, signal: stopping.signal, entry: await answeringOnes("") });
    assert.notEqual(await maker.make(new Uint8Array(1), 10), undefined);
    const hanging = maker.make(new Uint8Array(2), 10);
    stopping.abort(new Error("stopped"));
    await assert.rejects(hanging, /stopped/);
  });
});
