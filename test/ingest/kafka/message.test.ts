import assert from "node:assert/strict";
import fc from "fast-check";
import { deadLetter, judge, positionName, type DeadReason, type MessageRules } from "../../../ingest/kafka/message.ts";
import { nameProblem } from "../../../ingest/names.ts";
import { jpegLike } from "../images.ts";
import { header, messageOf } from "./messages.ts";

const rules: MessageRules = { maxObjectBytes: 1000, spread: false, nameHeader: "image-name" };
const photo = jpegLike("photo");

function accepted(verdict: ReturnType<typeof judge>): Exclude<ReturnType<typeof judge>, { reason: DeadReason }> {
  assert.ok(!("reason" in verdict), JSON.stringify(verdict));
  return verdict;
}

function reasonOf(verdict: ReturnType<typeof judge>): string {
  return "reason" in verdict ? verdict.reason : "accepted";
}

describe("what a Kafka message becomes", () => {
  it("an object named by its place, so that names sort as the log does", () => {
    const { name, contentType, metadata } = accepted(judge(messageOf(photo, { key: Buffer.from("cam 7") }), rules));
    assert.equal(name, "photos/2/0000000000000000041.jpg");
    assert.equal(contentType, "image/jpeg");
    assert.deepEqual(metadata, {
      "kafka-topic": "photos",
      "kafka-partition": "2",
      "kafka-offset": "41",
      "kafka-timestamp": "2026-11-23T00:00:00.000Z",
      "kafka-key": "cam 7",
    });
    assert.ok(positionName(messageOf(photo, { offset: 9n })) < positionName(messageOf(photo, { offset: 10n })));
    assert.equal(positionName(messageOf(photo, { offset: 2n ** 63n - 1n })), "photos/2/9223372036854775807");
  });

  it("an object named by a header, where one is there; the last one counts", () => {
    const named = (value: string | undefined): string =>
      accepted(judge(messageOf(photo, { headers: [header("image-name", "old.jpg"), header("image-name", value)] }), rules)).name;
    assert.equal(named("users/4711/Katze & Hund é.jpg"), "users/4711/Katze & Hund é.jpg");
    assert.equal(named(undefined), "photos/2/0000000000000000041.jpg");
    assert.equal(named(""), "photos/2/0000000000000000041.jpg");
    assert.match(accepted(judge(messageOf(photo), { ...rules, spread: true })).name, /^[0-9a-f]{2}\/photos\/2\//);
  });

  it("a dead letter with a reason", () => {
    const reasons: [reason: string, ...Parameters<typeof messageOf>][] = [
      ["tombstone", undefined],
      ["empty", Buffer.alloc(0)],
      ["not_an_image", Buffer.from("hello")],
      ["not_an_image", Buffer.from('{"not":"an image"}')],
      ["unsupported_format", Buffer.from("BM bitmap")],
      ["too_large", jpegLike("huge", 1001)],
      ["accepted", jpegLike("just right", 1000)],
      ...["../../etc/passwd", "/abs.jpg", "a//b", "a/", "a/./b", "..", "a\nb", "a\u0000b", "a\u202eb", "a\\b", "x".repeat(901)].map(
        (name): [string, Uint8Array, { headers: [string, Uint8Array | undefined][] }] => [
          "bad_name",
          photo,
          { headers: [header("image-name", name)] },
        ],
      ),
      ["bad_name", photo, { headers: [header("image-name", Buffer.from([0x61, 0xff, 0xfe]))] }],
      ["bad_name", photo, { headers: [header("image-name", ".well-known/acme-challenge/x")] }],
    ];
    for (const [reason, value, rest] of reasons) assert.equal(reasonOf(judge(messageOf(value, rest), rules)), reason);
    const letter = deadLetter(messageOf(undefined, { headers: [header("who", "me")] }), { reason: "tombstone", message: "a\u001b[31mb" });
    assert.deepEqual(letter, {
      topic: "photos",
      partition: 2,
      offset: "41",
      timestamp: "2026-11-23T00:00:00.000Z",
      reason: "tombstone",
      message: "a\\u{1b}[31mb",
      bytes: 0,
      said: { "kafka-header-who": "me" },
    });
  });

  it("headers become metadata that any service takes: bounded, printable, whole values or none", () => {
    const { metadata } = accepted(
      judge(
        messageOf(photo, {
          headers: [
            header("Camera Model", "Höhenmeßgerät 50%\r\nx-evil: 1"),
            header("raw", Buffer.from([0xff, 0x00, 0xfe])),
            header("none", undefined),
            header("long", "x".repeat(2000)),
          ],
        }),
        rules,
      ),
    );
    assert.equal(metadata["kafka-header-camera-model"], "H%C3%B6henme%C3%9Fger%C3%A4t 50%25%0D%0Ax-evil: 1");
    assert.equal(metadata["kafka-header-raw"], "0xff00fe");
    assert.equal(metadata["kafka-header-none"], "");
    assert.equal(metadata["kafka-headers-dropped"], "1");
    assert.equal(metadata["kafka-header-long"], undefined);
    assert.equal(accepted(judge(messageOf(photo, { timestampMs: 9e15 }), rules)).metadata["kafka-timestamp"], "9000000000000000");
  });

  it("for anything that a producer may send: the same verdict twice, a name that a bucket takes, metadata in bounds", () => {
    const bytes = fc.uint8Array({ maxLength: 300 });
    const headers = fc.array(
      fc.tuple(fc.oneof(fc.constant("image-name"), fc.string({ unit: "binary" })), fc.oneof(bytes, fc.string({ unit: "binary" }))),
    );
    fc.assert(
      fc.property(headers, fc.option(bytes, { nil: undefined }), fc.option(bytes, { nil: undefined }), (given, key, value) => {
        const body = value === undefined ? undefined : Buffer.concat([photo, value]);
        const message = messageOf(body, { key, headers: given.map(([name, text]) => header(name, text)) });
        const verdict = judge(message, rules);
        assert.deepEqual(judge(message, rules), verdict);
        if ("reason" in verdict) return;
        assert.equal(nameProblem(verdict.name), undefined);
        assert.ok(
          verdict.name.split("/").every((segment) => !["", ".", ".."].includes(segment)),
          verdict.name,
        );
        const pairs = Object.entries(verdict.metadata);
        assert.ok(pairs.flat().every((text) => /^[\x20-\x7e]*$/.test(text)));
        assert.ok(pairs.flat().join("").length < 6000);
      }),
    );
  });
});
