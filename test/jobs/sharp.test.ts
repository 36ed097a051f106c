import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "../../jobs/sharp.ts";

const svg = Buffer.from(
  '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><image href="secret.png" width="9" height="9"/></svg>',
);

describe("the loaders that are left", () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "loaders-"));
  });
  after(() => rm(folder, { recursive: true }));

  it("read raster formats, from memory and from files", async () => {
    for (const format of ["jpeg", "png", "webp", "gif", "tiff", "avif"] as const) {
      const bytes = await sharp({ create: { width: 9, height: 9, channels: 3, background: "red" } })
        .toFormat(format)
        .toBuffer();
      await writeFile(join(folder, format), bytes);
      assert.equal((await sharp(bytes).metadata()).width, 9);
      assert.equal((await sharp(join(folder, format)).metadata()).width, 9);
    }
  });

  it("refuse SVG, which reads other files", async () => {
    await writeFile(join(folder, "svg"), svg);
    await assert.rejects(sharp(svg).metadata(), /unsupported image format/);
    await assert.rejects(sharp(join(folder, "svg")).metadata(), /unsupported image format/);
  });
});
