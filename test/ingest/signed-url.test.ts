import assert from "node:assert/strict";
import { createHash, generateKeyPairSync, verify, type KeyObject } from "node:crypto";
import { Storage } from "@google-cloud/storage";
import { signUploadUrl, type UploadUrlOptions } from "../../ingest/signed-url.ts";

const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const account = "uploader@test-project.iam.gserviceaccount.com";

const options: UploadUrlOptions = {
  bucket: "photos-in",
  name: "users/4711/Katze & Hund (1) é+%.jpg",
  contentType: "image/jpeg",
  maxBytes: 20_000_000,
  expiresMs: 15 * 60_000,
  nowMs: Date.now(),
};

function clientOf(credentials?: { client_email: string; private_key: string }): Storage {
  return new Storage({ projectId: "test-project", ...(credentials !== undefined && { credentials }) });
}

const client = clientOf({ client_email: account, private_key: privateKey.export({ type: "pkcs8", format: "pem" }).toString() });

/** As Cloud Storage does it: from the request that arrives, with the account's public key. */
function accepts(request: { method: string; url: string; headers: Record<string, string> }, key: KeyObject): boolean {
  const url = new URL(request.url);
  const query = [...url.searchParams].filter(([name]) => name !== "X-Goog-Signature");
  const escaped = (text: string): string =>
    encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  const canonicalQuery = query.map(([name, value]) => `${escaped(name)}=${escaped(value)}`).sort();
  const signedHeaders = url.searchParams.get("X-Goog-SignedHeaders")!;
  const arrived: Record<string, string> = { host: url.host, ...request.headers };
  const headers = signedHeaders.split(";").map((name) => `${name}:${arrived[name] ?? ""}\n`);
  const canonical = [request.method, url.pathname, canonicalQuery.join("&"), headers.join(""), signedHeaders, "UNSIGNED-PAYLOAD"].join(
    "\n",
  );
  const digest = createHash("sha256").update(canonical).digest("hex");
  const [, date] = url.searchParams.get("X-Goog-Credential")!.split("/");
  const text = ["GOOG4-RSA-SHA256", url.searchParams.get("X-Goog-Date")!, `${date}/auto/storage/goog4_request`, digest].join("\n");
  return verify("sha256", Buffer.from(text), key, Buffer.from(url.searchParams.get("X-Goog-Signature")!, "hex"));
}

describe("upload URLs", () => {
  it("carry a signature over name, content type, size, create-only and expiry", async () => {
    const upload = await signUploadUrl(client, options);
    assert.deepEqual(upload.headers, {
      "content-type": "image/jpeg",
      "x-goog-content-length-range": "1,20000000",
      "x-goog-if-generation-match": "0",
    });
    const url = new URL(upload.url);
    assert.equal(url.origin, "https://storage.googleapis.com");
    assert.equal(decodeURIComponent(url.pathname), `/photos-in/${options.name}`);
    assert.equal(url.searchParams.get("X-Goog-Expires"), "900");
    assert.equal(url.searchParams.get("X-Goog-SignedHeaders"), "content-type;host;x-goog-content-length-range;x-goog-if-generation-match");
    assert.equal(url.searchParams.get("X-Goog-Credential")!.split("/")[0], account);
    assert.equal(Date.parse(upload.expiresAt), Math.floor(options.nowMs / 1000) * 1000 + 900_000);
    assert.ok(accepts(upload, publicKey));

    const changed: Partial<typeof upload>[] = [
      { headers: { ...upload.headers, "content-type": "text/html" } },
      { headers: { ...upload.headers, "x-goog-content-length-range": "1,99999999999" } },
      { headers: { ...upload.headers, "x-goog-if-generation-match": "" } },
      { url: upload.url.replace("users/4711", "users/4712") },
      { url: upload.url.replace("X-Goog-Expires=900", "X-Goog-Expires=9000") },
    ];
    for (const change of changed) assert.equal(accepts({ ...upload, ...change }, publicKey), false, JSON.stringify(change));
    assert.equal(accepts(upload, generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey), false);
  });

  it("are refused for what no client could use", async () => {
    const wrong: Partial<UploadUrlOptions>[] = [
      { name: "" },
      { name: "a/../b.jpg" },
      { name: "a\nb" },
      { contentType: "image/jpeg\r\nx: y" },
      { expiresMs: 8 * 24 * 3600 * 1000 },
    ];
    for (const one of wrong) await assert.rejects(signUploadUrl(client, { ...options, ...one }), { code: "USAGE" });
  });

  it("need an account that can sign, which is said", async () => {
    const user = new Storage({
      projectId: "test-project",
      credentials: { type: "authorized_user", client_id: "id", client_secret: "secret", refresh_token: "token" },
    });
    await assert.rejects(signUploadUrl(user, options), (error: Error & { code: string; hint: string; exitCode: number }) => {
      assert.deepEqual([error.code, error.exitCode], ["CANNOT_SIGN", 4]);
      assert.match(error.hint, /Only a service account can sign: .*GOOGLE_APPLICATION_CREDENTIALS/);
      return true;
    });
  });
});
