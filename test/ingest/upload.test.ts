import assert from "node:assert/strict";
import { seededRandom } from "../../core/clock.ts";
import { silentLogger } from "../../core/log.ts";
import { countFolder, uploadFolder, type Refused, type UploadOptions, type UploadReport } from "../../ingest/upload.ts";
import { nthFault, seededFaults, withFaults, type Fault } from "../../storage/faults.ts";
import { memoryStore } from "../../storage/memory.ts";
import { withRetry } from "../../storage/retry.ts";
import type { ObjectStore } from "../../storage/store.ts";
import { fakeClock } from "../clock.ts";
import { listAll } from "../contracts/store.ts";
import { jpegLike } from "./images.ts";

async function folderOf(files: Record<string, Uint8Array>, pageSize = 7): Promise<ObjectStore> {
  const store = memoryStore({ url: "memory://folder", pageSize });
  for (const [name, bytes] of Object.entries(files)) await store.write(name, bytes);
  return store;
}

const photos = (count: number): Record<string, Buffer> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`deep/${index}.jpg`, jpegLike(`photo ${index}`)]));

async function upload(from: ObjectStore, to: ObjectStore, options: Partial<UploadOptions> = {}): Promise<[UploadReport, Refused[]]> {
  const refused: Refused[] = [];
  const report = await uploadFolder({
    from,
    to,
    prefix: { kind: "none" },
    concurrency: 4,
    mostBytes: 1000,
    maxObjectBytes: 500,
    anyFile: false,
    signal: new AbortController().signal,
    onRefused: (one) => refused.push(one),
    ...options,
  });
  return [report, refused];
}

describe("uploading a folder", () => {
  it("uploads each image once with its content type; again, nothing", async () => {
    const from = await folderOf(photos(30));
    const to = memoryStore();
    const [first] = await upload(from, to);
    assert.deepEqual(
      { ...first, bytes: 0, uploadedBytes: 0 },
      { files: 30, bytes: 0, uploaded: 30, uploadedBytes: 0, present: 0, refused: {} },
    );
    assert.deepEqual((await listAll(to)).names, (await listAll(from)).names);
    const stored = await to.stat("deep/3.jpg");
    assert.equal(stored?.contentType, "image/jpeg");
    const [again] = await upload(from, to);
    assert.deepEqual([again.uploaded, again.present], [0, 30]);
    assert.equal((await to.stat("deep/3.jpg"))?.generation, stored.generation);
    assert.deepEqual(await countFolder(from, new AbortController().signal, () => undefined), { objects: 30, bytes: first.bytes });
  });

  it("refuses with a reason what cannot go, and never replaces", async () => {
    const from = await folderOf({
      "a.jpg": jpegLike("a"),
      "big.jpg": jpegLike("big", 501),
      "broken.jpg": jpegLike("x"),
      "empty.jpg": Buffer.alloc(0),
      "notes.txt": Buffer.from("some notes\n"),
      "page.bmp": Buffer.from("BM bitmap"),
      "same-size.jpg": jpegLike("mine"),
      "taken.jpg": jpegLike("mine"),
      ".well-known/acme-challenge/x": jpegLike("x"),
    });
    const to = memoryStore();
    await to.write("taken.jpg", jpegLike("another"));
    const other = await to.write("same-size.jpg", jpegLike("them"));
    const unreadable = withFaults(from, ({ op, name }) =>
      op === "read" && name === "broken.jpg" ? { kind: "before", code: "PERMISSION_DENIED" } : undefined,
    );
    const [report, refused] = await upload(unreadable.store, to);
    assert.deepEqual(Object.fromEntries(refused.map(({ name, reason }) => [name, reason])), {
      ".well-known/acme-challenge/x": "bad_name",
      "big.jpg": "too_large",
      "broken.jpg": "unreadable",
      "empty.jpg": "empty",
      "notes.txt": "not_an_image",
      "page.bmp": "unsupported_format",
      "same-size.jpg": "name_taken",
      "taken.jpg": "name_taken",
    });
    assert.deepEqual([report.files, report.uploaded], [9, 1]);
    assert.match(refused.find(({ name }) => name === "page.bmp")!.message, /BMP/);
    assert.equal((await to.stat("same-size.jpg"))?.generation, other.generation);
    const [any] = await upload(from, memoryStore(), { anyFile: true });
    assert.deepEqual(any.refused, { bad_name: 1, too_large: 1 });
  });

  it("puts names under a hash or a date, and finds them there again", async () => {
    const from = await folderOf(photos(12));
    for (const prefix of [{ kind: "hash" }, { kind: "date", date: "2026-11-23" }] as const) {
      const to = memoryStore();
      await upload(from, to, { prefix });
      const { names } = await listAll(to);
      assert.ok(names.every((name) => (prefix.kind === "hash" ? /^[0-9a-f]{2}\/deep/ : /^2026-11-23\/deep/).test(name)));
      assert.equal((await upload(from, to, { prefix }))[0].present, 12);
    }
  });

  it("compares content where the target knows no checksums, and asks name by name in a bucket full of others", async () => {
    const from = await folderOf(photos(10));
    const to = memoryStore({ capabilities: { listsCrc32c: false }, pageSize: 2 });
    for (let index = 0; index < 60; index += 1) await to.write(`deep/${index}.jpg-other`, jpegLike("other"));
    await upload(from, to);
    assert.equal((await upload(from, to))[0].present, 10);
  });

  it("holds no more bytes at once than it may", async () => {
    const from = await folderOf(Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`${index}.jpg`, jpegLike(`${index}`, 300)])));
    let [now, most] = [0, 0];
    const watched: ObjectStore = {
      ...from,
      read: async (name, options) => {
        now += 300;
        most = Math.max(most, now);
        return from.read(name, options);
      },
    };
    const to = memoryStore();
    const slow: ObjectStore = {
      ...to,
      write: async (...args) => {
        await new Promise((resolve) => setImmediate(resolve));
        now -= 300;
        return to.write(...args);
      },
    };
    const [report] = await upload(watched, slow, { concurrency: 8, mostBytes: 700 });
    assert.deepEqual([report.uploaded, most], [12, 600]);
  });

  it("gets every file there through a bucket that fails, stalls its answers and loses them", async () => {
    const faults: Fault[] = [{ kind: "before" }, { kind: "after" }, { kind: "truncate" }, { kind: "before", httpStatus: 503 }];
    for (let seed = 1; seed <= 20; seed += 1) {
      const random = seededRandom(seed);
      const to = memoryStore();
      const shaky = withFaults(
        to,
        seededFaults(
          random,
          0.2,
          faults.filter(({ kind }) => kind !== "truncate"),
        ),
      );
      const store = withRetry(shaky.store, { attempts: 30, clock: fakeClock(), random, log: silentLogger });
      const [report] = await upload(await folderOf(photos(40)), store, { prefix: { kind: seed % 2 === 0 ? "hash" : "none" } });
      assert.deepEqual([report.uploaded + report.present, report.refused], [40, {}], `seed ${seed}`);
      assert.equal((await listAll(to)).names.length, 40);
    }
  });

  it("fails when the target does not answer, and goes on at the next try", async () => {
    const from = await folderOf(photos(20));
    const to = memoryStore();
    const { store } = withFaults(to, nthFault(12, { kind: "before" }));
    await assert.rejects(upload(from, store), { code: "UNAVAILABLE" });
    const [report] = await upload(from, to);
    assert.equal(report.uploaded + report.present, 20);
    assert.ok(report.present > 0 && report.uploaded > 0);
  });

  it("ends when it is told to", async () => {
    const controller = new AbortController();
    const reason = new Error("enough");
    const from = await folderOf(photos(20));
    const stopping = { signal: controller.signal, onProgress: (report: UploadReport) => report.files === 5 && controller.abort(reason) };
    await assert.rejects(upload(from, memoryStore(), stopping), (error) => error === reason);
  });
});
