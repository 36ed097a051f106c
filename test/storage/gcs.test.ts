import assert from "node:assert/strict";
import { ImagemillError } from "../../core/errors.ts";
import { authorisation, gcsOrigin } from "../../storage/gcs-client.ts";
import { networkError, statusError } from "../../storage/gcs-errors.ts";
import { infoOfHead, pathSegment, queryOf } from "../../storage/gcs-objects.ts";
import { isStoreError } from "../../storage/store.ts";
import { fakeClock } from "../clock.ts";

const nowMs = Date.UTC(2026, 10, 23, 12);

describe("Cloud Storage's answers", () => {
  const google = (reason: string, message = "what the service says"): string =>
    JSON.stringify({ error: { message, errors: [{ reason }] } });
  const table: [number, string, string][] = [
    [400, google("invalid"), "STORE_FAILED"],
    [400, google("invalid", "Provided CRC32C abc= doesn't match calculated CRC32C def=."), "CHECKSUM_MISMATCH"],
    [401, google("authError"), "PERMISSION_DENIED"],
    [403, google("forbidden"), "PERMISSION_DENIED"],
    [403, google("userRateLimitExceeded"), "UNAVAILABLE"],
    [404, google("notFound"), "NOT_FOUND"],
    [408, "", "UNAVAILABLE"],
    [412, google("conditionNotMet"), "PRECONDITION_FAILED"],
    [429, "<html>slow down</html>", "UNAVAILABLE"],
    [500, "", "UNAVAILABLE"],
    [503, google("backendError"), "UNAVAILABLE"],
    [302, "", "STORE_FAILED"],
    [418, "\u0007", "STORE_FAILED"],
  ];
  for (const [status, body, code] of table) {
    it(`takes ${status} ${body.slice(0, 60)} for ${code}`, () => {
      const error = statusError({ status, headers: {}, body: Buffer.from(body) }, "read", "gs://bucket/na\nme", nowMs);
      assert.equal(error.code, code);
      assert.equal(error.httpStatus, status);
      assert.ok(error.message.includes(`HTTP ${status}`) && error.message.includes("gs://bucket/na\\u{a}me"), error.message);
      assert.doesNotMatch(error.message, /\p{Cc}/u);
      if (code === "PERMISSION_DENIED" || code === "NOT_FOUND") assert.ok(error.hint);
    });
  }

  const waits: [string, number | undefined][] = [
    ["3", 3000],
    ["0", 0],
    ["Mon, 23 Nov 2026 12:00:09 GMT", 9000],
    ["Mon, 23 Nov 2026 11:00:00 GMT", 0],
    ["86400", 600_000],
    ["soon", undefined],
  ];
  for (const [retryAfter, ms] of waits) {
    it(`waits ${ms} ms for Retry-After: ${retryAfter}`, () => {
      const answer = { status: 429, headers: { "retry-after": retryAfter }, body: Buffer.alloc(0) };
      assert.equal(statusError(answer, "read", "gs://b/x", nowMs).retryAfterMs, ms);
    });
  }

  it("takes a broken connection for worth a retry, a broken certificate not", () => {
    const failure = (code: string): Error => Object.assign(new Error(code), { code });
    for (const code of ["ECONNRESET", "ECONNREFUSED", "ENOTFOUND", "EPIPE", "ETIMEDOUT", "HPE_INVALID_CONSTANT"]) {
      assert.ok(isStoreError(networkError(failure(code), "read", "gs://b/x"), "UNAVAILABLE"), code);
    }
    assert.ok(isStoreError(networkError(failure("DEPTH_ZERO_SELF_SIGNED_CERT"), "read", "gs://b/x"), "STORE_FAILED"));
  });

  it("says which generation a download is, or fails", () => {
    const headers = {
      "x-goog-generation": "1795445595924740",
      "x-goog-hash": "md5=XUFAKrxLKna5cZ2REBfFkg==,crc32c=mnG7TA==",
      "x-goog-stored-content-length": "7",
      "content-length": "5",
    };
    assert.deepEqual(infoOfHead("x", headers), { name: "x", generation: "1795445595924740", sizeBytes: 7, crc32c: "mnG7TA==" });
    assert.throws(
      () => infoOfHead("x", { "content-length": "5" }),
      (error) => isStoreError(error, "STORE_FAILED"),
    );
  });
});

describe("Cloud Storage's address", () => {
  const good: [string | undefined, string][] = [
    [undefined, "https://storage.googleapis.com"],
    ["http://127.0.0.1:4443", "http://127.0.0.1:4443"],
    ["127.0.0.1:4443", "http://127.0.0.1:4443"],
    ["localhost:4443", "http://localhost:4443"],
    ["[::1]:4443", "http://[::1]:4443"],
    ["storage.example.com", "https://storage.example.com"],
    ["https://storage.example.com:8443/storage/v1/", "https://storage.example.com:8443"],
  ];
  for (const [endpoint, origin] of good) it(`is ${origin} for ${endpoint}`, () => assert.equal(gcsOrigin(endpoint).origin, origin));

  it("is refused where it is none", () => {
    assert.throws(
      () => gcsOrigin("http://"),
      (error) => error instanceof ImagemillError && error.exitCode === 2,
    );
  });

  it("needs no credentials on the loopback range", async () => {
    for (const endpoint of ["127.0.0.1:1", "http://localhost:1", "http://127.8.9.1", "[::1]:1"]) {
      assert.deepEqual(await authorisation(endpoint, fakeClock())(), {});
    }
  });

  it("holds any name as one segment", () => {
    for (const name of ["a/b", "..", ".", "../x", "?#%", "é 😀", "a\0b"]) {
      const { pathname } = new URL(`http://host/o/${pathSegment(name)}?x=1`);
      if (name !== ".." && name !== ".") assert.equal(decodeURIComponent(pathname.slice(3)), name);
      assert.doesNotMatch(pathSegment(name), /[/?#\s]|^\.+$/);
    }
    assert.equal(queryOf({ prefix: "a&b=c/é", pageToken: undefined, maxResults: 3 }), "?prefix=a%26b%3Dc%2F%C3%A9&maxResults=3");
    assert.equal(queryOf({ generation: undefined }), "");
  });
});
