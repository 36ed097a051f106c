import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { ImagemillError } from "../../core/errors.ts";
import { decodeNdjson, encodeNdjson, gzipNdjson } from "../../core/ndjson.ts";

describe("NDJSON files", () => {
  it("come back as they were, whatever the text", () => {
    fc.assert(
      fc.property(fc.array(fc.record({ name: fc.string({ unit: "binary" }), n: fc.integer() }, { noNullPrototype: true })), (values) => {
        assert.deepEqual(decodeNdjson(encodeNdjson(values), "x"), values);
      }),
    );
  });

  it("may be compressed from their text", async () => {
    assert.deepEqual(decodeNdjson(await gzipNdjson(Buffer.from('1\n"two"\n')), "x"), [1, "two"]);
    assert.deepEqual(decodeNdjson(await gzipNdjson(Buffer.alloc(0)), "x"), []);
  });

  it("are the same bytes for the same values", () => {
    assert.deepEqual(encodeNdjson([{ a: 1 }]), encodeNdjson([{ a: 1 }]));
  });

  const damaged: [string, Uint8Array][] = [
    ["cut off", encodeNdjson([{ a: "long enough to be cut" }]).subarray(0, 25)],
    ["not gzip", Buffer.from("{}\n")],
    ["a half line", gzipSync('{"a":1}\n{"a"')],
    ["not JSON", gzipSync("nope\n")],
  ];
  for (const [what, bytes] of damaged) {
    it(`name the file when it is ${what}`, () => {
      assert.throws(
        () => decodeNdjson(bytes, "gs://b/rows.ndjson.gz"),
        (error) => error instanceof ImagemillError && error.code === "CORRUPT_FILE" && error.message.includes("gs://b/rows.ndjson.gz"),
      );
    });
  }
});
