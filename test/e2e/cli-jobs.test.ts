import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { imagemill, lastLine } from "./imagemill.ts";

describe("a job of one's own", () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "imagemill-jobs-"));
    await sharp({ create: { width: 400, height: 300, channels: 3, background: "orange" } })
      .jpeg()
      .toFile(join(folder, "photo.jpg"));
    await writeFile(join(folder, "text.jpg"), "not an image");
  });
  after(() => rm(folder, { recursive: true }));

  it("starts from a template that works, and is never overwritten", async () => {
    const made = await imagemill(folder, "new", "job", "edges");
    assert.equal(made.code, 0, made.err);
    const tried = await imagemill(folder, "try", './edges.ts:{"edge":50}', "photo.jpg", "--json");
    assert.equal(tried.code, 0, tried.err);
    const [output] = lastLine(tried.out)["outputs"] as { file: string; width: number; height: number }[];
    assert.deepEqual([output?.width, output?.height], [50, 38]);
    assert.equal((await sharp(await readFile(output!.file)).metadata()).format, "png");

    await writeFile(join(folder, "edges.ts"), "mine");
    const again = await imagemill(folder, "new", "job", "edges");
    assert.equal(again.code, 2);
    assert.equal(await readFile(join(folder, "edges.ts"), "utf8"), "mine");
  });

  it("try says what an image is quarantined for, and writes nothing", async () => {
    const answer = await imagemill(folder, "try", "thumbnails", "text.jpg", "--out", "none");
    assert.equal(answer.code, 1);
    assert.match(answer.out, /quarantined: not_an_image/);
    assert.ok(!existsSync(join(folder, "none")));
  });

  it("try takes one job, in its place", async () => {
    const { code, err } = await imagemill(folder, "try", "thumbnails", "photo.jpg", "--job", "facts");
    assert.equal(code, 2);
    assert.match(err, /try has no flag --job/);
    assert.doesNotMatch((await imagemill(folder, "try", "--help")).out, /--job/);
  });

  it("try refuses what it cannot read, and names of jobs that could leave the folder", async () => {
    const missing = await imagemill(folder, "try", "thumbnails", "missing.jpg");
    assert.equal(missing.code, 2);
    assert.match(missing.err, /^error USAGE: the image missing\.jpg cannot be read: there is no such file\n/);
    assert.match((await imagemill(folder, "try", "thumbnail", "photo.jpg")).err, /^error CONFIG_INVALID: <job>: jobs\[0\] names no job/);
    assert.match((await imagemill(folder, "try", "facts:{", "photo.jpg")).err, /^error USAGE: <job> facts:\{: /);
    assert.equal((await imagemill(folder, "new", "job", "../x")).code, 2);
  });
});
