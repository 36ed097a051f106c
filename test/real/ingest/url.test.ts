import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { imagemill, lastLine } from "../../e2e/imagemill.ts";
import { startGcsProxy, type GcsProxy } from "../../servers/gcs-proxy.ts";
import { orSkip } from "../../servers/install.ts";
import { jpegLike } from "../../ingest/images.ts";

describe("imagemill ingest url", function () {
  this.timeout(60_000);
  this.slow(10_000);
  let server: GcsProxy;
  let cwd: string;
  const credentialsBefore = process.env["GOOGLE_APPLICATION_CREDENTIALS"];

  before(async function () {
    this.timeout(15 * 60_000);
    server = await orSkip(this, "a Cloud Storage server", startGcsProxy);
    await server.createBucket("ingestion");
    cwd = await mkdtemp(join(tmpdir(), "imagemill-url-"));
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const key = {
      type: "service_account",
      project_id: "test-project",
      client_email: "uploader@test-project.iam.gserviceaccount.com",
      private_key: privateKey.export({ type: "pkcs8", format: "pem" }),
    };
    await writeFile(join(cwd, "key.json"), JSON.stringify(key));
  });
  after(async () => {
    if (credentialsBefore === undefined) delete process.env["GOOGLE_APPLICATION_CREDENTIALS"];
    else process.env["GOOGLE_APPLICATION_CREDENTIALS"] = credentialsBefore;
    await server?.[Symbol.asyncDispose]();
    if (cwd !== undefined) await rm(cwd, { recursive: true });
  });

  const url = async (...args: string[]) => imagemill(cwd, "ingest", "url", ...args, "--set", `google.endpoints.storage=${server.endpoint}`);

  it("prints a URL that takes the image, and the curl that sends it", async () => {
    process.env["GOOGLE_APPLICATION_CREDENTIALS"] = join(cwd, "key.json");
    await writeFile(join(cwd, "photo.jpg"), jpegLike("from an app", 3000));
    const json = await url("users/é 1.jpg", "--to", "gs://ingestion/apps", "--json");
    assert.equal(json.code, 0, json.err);
    const signed = lastLine(json.out) as { url: string; method: string; headers: Record<string, string>; object: string };
    assert.equal(signed.object, "gs://ingestion/apps/users/é 1.jpg");
    const answer = await fetch(signed.url, { method: signed.method, headers: signed.headers, body: jpegLike("from an app") });
    assert.equal(answer.status, 200, await answer.text());
    const stored = server.calls.at(-1)!;
    assert.equal(stored.headers["x-goog-content-length-range"], "1,20000000");

    const people = await url("curl.jpg", "--to", "gs://ingestion", "--max-bytes", "1MiB", "--expires", "1h");
    const [first, , curl] = people.out.split("\n");
    assert.match(first!, /^http:\/\/127\.0\.0\.1:\d+\/ingestion\/curl\.jpg\?.*X-Goog-Expires=3600/);
    await promisify(execFile)("sh", ["-c", curl!], { cwd });
    const found = await fetch(`${server.endpoint}/storage/v1/b/ingestion/o/curl.jpg?alt=media`);
    assert.equal(Buffer.compare(Buffer.from(await found.arrayBuffer()), jpegLike("from an app", 3000)), 0);
  });

  it("says what is missing", async () => {
    process.env["GOOGLE_APPLICATION_CREDENTIALS"] = join(cwd, "no-such-key.json");
    const unsigned = await url("x.jpg", "--to", "gs://ingestion");
    assert.equal(unsigned.code, 4, unsigned.err);
    assert.match(unsigned.err, /CANNOT_SIGN[\s\S]*next: .*service account/);
    assert.equal((await url("x.jpg", "--to", "folder")).code, 2);
    assert.equal((await url("x.jpg", "--to", "gs://ingestion", "--expires", "30d")).code, 2);
  });
});
