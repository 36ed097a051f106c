import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brokenFiles } from "../../demo/broken.ts";
import { preparePhotos, readPhotographs } from "../../demo/photos.ts";
import { loadJobs } from "../../jobs/load.ts";
import { processImage } from "../../jobs/process.ts";
import { resolveJobs } from "../../jobs/resolve.ts";

describe("the demo's folder", () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "imagemill-demo-"));
  });
  after(() => rm(folder, { recursive: true }));

  it("shows one file of each kind of trouble", async () => {
    const [photo] = await readPhotographs();
    const jobs = await loadJobs(await resolveJobs([{ name: "thumbnails", params: {} }], folder));
    const outcomes: Record<string, string> = {};
    for (const { name, bytes } of await brokenFiles(photo!.bytes)) {
      const { failure, header } = await processImage({ name, bytes, jobs, maxPixels: 100_000_000, timeoutMs: 10_000 });
      outcomes[name] = failure?.reason ?? `ok, orientation ${header?.orientation}`;
    }
    assert.deepEqual(outcomes, {
      "empty.jpg": "empty",
      "letter.jpg": "not_an_image",
      "interrupted-upload.jpg": "truncated",
      "drawing.svg": "unsupported_format",
      "256-megapixels.png": "too_many_pixels",
      "sideways.jpg": "ok, orientation 6",
    });
  });

  it("stays as it is when it is prepared again", async () => {
    const timesOf = async (): Promise<string[]> => {
      const names = (await readdir(folder, { recursive: true })).sort();
      return Promise.all(names.map(async (name) => `${name} ${(await stat(join(folder, name))).mtimeMs}`));
    };
    await preparePhotos(folder);
    const first = await timesOf();
    assert.equal(first.length, 14);
    await preparePhotos(folder);
    assert.deepEqual(await timesOf(), first);
  });
});
