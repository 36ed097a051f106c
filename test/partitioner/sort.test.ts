import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { ImagemillError } from "../../core/errors.ts";
import { compareNames } from "../../core/names.ts";
import { mergeSorted } from "../../partitioner/merge.ts";
import { createSorter, externalSort, sortByName } from "../../partitioner/sort.ts";
import { openSpool, type Spool } from "../../partitioner/spool.ts";
import { batchesOf, collect } from "./streams.ts";

const signal = new AbortController().signal;

/** Other processes use the temporary folder, too. */
async function inOwnTemporaryFolder(act: (folder: string) => Promise<void>): Promise<void> {
  const before = process.env.TMPDIR;
  const folder = mkdtempSync(join(tmpdir(), "imagemill-test-"));
  process.env.TMPDIR = folder;
  try {
    await act(folder);
  } finally {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
    rmSync(folder, { recursive: true });
  }
}

describe("spool", () => {
  it("gives lines back as they were, whatever the text and however long", async () => {
    const long = "é".repeat(300_000);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.string({ unit: "grapheme" }).map((text) => JSON.stringify(text))), async (lines) => {
        await using spool = await openSpool(signal);
        const file = spool.file();
        const all = [...lines, JSON.stringify(long), ...lines];
        for (const line of all) await file.append(line);
        assert.deepEqual(await collect(file.read()), all);
        assert.deepEqual(await collect(file.read()), all);
      }),
      { numRuns: 20 },
    );
  });

  it("leaves nothing behind, a reader that was abandoned included", async () => {
    await inOwnTemporaryFolder(async (folder) => {
      {
        await using spool = await openSpool(signal);
        const file = spool.file();
        for (let index = 0; index < 50_000; index++) await file.append(`line ${index}`);
        await file.read().next();
        assert.equal(readdirSync(folder).length, 1);
      }
      assert.deepEqual(readdirSync(folder), []);
    });
  });

  it("says what to do when there is no room for it", async () => {
    await inOwnTemporaryFolder(async (folder) => {
      process.env.TMPDIR = join(folder, "missing");
      const isExplained = (error: unknown): boolean =>
        error instanceof ImagemillError && error.code === "NO_TEMPORARY_SPACE" && error.hint!.includes("TMPDIR");
      await assert.rejects(openSpool(signal), isExplained);
    });
  });

  it("stops when it is told to", async () => {
    const controller = new AbortController();
    await using spool = await openSpool(controller.signal);
    const file = spool.file();
    await file.append("x");
    controller.abort(new Error("enough"));
    await assert.rejects(collect(file.read()), /enough/);
  });
});

describe("sorting a stream", () => {
  let spool: Spool;
  beforeEach(async () => {
    spool = await openSpool(signal);
  });
  afterEach(async () => spool[Symbol.asyncDispose]());

  it("orders any input by the bytes of the name, in runs of any size", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.string({ unit: "grapheme" })), fc.integer({ min: 1, max: 20 }), async (names, runItems) => {
        const sorted = externalSort(batchesOf(names, 3), {
          spool,
          runItems,
          compare: compareNames,
          encode: (name) => JSON.stringify(name),
          decode: (line) => JSON.parse(line) as string,
        });
        assert.deepEqual(await collect(sorted), names.toSorted(compareNames));
      }),
    );
  });

  it("keeps the order of equal items, also over many runs", async () => {
    const items = Array.from({ length: 500 }, (_, index) => ({ key: index % 3, index }));
    const sorted = externalSort(batchesOf(items, 7), {
      spool,
      runItems: 2,
      compare: (a, b) => a.key - b.key,
      encode: (item) => JSON.stringify(item),
      decode: (line) => JSON.parse(line) as { key: number; index: number },
    });
    assert.deepEqual(
      await collect(sorted),
      items.toSorted((a, b) => a.key - b.key || a.index - b.index),
    );
  });

  it("writes input that is in order as one run", async () => {
    let files = 0;
    const counting: Spool = {
      file: () => {
        files++;
        return spool.file();
      },
      [Symbol.asyncDispose]: async () => undefined,
    };
    const sorter = createSorter<number>({ spool: counting, runItems: 10, compare: (a, b) => a - b, encode: String, decode: Number });
    const numbers = Array.from({ length: 1_000 }, (_, index) => index);
    for (const number of numbers) await sorter.add(number);
    assert.deepEqual(await collect(sorter.sorted()), numbers);
    assert.equal(files, 1);
  });

  it("does not touch the disk for a few objects", async () => {
    const objects = [{ name: "b" }, { name: "a" }];
    const nowhere: Spool = { file: () => assert.fail("a file was opened"), [Symbol.asyncDispose]: async () => undefined };
    assert.deepEqual(await collect(sortByName(batchesOf(objects, 1), nowhere)), [{ name: "a" }, { name: "b" }]);
  });
});

describe("merging sorted streams", () => {
  it("is sorting, with equal items in the order of the streams", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(fc.nat(9))), async (lists) => {
        const streams = lists.map((list, stream) => list.toSorted((a, b) => a - b).map((value) => ({ value, stream })));
        const merged = await collect(
          mergeSorted(
            streams.map((stream) => batchesOf(stream, 2)),
            (a, b) => a.value - b.value,
          ),
        );
        assert.deepEqual(
          merged,
          streams.flat().sort((a, b) => a.value - b.value || a.stream - b.stream),
        );
      }),
    );
  });

  it("ends its streams when it is left early", async () => {
    let ended = 0;
    async function* endless(): AsyncGenerator<number[]> {
      try {
        for (;;) yield [1];
      } finally {
        ended++;
      }
    }
    for await (const batch of mergeSorted([endless(), endless()], (a, b) => a - b)) if (batch.length > 0) break;
    assert.equal(ended, 2);
  });
});
