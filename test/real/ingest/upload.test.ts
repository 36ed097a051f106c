import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock, systemRandom } from "../../../core/clock.ts";
import { gcsStore } from "../../../storage/gcs.ts";
import type { ObjectStore } from "../../../storage/store.ts";
import { listAll } from "../../contracts/store.ts";
import { imagemill, lastLine } from "../../e2e/imagemill.ts";
import { startGcsProxy, type GcsProxy } from "../../servers/gcs-proxy.ts";
import { orSkip } from "../../servers/install.ts";
import { writePhotos } from "../photos.ts";

const count = 120;
const images = count - 2;

describe("imagemill ingest upload", function () {
  this.timeout(60_000);
  this.slow(20_000);
  let server: GcsProxy;
  let cwd: string;
  let bucket: ObjectStore;

  before(async function () {
    this.timeout(15 * 60_000);
    server = await orSkip(this, "a Cloud Storage server", startGcsProxy);
    cwd = await mkdtemp(join(tmpdir(), "imagemill-upload-"));
    await writePhotos(join(cwd, "photos"), count);
    await mkdir(join(cwd, "photos", "deep"));
    await writeFile(join(cwd, "photos", "deep", "写真 1.jpg"), await readFile(join(cwd, "photos", "00000.jpg")));
    await server.createBucket("ingestion");
    bucket = gcsStore({ bucket: "ingestion", prefix: "", endpoint: server.endpoint, clock: systemClock, random: systemRandom });
  });
  after(async () => {
    await bucket?.close();
    await server?.[Symbol.asyncDispose]();
    if (cwd !== undefined) await rm(cwd, { recursive: true });
  });

  const upload = async (...args: string[]) =>
    imagemill(cwd, "ingest", "upload", "photos", "--set", `google.endpoints.storage=${server.endpoint}`, ...args);

  it("uploads every image as it is through a bucket that fails now and then; again, nothing", async () => {
    let writes = 0;
    server.faults = ({ op }) =>
      op === "write" && ++writes % 10 === 0 ? { kind: "status", status: 503, when: writes % 20 === 0 ? "after" : "before" } : undefined;
    const first = await upload("--to", "gs://ingestion/app", "--json");
    server.faults = () => undefined;
    assert.equal(first.code, 0, first.err);
    const { uploaded, present, refused } = lastLine(first.out);
    assert.deepEqual([uploaded, present, refused], [images + 1, 0, { not_an_image: 2 }]);
    assert.match(first.out, /"refused":\{"name":"00049.jpg","reason":"not_an_image"/);
    const { names } = await listAll(bucket);
    assert.equal(names.length, images + 1);
    for (const name of names) {
      const [{ bytes }, original] = [await bucket.read(name), await readFile(join(cwd, "photos", name.slice("app/".length)))];
      assert.equal(sha256(bytes), sha256(original), name);
    }
    assert.equal((await bucket.stat("app/deep/写真 1.jpg"))?.contentType, "image/jpeg");

    const before = server.calls.length;
    const again = await upload("--to", "gs://ingestion/app");
    assert.equal(again.code, 0, again.err);
    assert.match(again.out, /uploaded 0 files .* of 121 to gs:\/\/ingestion\/app/);
    assert.match(again.out, /there already, with equal content: 119/);
    assert.ok(
      server.calls.slice(before).every(({ op }) => op === "list"),
      "nothing but listings is asked",
    );
  });

  it("leaves other content under a name alone, says so, and fails", async () => {
    await bucket.write("other/00007.jpg", Buffer.from("another photograph"));
    const answer = await upload("--to", "gs://ingestion/other");
    assert.equal(answer.code, 1);
    assert.match(answer.err, /refused 00007.jpg: name_taken, gs:\/\/ingestion\/other\/00007.jpg holds other content/);
    assert.equal(Buffer.from((await bucket.read("other/00007.jpg")).bytes).toString(), "another photograph");
  });

  it("says what is wrong with where to", async () => {
    const nowhere = await upload();
    assert.equal(nowhere.code, 2);
    assert.match(nowhere.err, /not said where the images go[\s\S]*--to/);
    assert.equal((await upload("--to", "photos/inside")).code, 2);
    const missing = await upload("--to", "gs://no-such-bucket");
    assert.notEqual(missing.code, 0);
    assert.match(missing.err, /no-such-bucket/);
    assert.equal((await upload("--to", "gs://ingestion", "--max-bytes", "many")).code, 2);
  });
});

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
