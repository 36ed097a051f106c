import assert from "node:assert/strict";
import { appendFile, cp, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { codeDifferences, codeDigests } from "../../core/code.ts";

const root = join(import.meta.dirname, "../..");

describe("code digests", () => {
  let copy: string;

  beforeEach(async () => {
    copy = await mkdtemp(join(tmpdir(), "imagemill-code-"));
    for (const folder of ["core", "storage", "jobs", "pool", "package.json"])
      await cp(join(root, folder), join(copy, folder), { recursive: true });
    await symlink(join(root, "node_modules"), join(copy, "node_modules"));
  });
  afterEach(async () => rm(copy, { recursive: true, force: true }));

  it("are those of the same code elsewhere", () => {
    assert.deepEqual(codeDigests(copy), codeDigests());
    assert.match(codeDigests().sharp, /^\d+\.\d+\.\d+/);
    assert.match(codeDigests().libvips, /^8\.\d+\.\d+/);
  });

  it("change with any source that a worker runs, and with no other file", async () => {
    await writeFile(join(copy, "pool", "notes.md"), "no code");
    assert.deepEqual(codeDigests(copy), codeDigests());
    await appendFile(join(copy, "jobs", "thumbnails.ts"), "\n");
    assert.notEqual(codeDigests(copy).imagemill, codeDigests().imagemill);
  });

  it("say what differs", () => {
    const here = codeDigests();
    assert.deepEqual(codeDifferences(here, here), []);
    assert.deepEqual(codeDifferences({ ...here, sharp: "2" }, { ...here, sharp: "1" }), ["sharp 2 here, 1 in the plan"]);
  });
});
