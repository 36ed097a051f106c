import assert from "node:assert/strict";
import fc from "fast-check";
import { seededRandom, type Random } from "../../core/clock.ts";
import { compareNames } from "../../core/names.ts";
import { memoryStore } from "../../storage/memory.ts";
import type { ListPage, ObjectInfo, ObjectStore } from "../../storage/store.ts";
import { assertOrder, listSource } from "../../partitioner/list.ts";
import { listRanges } from "../../partitioner/parallel-list.ts";
import { createAlphabet, cutBeyond, cutsAfter } from "../../partitioner/split.ts";
import { openSpool, type Spool, type SpoolFile } from "../../partitioner/spool.ts";
import { batchesOf, collect } from "./streams.ts";

const neverAborted = new AbortController().signal;

/** A bucket of names only, whose pages come when `arrive` says so. */
function bucketOf(names: string[], pageSize: number, arrive: () => Promise<void>): ObjectStore & { pages: () => number } {
  const sorted = names.toSorted(compareNames);
  let pages = 0;
  async function* list({ startOffset = "", endOffset, signal }: Parameters<ObjectStore["list"]>[0] = {}): AsyncGenerator<ListPage> {
    const own = sorted.slice(placeOf(sorted, startOffset), endOffset === undefined ? undefined : placeOf(sorted, endOffset));
    for (let start = 0; start === 0 || start < own.length; start += pageSize) {
      pages++;
      await arrive();
      signal?.throwIfAborted();
      yield {
        objects: own.slice(start, start + pageSize).map((name): ObjectInfo => ({ name, generation: "1", sizeBytes: 1 })),
        prefixes: [],
      };
    }
  }
  const store = memoryStore({ capabilities: { parallelList: true } });
  return { ...store, list, pages: () => pages };
}

/** Of the first name that is not before `name`. */
function placeOf(sorted: string[], name: string): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareNames(sorted[middle]!, name) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Each page takes its random number of turns. */
function randomArrival(random: Random): () => Promise<void> {
  return async () => {
    for (let turns = Math.floor(random.next() * 12); turns > 0; turns--) await Promise.resolve();
  };
}

/** All requests in flight take one tick: the number of ticks is how long a real bucket would take. */
function tickingArrival(): { arrive: () => Promise<void>; ticks: () => number } {
  let ticks = 0;
  let current: Promise<void> | undefined;
  const arrive = async (): Promise<void> => {
    current ??= new Promise((resolve) =>
      setImmediate(() => {
        current = undefined;
        ticks++;
        resolve();
      }),
    );
    return current;
  };
  return { arrive, ticks: () => ticks };
}

/** A disk would take ticks of its own. */
function memorySpool(): Spool {
  const file = (): SpoolFile => {
    const lines: string[] = [];
    return { append: (line) => void lines.push(line), read: () => batchesOf(lines, 1_000) };
  };
  return { file, [Symbol.asyncDispose]: async () => undefined };
}

async function listAll(
  source: ObjectStore,
  spool: Spool,
  lanes: number,
  crossoverPages: number,
): Promise<{ names: string[]; seen: number }> {
  let seen = 0;
  const options = { signal: neverAborted, spool, take: (object: ObjectInfo) => object, lanes, crossoverPages };
  const objects = await collect(listRanges(source, { ...options, onPage: (page) => (seen += page.length) }));
  return { names: objects.map(({ name }) => name), seen };
}

const layouts: Record<string, (index: number) => string> = {
  numbers: (index) => `img_${String(index).padStart(9, "0")}.jpg`,
  dates: (index) => `uploads/2026/11/${String((index % 28) + 1).padStart(2, "0")}/cam-${index % 13}/${index}.jpg`,
  hashes: (index) => `${(Math.imul(index + 1, 0x9e3779b1) >>> 0).toString(16).padStart(8, "0")}${index}`,
  "one deep folder": (index) => `very/deep/folder/with/a/long/name/that/all/share/${index}`,
  unicode: (index) => `фото/${String.fromCodePoint(0x1f600 + (index % 40))}/${index}`,
};

describe("listing in parallel", () => {
  let spool: Spool;
  beforeEach(async () => {
    spool = await openSpool(neverAborted);
  });
  afterEach(async () => spool[Symbol.asyncDispose]());

  it("gives every name once, in order, whatever the names, the pages and who comes first", async () => {
    const name = fc.oneof(
      fc.string({ unit: "grapheme", minLength: 1, maxLength: 4 }),
      fc.string({ unit: fc.constantFrom("a", "b", "/", "\u{d7ff}", "\u{10ffff}", "\0"), minLength: 1, maxLength: 6 }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(name, { maxLength: 150 }),
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 0, max: 3 }),
        fc.nat(),
        async (names, pageSize, lanes, crossoverPages, seed) => {
          const source = bucketOf(names, pageSize, randomArrival(seededRandom(seed)));
          const { names: listed, seen } = await listAll(source, spool, lanes, crossoverPages);
          assert.deepEqual(listed, names.toSorted(compareNames));
          assert.equal(seen, names.length);
        },
      ),
      { numRuns: 300 },
    );
  });

  for (const [layout, nameAt] of Object.entries(layouts)) {
    it(`is at least four times as fast with eight lanes as with one, for few more requests: ${layout}`, async () => {
      const names = Array.from({ length: 30_000 }, (_, index) => nameAt(index));
      const { arrive, ticks } = tickingArrival();
      const source = bucketOf(names, 50, arrive);
      const { names: listed } = await listAll(source, memorySpool(), 8, 16);
      assert.equal(listed.length, names.length);
      const note = `${ticks()} ticks, ${source.pages()} requests for 600 pages`;
      assert.ok(ticks() <= 150, note);
      assert.ok(source.pages() <= 900, note);
    });
  }

  it("does not divide a short listing", async () => {
    const source = bucketOf(
      Array.from({ length: 1_500 }, (_, index) => `${index}`),
      100,
      async () => undefined,
    );
    await listAll(source, spool, 8, 16);
    assert.equal(source.pages(), 15);
  });

  it("fails as a whole when one range fails", async () => {
    let calls = 0;
    const source = bucketOf(
      Array.from({ length: 3_000 }, (_, index) => layouts["hashes"]!(index)),
      10,
      async () => {
        await Promise.resolve();
        if (++calls === 80) throw new Error("lost");
      },
    );
    await assert.rejects(listAll(source, spool, 4, 2), /lost/);
  });

  it("stops asking when it is told to, or when nobody reads any more", async () => {
    for (const isAbort of [true, false]) {
      const controller = new AbortController();
      const names = Array.from({ length: 20_000 }, (_, index) => layouts["hashes"]!(index));
      const source = bucketOf(names, 10, async () => new Promise((resolve) => setImmediate(resolve)));
      const options = { signal: controller.signal, spool, take: (object: ObjectInfo) => object, onPage: () => undefined };
      const listing = listRanges(source, { ...options, lanes: 4, crossoverPages: 2 });
      const read = async (): Promise<void> => {
        let pages = 0;
        for await (const page of listing) {
          if (page.length === 0 || ++pages < 30) continue;
          if (!isAbort) break;
          controller.abort(new Error("enough"));
        }
      };
      if (isAbort) await assert.rejects(read(), /enough/);
      else await read();
      const asked = source.pages();
      await new Promise((resolve) => setImmediate(resolve));
      assert.equal(source.pages(), asked);
      assert.ok(asked < 1_000, String(asked));
    }
  });

  it("is used where the store says that it helps, and not for the first few", async () => {
    const names = Array.from({ length: 3_000 }, (_, index) => layouts["hashes"]!(index));
    const starts: (string | undefined)[] = [];
    const bucket = bucketOf(names, 100, async () => Promise.resolve());
    const watched: ObjectStore = {
      ...bucket,
      list: (options = {}) => {
        starts.push(options.startOffset);
        return bucket.list(options);
      },
    };
    const options = { signal: neverAborted, spool, take: ({ name }: ObjectInfo) => (name.endsWith("7") ? name : undefined) };
    const expected = names.toSorted(compareNames).filter((name) => name.endsWith("7"));
    assert.deepEqual(await collect(listSource(watched, options)), expected);
    assert.ok(starts.length > 1);
    for (const alone of [{ isCut: true }, { source: { ...watched, capabilities: { ...watched.capabilities, parallelList: false } } }]) {
      starts.length = 0;
      const source = "source" in alone ? alone.source : watched;
      assert.deepEqual(await collect(listSource(source, { ...options, ...alone })), expected);
      assert.deepEqual(starts, [undefined]);
    }
  });
});

describe("cutting a range", () => {
  it("offers names behind the cursor, nearest first, that leave nothing out between them", () => {
    assert.deepEqual(cutsAfter("ab/c", undefined), ["ab/d", "ab0", "ac", "b"]);
    assert.deepEqual(cutsAfter("ab/c", "ab1"), ["ab/d", "ab0"]);
    assert.deepEqual(cutsAfter("\u{10ffff}\ud7ff", undefined), ["\u{10ffff}\ue000"]);
  });

  it("goes on in the middle of what may follow", () => {
    const alphabet = createAlphabet();
    alphabet.add("0123456789");
    assert.equal(cutBeyond("img_1", undefined, alphabet), "img_6");
    assert.equal(cutBeyond("img_1", "img_6", alphabet), "img_4");
    assert.equal(cutBeyond("img_1", "img_2", alphabet), undefined);
    assert.equal(cutBeyond("img_9", undefined, alphabet), undefined);
    assert.equal(cutBeyond("\u{1f600}", undefined, alphabet), "\u{1f640}");
    assert.equal(cutBeyond("\u{1f600}", "\u{1f601}", alphabet), undefined);
    assert.equal(cutBeyond("\ud7f0", undefined, alphabet), undefined);
  });
});

describe("the order of a listing", () => {
  const named = (names: string[]): AsyncIterable<{ name: string }[]> =>
    batchesOf(
      names.map((name) => ({ name })),
      2,
    );

  it("is checked, since planning relies on it", async () => {
    await collect(assertOrder(named(["a", "a/b", "b", "ｚ", "😀"])));
    await assert.rejects(collect(assertOrder(named(["a", "c", "b"]))), /"c" before "b"/);
    await assert.rejects(collect(assertOrder(named(["a", "b", "b"]))), /"b" twice/);
  });
});
