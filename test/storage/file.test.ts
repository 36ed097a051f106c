import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { seededRandom } from "../../core/clock.ts";
import { sha256Hex } from "../../core/digest.ts";
import { fileError } from "../../storage/file-errors.ts";
import { fileStore } from "../../storage/file.ts";
import { isStoreError, type ObjectInfo, type ObjectStore, type StoreError } from "../../storage/store.ts";
import { listAll } from "../contracts/store.ts";

const text = (value: string): Uint8Array => Buffer.from(value);

async function infos(store: ObjectStore): Promise<ObjectInfo[]> {
  const found: ObjectInfo[] = [];
  for await (const page of store.list()) found.push(...page.objects);
  return found;
}

describe("fileStore", () => {
  let root: string;
  let store: ObjectStore;
  beforeEach(() => {
    root = fs.mkdtempSync(join(tmpdir(), "imagemill-file-"));
    store = fileStore(root);
  });
  afterEach(() => fs.rmSync(root, { recursive: true }));

  const put = (path: string | Buffer, content = "x"): void => {
    const full = Buffer.concat([Buffer.from(`${root}/`), Buffer.from(path)]);
    fs.mkdirSync(full.subarray(0, full.lastIndexOf("/")), { recursive: true });
    fs.writeFileSync(full, content);
  };

  describe("on a user's folder", () => {
    it("lists and reads what is there, and adds nothing", async () => {
      for (const path of ["b.jpg", "a/photo 1.jpg", "a/Ägypten.jpg", "a.d/x", ".hidden/y", "a/line\nbreak"]) put(path, path);
      const names = [".hidden/y", "a.d/x", "a/line\nbreak", "a/photo 1.jpg", "a/Ägypten.jpg", "b.jpg"];
      assert.deepEqual((await listAll(store)).names, names);
      for (const name of names) assert.equal(Buffer.from((await store.read(name)).bytes).toString(), name);
      assert.deepEqual(fs.readdirSync(root).sort(), [".hidden", "a", "a.d", "b.jpg"]);
    });

    it("lists and reads names that are no UTF-8, and names that look like those", async () => {
      const raw = Buffer.from([0x61, 0xff, 0x2f, 0xc3, 0x28, 0x2e, 0x6a]);
      put(raw, "raw");
      put("~%41", "marker");
      put("~%", "bare marker");
      const found = await infos(store);
      assert.equal(new Set(found.map(({ name }) => name)).size, 3);
      const contents = await Promise.all(
        found.map(async ({ name, generation }) => Buffer.from((await store.read(name, { generation })).bytes).toString()),
      );
      assert.deepEqual(contents.sort(), ["bare marker", "marker", "raw"]);
      for (const { name } of found) {
        assert.ok(name.isWellFormed());
        assert.equal(await store.delete(name), true);
      }
      assert.deepEqual(await infos(store), []);
    });

    it("follows links to files and folders, but never in a circle", async () => {
      const outside = fs.mkdtempSync(join(tmpdir(), "imagemill-outside-"));
      fs.writeFileSync(join(outside, "x"), "outside");
      put("a/b/file", "inside");
      fs.symlinkSync(join(root, "a/b/file"), join(root, "link"));
      fs.symlinkSync(outside, join(root, "elsewhere"));
      fs.symlinkSync(root, join(root, "a/b/up"));
      fs.symlinkSync(".", join(root, "self"));
      fs.symlinkSync("nowhere", join(root, "broken"));
      fs.symlinkSync("loop", join(root, "loop"));
      assert.deepEqual((await listAll(store)).names, ["a/b/file", "elsewhere/x", "link"]);
      assert.equal(Buffer.from((await store.read("link")).bytes).toString(), "inside");
      await assert.rejects(store.read("broken"), (error) => isStoreError(error, "NOT_FOUND"));
      fs.rmSync(outside, { recursive: true });
    });

    it("neither lists nor opens fifos and folders", async () => {
      execFileSync("mkfifo", [join(root, "pipe")]);
      put("folder/x");
      assert.deepEqual((await listAll(store)).names, ["folder/x"]);
      for (const name of ["pipe", "folder"]) {
        await assert.rejects(store.read(name), (error) => isStoreError(error, "NOT_FOUND"));
        assert.equal(await store.stat(name), undefined);
        assert.equal(await store.delete(name), false);
        await store.write(name, text("beside"), { ifGeneration: "0" });
        assert.equal(Buffer.from((await store.read(name)).bytes).toString(), "beside");
      }
      assert.ok(fs.lstatSync(join(root, "pipe")).isFIFO());
    });

    it("sees a change in place as another generation", async () => {
      put("x", "one");
      const { generation } = (await store.stat("x"))!;
      fs.utimesSync(join(root, "x"), new Date(), new Date(Date.now() + 1000));
      await assert.rejects(store.read("x", { generation }), (error) => isStoreError(error, "NOT_FOUND"));
      await assert.rejects(store.delete("x", { ifGeneration: generation }), (error) => isStoreError(error, "PRECONDITION_FAILED"));
      assert.ok(fs.existsSync(join(root, "x")));
    });

    it("notices a file that changes while it is read", async () => {
      const size = 40 << 20;
      fs.writeFileSync(join(root, "growing"), Buffer.alloc(size));
      const reading = store.read("growing");
      fs.truncateSync(join(root, "growing"), size - 1);
      await assert.rejects(reading, (error) => isStoreError(error, "CHANGED_WHILE_READ"));
    });

    it("leaves the folders of deleted objects there, and no trace of its own", async () => {
      put("incoming/x");
      const { generation } = (await store.stat("incoming/x"))!;
      assert.equal(await store.delete("incoming/x", { ifGeneration: generation }), true);
      assert.deepEqual(fs.readdirSync(root), ["incoming"]);
      assert.deepEqual(fs.readdirSync(join(root, "incoming")), []);
    });

    it("says that the folder is missing, or that it is a file", async () => {
      await assert.rejects(
        listAll(fileStore(join(root, "missing"))),
        (error: StoreError) => error.code === "NOT_FOUND" && error.hint!.includes("mkdir"),
      );
      put("file");
      await assert.rejects(listAll(fileStore(join(root, "file"))), (error: StoreError) => error.message.includes("not a folder"));
      assert.equal(await fileStore(join(root, "missing")).stat("x"), undefined);
    });

    it("names the folder that it may not read", async function () {
      if (process.getuid?.() !== 0) {
        fs.mkdirSync(join(root, "closed"), { mode: 0o000 });
        await assert.rejects(listAll(store), (error: StoreError) => error.code === "PERMISSION_DENIED" && error.message.includes("closed"));
        fs.chmodSync(join(root, "closed"), 0o700);
        return;
      }
      // The superuser may read everything, so another user asks.
      put("open/x");
      fs.mkdirSync(join(root, "open/closed"), { mode: 0o000 });
      fs.chmodSync(root, 0o755);
      process.seteuid!(65534);
      try {
        await assert.rejects(
          listAll(store),
          (error: StoreError) => error.code === "PERMISSION_DENIED" && error.message.includes("open/closed"),
        );
        await assert.rejects(
          store.write("x", text("x")),
          (error: StoreError) => error.code === "PERMISSION_DENIED" && error.hint !== undefined,
        );
      } finally {
        process.seteuid!(0);
      }
    });
  });

  describe("as a place to write to", () => {
    it("lists no temporary files, and removes those of long-dead writers", async () => {
      await store.write("x", text("x"));
      const folder = join(root, ".imagemill/tmp");
      fs.writeFileSync(join(folder, "old"), "half");
      fs.writeFileSync(join(folder, "young"), "half");
      const twoDaysAgo = new Date(Date.now() - 48 * 3600 * 1000);
      fs.utimesSync(join(folder, "old"), twoDaysAgo, twoDaysAgo);
      const next = fileStore(root);
      await next.write("y", text("y"));
      assert.deepEqual((await listAll(next)).names, ["x", "y"]);
      assert.deepEqual(fs.readdirSync(folder), ["young"]);
    });

    it("goes on when its folders are removed under it", async () => {
      await store.write("a/b/x", text("1"), { ifGeneration: "0" });
      fs.rmSync(join(root, ".imagemill"), { recursive: true });
      fs.rmSync(join(root, "a"), { recursive: true });
      await store.write("a/b/x", text("2"), { ifGeneration: "0" });
      assert.deepEqual((await listAll(store)).names, ["a/b/x"]);
    });

    it("keeps a name where it is, when what was in its way has gone", async () => {
      await store.write("a/b", text("below"));
      await store.write("a", text("beside"), { ifGeneration: "0" });
      await store.delete("a/b");
      assert.equal(fs.existsSync(join(root, "a")), false);
      await assert.rejects(store.write("a", text("again"), { ifGeneration: "0" }), (error) => isStoreError(error, "PRECONDITION_FAILED"));
      await store.write("a", text("replaced"));
      assert.deepEqual((await listAll(store)).names, ["a"]);
      assert.equal(await store.delete("a"), true);
      assert.deepEqual((await listAll(store)).names, []);
    });

    it("removes folders that deletions leave empty", async () => {
      await store.write("2026-11-23/run/ab/x", text("x"));
      await store.write("2026-11-23/run/cd/y", text("y"));
      await store.delete("2026-11-23/run/ab/x");
      assert.deepEqual(fs.readdirSync(join(root, "2026-11-23/run")), ["cd"]);
      await store.delete("2026-11-23/run/cd/y");
      assert.deepEqual(fs.readdirSync(root), [".imagemill"]);
    });

    it("recovers a claim that a killed process left", async () => {
      const { generation } = await store.write("x", text("one"));
      const claim = join(root, ".imagemill/tmp", `claim-${sha256Hex("x").slice(0, 32)}-${generation}`);
      fs.writeFileSync(claim, "");
      await assert.rejects(store.write("x", text("two"), { ifGeneration: generation }), (error) => isStoreError(error, "UNAVAILABLE"));
      const aMinuteAgo = new Date(Date.now() - 60_000);
      fs.utimesSync(claim, aMinuteAgo, aMinuteAgo);
      await assert.rejects(store.write("x", text("two"), { ifGeneration: generation }), (error) => isStoreError(error, "UNAVAILABLE"));
      await store.write("x", text("two"), { ifGeneration: generation });
      assert.deepEqual(fs.readdirSync(join(root, ".imagemill/tmp")), []);
    });

    it("leaves every object whole or absent when writers are killed", async function () {
      this.timeout(60_000);
      const random = seededRandom(7);
      for (let round = 0; round < 6; round++) {
        const writer = spawn(process.execPath, [fileURLToPath(new URL("endless-writer.ts", import.meta.url)), root], {
          stdio: ["ignore", "pipe", "inherit"],
        });
        await once(writer.stdout, "data");
        const delayMs = 20 + random.next() * 180;
        await new Promise((resolve) => setTimeout(resolve, delayMs));
        writer.kill("SIGKILL");
        await once(writer, "exit");
        for (const { name, sizeBytes } of await infos(store)) {
          assert.equal(sizeBytes, 2_000_000, name);
          const { bytes } = await store.read(name);
          assert.equal(Buffer.compare(bytes, Buffer.alloc(sizeBytes, bytes[0])), 0, name);
        }
      }
    });

    it("lets one of several processes create an object", async () => {
      const script = `
        import { fileStore } from ${JSON.stringify(new URL("../../storage/file.ts", import.meta.url).href)};
        const store = fileStore(process.argv[1]);
        for (let n = 0; n < 50; n++) {
          await store.write("race/" + n, Buffer.from(String(process.pid)), { ifGeneration: "0" }).then(() => console.log(n), (e) => { if (e.code !== "PRECONDITION_FAILED") throw e; });
        }`;
      const racers = Array.from({ length: 3 }, () =>
        spawn(process.execPath, ["--input-type=module", "-e", script, root], { stdio: ["ignore", "pipe", "inherit"] }),
      );
      const outputs = await Promise.all(
        racers.map(async (racer) => {
          const chunks: Buffer[] = [];
          racer.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
          const [code] = (await once(racer, "close")) as [number];
          assert.equal(code, 0);
          return Buffer.concat(chunks).toString().split("\n").filter(Boolean);
        }),
      );
      assert.deepEqual(
        outputs
          .flat()
          .map(Number)
          .sort((a, b) => a - b),
        Array.from({ length: 50 }, (_, n) => n),
      );
    });
  });

  const meanings: [string, string][] = [
    ["ENOSPC", "NO_SPACE"],
    ["EDQUOT", "NO_SPACE"],
    ["EACCES", "PERMISSION_DENIED"],
    ["EPERM", "PERMISSION_DENIED"],
    ["EROFS", "PERMISSION_DENIED"],
    ["EMFILE", "UNAVAILABLE"],
    ["ESTALE", "UNAVAILABLE"],
    ["EIO", "STORE_FAILED"],
    ["ENAMETOOLONG", "STORE_FAILED"],
  ];
  for (const [errno, code] of meanings) {
    it(`takes ${errno} for ${code}`, () => {
      const error = fileError(Object.assign(new Error(errno), { code: errno }), "write", "file:///x\u0007y") as StoreError;
      assert.equal(error.code, code);
      assert.match(error.message, /x\\u\{7\}y/);
      if (code !== "UNAVAILABLE" && errno !== "EIO") assert.ok(error.hint);
    });
  }
});
