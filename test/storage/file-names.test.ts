import assert from "node:assert/strict";
import fc from "fast-check";
import {
  alternatePath,
  byteText,
  diskOfSegment,
  isReserved,
  nameOfAlternate,
  nameOfByteText,
  ordinaryPath,
  segmentOfDisk,
} from "../../storage/file-names.ts";

const awkward = fc.constantFrom(
  "/",
  ".",
  "..",
  "~%",
  "%",
  "%2F",
  "+",
  "+/",
  ".imagemill",
  "\0",
  "\n",
  "é",
  "e\u0301",
  "😀",
  "a",
  "A",
  "x".repeat(120),
);
const name = fc
  .oneof(
    fc
      .array(fc.oneof(awkward, fc.string({ unit: "grapheme", maxLength: 8 })), { minLength: 1, maxLength: 9 })
      .map((parts) => parts.join("")),
    fc.string({ unit: "grapheme", minLength: 1 }),
  )
  .filter((text) => text !== "" && Buffer.byteLength(text) <= 1024);

/** What the file system would take for a segment: no slash, no NUL, 1 to 255 bytes. */
const diskSegment = fc
  .oneof(
    fc.uint8Array({ minLength: 1, maxLength: 255 }).map((bytes) => Buffer.from(bytes).toString("latin1")),
    fc.array(fc.oneof(awkward, fc.string({ maxLength: 5 })), { minLength: 1, maxLength: 6 }).map((parts) => byteText(parts.join(""))),
  )
  .map((text) => text.replaceAll(/[/\0]/g, ""))
  .filter((text) => text !== "" && text !== "." && text !== ".." && text.length <= 255 && !isReserved(text));

const pathOf = (text: string): string => ordinaryPath(text) ?? alternatePath(text);

describe("names as paths", () => {
  it("gives different names different paths, none of them outside of the root", () => {
    fc.assert(
      fc.property(name, name, (a, b) => {
        if (a !== b) assert.notEqual(pathOf(a), pathOf(b));
        assert.notEqual(alternatePath(a), ordinaryPath(b));
        for (const segment of pathOf(a).split("/")) {
          assert.ok(segment !== "" && segment !== "." && segment !== ".." && segment.length <= 255 && !segment.includes("\0"), segment);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it("finds the name of an alternate path again, and no path is a folder of another", () => {
    fc.assert(
      fc.property(name, name, (a, b) => {
        assert.equal(nameOfAlternate(alternatePath(a)), a);
        assert.ok(!alternatePath(b).startsWith(`${alternatePath(a)}/`));
      }),
      { numRuns: 2000 },
    );
  });

  it("finds every segment on disk again by the name it is listed under", () => {
    fc.assert(
      fc.property(diskSegment, diskSegment, (a, b) => {
        assert.equal(diskOfSegment(segmentOfDisk(a)), a);
        assert.equal(ordinaryPath(nameOfByteText(`${segmentOfDisk(a)}/${segmentOfDisk(b)}`)), `${a}/${b}`);
        if (a !== b) assert.notEqual(segmentOfDisk(a), segmentOfDisk(b));
      }),
      { numRuns: 3000 },
    );
  });

  it("leaves the names of a user's folder as they are", () => {
    for (const plain of [
      "photo 1.jpg",
      "2026/Ägypten/ß.png",
      "日本/写真.jpeg",
      "100%.jpg",
      "~backup",
      "a:b*c?.gif",
      "line\nbreak",
      ".hidden/x",
    ]) {
      assert.equal(ordinaryPath(plain), byteText(plain));
      assert.equal(segmentOfDisk(byteText(plain)), byteText(plain));
    }
  });

  it("ignores what it never wrote among the alternates", () => {
    for (const foreign of ["x y", "%2f", "%2", "README", "abc+/x"]) {
      const path = `.imagemill/names/${foreign}`;
      const read = nameOfAlternate(path);
      assert.ok(read === undefined || alternatePath(read) === path, foreign);
    }
  });
});
