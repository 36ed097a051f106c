import assert from "node:assert/strict";
import fc from "fast-check";
import { compareNames, csvSafe, escapeName, printable } from "../../core/names.ts";

const awkward = fc.string({
  unit: fc.oneof(
    fc.constantFrom("/", ".", "..", "@", "~", "%", " ", "\n", "é", "e\u0301", "😀", "-", "a", "A", "\u0000"),
    fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
  ),
  minLength: 1,
  maxLength: 400,
});

describe("escapeName", () => {
  it("keeps ordinary names readable", () => {
    assert.equal(escapeName("2026/summer/IMG_0001.JPG"), "2026/summer/IMG_0001.JPG");
    assert.equal(escapeName("été/naïve.png"), "été/naïve.png");
  });

  it("leaves no segment that a file system treats specially", () => {
    fc.assert(
      fc.property(awkward, (name) => {
        for (const segment of escapeName(name).split("/")) {
          assert.ok(segment !== "" && segment !== "." && segment !== "..");
          assert.ok(Buffer.byteLength(segment) <= 200);
          // eslint-disable-next-line no-control-regex
          assert.doesNotMatch(segment, /[\u0000-\u001f\u007f@:*?"<>|\\ ]/);
        }
      }),
    );
  });

  it("is injective", () => {
    fc.assert(
      fc.property(awkward, awkward, (a, b) => {
        assert.equal(escapeName(a) === escapeName(b), a === b);
      }),
    );
  });

  for (const [a, b] of [
    ["a", "a/"],
    ["a/b", "a%2Fb"],
    ["../x", "%2E%2E/x"],
    ["é", "e\u0301"],
    ["a//b", "a/%/b"],
    ["x".repeat(1000), "x".repeat(999)],
    [`${"d/".repeat(500)}x`, `${"d/".repeat(500)}y`],
  ] as const) {
    it(`tells ${JSON.stringify(a.slice(0, 20))} from ${JSON.stringify(b.slice(0, 20))}`, () => {
      assert.notEqual(escapeName(a), escapeName(b));
    });
  }

  it("bounds the whole, cutting between characters", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", minLength: 300, maxLength: 900 }), (name) => {
        const escaped = escapeName(name);
        assert.ok(Buffer.byteLength(escaped) <= 700);
        assert.equal(Buffer.from(escaped).toString(), escaped);
      }),
    );
  });
});

describe("compareNames", () => {
  it("orders by UTF-8 bytes, not by UTF-16 units", () => {
    assert.equal(compareNames("\u{1F600}", "\uFF5E"), 1);
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.string({ unit: "grapheme" }), (a, b) => {
        assert.equal(Math.sign(compareNames(a, b)), Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b))));
      }),
    );
  });
});

describe("text for people", () => {
  it("makes control and bidirectional characters visible", () => {
    assert.equal(printable("a\u001b[31m\nb\u202e"), "a\\u{1b}[31m\\u{a}b\\u{202e}");
  });

  it("keeps a spreadsheet from running a name", () => {
    assert.equal(csvSafe("=cmd|'/c calc'!A1"), "'=cmd|'/c calc'!A1");
    assert.equal(csvSafe("photo.jpg"), "photo.jpg");
  });
});
