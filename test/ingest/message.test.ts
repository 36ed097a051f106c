import assert from "node:assert/strict";
import fc from "fast-check";
import { judge, type ImageMessage, type MessageRules } from "../../ingest/message.ts";
import { jpegLike } from "./images.ts";

const rules: MessageRules = { nameHeader: "name", maxBytes: 1000, prefix: { kind: "none" } };

function message(value: Uint8Array | undefined, headers: Record<string, string> = {}): ImageMessage {
  return { topic: "photos", partition: 2, offset: 41n, value, headers: new Map(Object.entries(headers)) };
}

describe("what a message becomes", () => {
  it("an object named by its place in the log, or by a header", () => {
    const verdict = judge(message(jpegLike("x"), { camera: "Nikon é", "kafka-topic": "forged", "X Y": "1" }), rules);
    assert.deepEqual(verdict, {
      accept: true,
      name: "photos/2/0000000000000041.jpg",
      nameFrom: "position",
      contentType: "image/jpeg",
      metadata: {
        camera: "Nikon %C3%A9",
        "header-kafka-topic": "forged",
        "x-y": "1",
        "kafka-topic": "photos",
        "kafka-partition": "2",
        "kafka-offset": "41",
      },
    });
    const named = judge(message(jpegLike("x"), { name: "holiday/é.jpg" }), { ...rules, prefix: { kind: "hash" } });
    assert.ok(named.accept && /^[0-9a-f]{2}\/holiday\/é\.jpg$/.test(named.name) && named.nameFrom === "header");
    assert.equal(judge(message(jpegLike("x"), { name: "" }), rules).accept, true);
  });

  it("a refusal with its reason", () => {
    const reasonOf = (...given: Parameters<typeof message>): string => {
      const verdict = judge(message(...given), rules);
      return verdict.accept ? "accepted" : verdict.reason;
    };
    assert.equal(reasonOf(undefined), "empty");
    assert.equal(reasonOf(Buffer.from("hello, this is text")), "not_an_image");
    assert.equal(reasonOf(Buffer.from([1, 2, 3])), "not_an_image");
    assert.equal(reasonOf(Buffer.from("%PDF-1.7")), "unsupported_format");
    assert.equal(reasonOf(jpegLike("x", 1001)), "too_large");
    assert.equal(reasonOf(jpegLike("x"), { name: "a\nb" }), "bad_name");
    assert.equal(reasonOf(jpegLike("x"), { name: "é".repeat(513) }), "bad_name");
  });

  it("keeps metadata within what Cloud Storage takes, whatever the headers", () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string({ unit: "binary", maxLength: 40 }), fc.string({ unit: "binary", maxLength: 3000 })),
        (headers) => {
          const verdict = judge(message(jpegLike("x"), headers), { ...rules, nameHeader: undefined });
          assert.ok(verdict.accept);
          const text = Object.entries(verdict.metadata).flat().join("");
          assert.ok(text.length < 7000 && /^[ -~]*$/.test(text));
          assert.equal(verdict.metadata["kafka-offset"], "41");
        },
      ),
    );
  });
});
