import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sha256Hex } from "../../core/digest.ts";
import { memoryStore } from "../../storage/memory.ts";
import { uploadRuntime } from "../../submit/bundle/upload.ts";

const never = new AbortController().signal;

describe("the runtime archive in the control store", () => {
  it("is written once, under a name that carries its checksum", async () => {
    const folder = await mkdtemp(join(tmpdir(), "imagemill-upload-"));
    try {
      const file = join(folder, "runtime.tar.gz");
      await writeFile(file, "one");
      const store = memoryStore();
      const [first, raced] = await Promise.all([uploadRuntime(store, file, never), uploadRuntime(store, file, never)]);
      assert.deepEqual(raced, first);
      assert.equal(first.sha256, sha256Hex("one"));
      assert.equal(first.uri, store.uri(`runtime/${first.sha256.slice(0, 16)}/runtime.tar.gz`));
      const { generation } = (await store.stat(first.name))!;
      await uploadRuntime(store, file, never);
      assert.equal((await store.stat(first.name))!.generation, generation);
      await writeFile(file, "another");
      assert.notEqual((await uploadRuntime(store, file, never)).uri, first.uri);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
