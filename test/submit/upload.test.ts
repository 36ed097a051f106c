import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sha256Hex } from "../../core/digest.ts";
import { memoryStore } from "../../storage/memory.ts";
import { uploadArchive, uploadRuntime } from "../../submit/bundle/upload.ts";

const never = new AbortController().signal;

describe("the runtime archive in the control store", () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "imagemill-upload-"));
  });
  after(async () => rm(folder, { recursive: true }));

  it("is written once, also by two at once, and told with its checksum", async () => {
    const file = join(folder, "runtime.tar.gz");
    await writeFile(file, "one");
    const store = memoryStore();
    const bundle = { name: "runtime-1.tar.gz", file };
    const [first, raced] = await Promise.all([uploadArchive(store, bundle, never), uploadArchive(store, bundle, never)]);
    assert.deepEqual(raced, first);
    assert.deepEqual(first, { uri: store.uri("runtime/runtime-1.tar.gz"), sha256: sha256Hex("one") });
    const { generation } = (await store.stat("runtime/runtime-1.tar.gz"))!;
    await uploadArchive(store, bundle, never);
    assert.equal((await store.stat("runtime/runtime-1.tar.gz"))!.generation, generation);
  });

  it("comes with the driver for Spark", async () => {
    const file = join(folder, "runtime.tar.gz");
    await writeFile(file, "one");
    const store = memoryStore();
    const bundle = { name: "runtime-1.tar.gz", file, digest: "1", files: 1, written: true };
    const { archive, driver } = await uploadRuntime(store, bundle, never);
    assert.equal(archive, `${store.uri("runtime/runtime-1.tar.gz")}#imagemill-runtime`);
    assert.match(driver, /\/runtime\/driver-[0-9a-f]{16}\.py$/);
  });
});
