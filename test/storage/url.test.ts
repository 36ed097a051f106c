import assert from "node:assert/strict";
import { homedir } from "node:os";
import { ImagemillError } from "../../core/errors.ts";
import { parseStoreUrl } from "../../storage/open.ts";

describe("parseStoreUrl", () => {
  const good: [string, object][] = [
    ["photos", { kind: "file", path: "/data/photos", url: "file:///data/photos" }],
    ["./photos/", { kind: "file", path: "/data/photos", url: "file:///data/photos" }],
    ["../p q", { kind: "file", path: "/p q", url: "file:///p%20q" }],
    ["/abs//x/..", { kind: "file", path: "/abs", url: "file:///abs" }],
    [".", { kind: "file", path: "/data", url: "file:///data" }],
    ["~/pics", { kind: "file", path: `${homedir()}/pics`, url: `file://${homedir()}/pics` }],
    ["~x", { kind: "file", path: "/data/~x", url: "file:///data/~x" }],
    ["file:///a%20b/c/", { kind: "file", path: "/a b/c", url: "file:///a%20b/c" }],
    ["FILE:///a", { kind: "file", path: "/a", url: "file:///a" }],
    ["file:///", { kind: "file", path: "/", url: "file://" }],
    ["gs://bucket", { kind: "gs", bucket: "bucket", prefix: "", url: "gs://bucket" }],
    ["gs://bucket/", { kind: "gs", bucket: "bucket", prefix: "", url: "gs://bucket" }],
    ["gs://my_b.x/some/prefix/", { kind: "gs", bucket: "my_b.x", prefix: "some/prefix/", url: "gs://my_b.x/some/prefix" }],
    ["memory://one", { kind: "memory", id: "one", url: "memory://one" }],
  ];
  for (const [text, parsed] of good) it(`takes ${text}`, () => assert.deepEqual(parseStoreUrl(text, "/data"), parsed));

  it("gives back what it gave", () => {
    for (const [text] of good) {
      const { url } = parseStoreUrl(text, "/data");
      assert.equal(parseStoreUrl(url === "file://" ? "file:///" : url, "/elsewhere").url, url);
    }
  });

  const bad: [string, RegExp][] = [
    ["", /folder/],
    ["  ", /folder/],
    ["s3://bucket/x", /gs:\/\/ bucket/],
    ["http://example.com/x.jpg", /folder/],
    ["https://storage.googleapis.com/bucket/x", /gs:\/\/bucket\/x/],
    ["https://console.cloud.google.com/storage/browser/bucket/x;tab=objects?project=p", /gs:\/\/bucket\/x/],
    ["gs:/bucket/x", /gs:\/\/bucket\/x/],
    ["gs:bucket", /gs:\/\/bucket/],
    ["gs://", /gs:\/\/bucket\/prefix/],
    ["gs:///x", /gs:\/\/x/],
    ["gs://Bucket", /lower-case/],
    ["gs://bucket/*.jpg", /select\.include/],
    ["file://host/x", /file:\/\/\//],
    ["duckdb:///x.duckdb", /folder/],
    ["memory://", /memory:/],
    ["a\nb", /folder/],
  ];
  for (const [text, hint] of bad) {
    it(`refuses ${JSON.stringify(text)} with a suggestion`, () => {
      assert.throws(
        () => parseStoreUrl(text, "/data"),
        (error) => error instanceof ImagemillError && error.exitCode === 2 && hint.test(error.hint ?? ""),
      );
    });
  }
});
