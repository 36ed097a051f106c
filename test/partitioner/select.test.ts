import assert from "node:assert/strict";
import { ImagemillError } from "../../core/errors.ts";
import type { Selection } from "../../core/types.ts";
import { createSelector, firstOf, sourceObjectOf } from "../../partitioner/select.ts";
import { batchesOf, collect } from "./streams.ts";

const all: Selection = { include: ["**"], exclude: [], reprocess: false };

function chosen(selection: Partial<Selection>, names: string[]): string[] {
  const isSelected = createSelector({ ...all, ...selection }, "2026-11-23");
  return names.filter((name) => isSelected({ name, generation: "1", sizeBytes: 1 }));
}

describe("selecting objects", () => {
  const names = ["a.jpg", "deep/er/b.JPG", ".hidden/c.jpg", "notes.txt", "../x", "a/", ".DS_Store", "new\nline.jpg"];

  it("takes everything by default, what no glob could name included", () => {
    assert.deepEqual(chosen({}, names), names);
    assert.deepEqual(chosen({ include: [] }, names), names);
  });

  it("includes and excludes by globs, dot files as any other", () => {
    assert.deepEqual(chosen({ include: ["**/*.jpg"] }, names), ["a.jpg", ".hidden/c.jpg", "new\nline.jpg"]);
    assert.deepEqual(chosen({ include: ["*.jpg"] }, names), ["a.jpg", "new\nline.jpg"]);
    assert.deepEqual(chosen({ include: ["**/*.{jpg,JPG}"], exclude: [".hidden/**"] }, names), ["a.jpg", "deep/er/b.JPG", "new\nline.jpg"]);
    assert.ok(!chosen({ exclude: ["**/.DS_Store"] }, names).includes(".DS_Store"));
  });

  it("takes a sample that is even, stable and grows with the ratio", () => {
    const many = Array.from({ length: 10_000 }, (_, index) => `image-${index}.jpg`);
    const tenth = chosen({ sample: 0.1 }, many);
    assert.ok(tenth.length > 900 && tenth.length < 1_100, String(tenth.length));
    const fifth = new Set(chosen({ sample: 0.2 }, many));
    assert.ok(tenth.every((name) => fifth.has(name)));
    assert.deepEqual(chosen({ sample: 0.1 }, many), tenth);
    assert.deepEqual(chosen({ sample: 1 }, many), many);
  });

  it("takes what was created in a span that may name the run date", () => {
    const isSelected = createSelector(
      { ...all, createdAfter: "{run_date}T00:00:00Z", createdBefore: "2026-11-24T00:00:00Z" },
      "2026-11-23",
    );
    const created = (createdAt: string): boolean => isSelected({ name: "a", generation: "1", sizeBytes: 1, createdAt });
    assert.equal(created("2026-11-22T23:59:59.999Z"), false);
    assert.equal(created("2026-11-23T00:00:00.000Z"), true);
    assert.equal(created("2026-11-24T00:30:00+01:00"), true);
    assert.equal(created("2026-11-24T00:00:00.000Z"), false);
  });

  it("refuses what it cannot decide", () => {
    const refused = (code: string) => (error: unknown) =>
      error instanceof ImagemillError && error.code === code && error.hint !== undefined;
    assert.throws(() => createSelector({ ...all, sample: 0 }, "2026-11-23"), refused("USAGE"));
    assert.throws(() => createSelector({ ...all, createdAfter: "yesterday" }, "2026-11-23"), refused("USAGE"));
    const isSelected = createSelector({ ...all, createdAfter: "2026-11-23" }, "2026-11-23");
    assert.throws(() => isSelected({ name: "a", generation: "1", sizeBytes: 1 }), refused("NO_CREATION_TIME"));
  });

  it("takes the first N and asks for no more", async () => {
    let asked = 0;
    async function* pages(): AsyncGenerator<number[]> {
      for await (const page of batchesOf([1, 2, 3, 4, 5, 6], 2)) {
        asked++;
        yield page;
      }
    }
    assert.deepEqual(await collect(firstOf(pages(), 3)), [1, 2, 3]);
    assert.equal(asked, 2);
    assert.deepEqual(await collect(firstOf(pages(), 100)), [1, 2, 3, 4, 5, 6]);
  });
});

describe("what the manifest pins", () => {
  it("is what identifies and sizes an object, and its pixels where an uploader wrote them", () => {
    const info = {
      name: "a",
      generation: "2",
      sizeBytes: 3,
      crc32c: "AAAAAA==",
      contentType: "image/png",
      createdAt: "2026-11-23T00:00:00Z",
    };
    assert.deepEqual(sourceObjectOf({ ...info, metadata: { pixels: "400x300", other: "x" } }), {
      name: "a",
      generation: "2",
      sizeBytes: 3,
      crc32c: "AAAAAA==",
      contentType: "image/png",
      pixels: 120_000,
    });
    for (const pixels of ["0x9", "many", "1x2x3", "-1x5", "99999999x9"]) {
      assert.equal(sourceObjectOf({ ...info, metadata: { pixels } }).pixels, undefined);
    }
  });
});
