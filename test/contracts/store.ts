import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { compareNames } from "../../core/names.ts";
import { crc32cBase64 } from "../../storage/checksum.ts";
import { memoryStore } from "../../storage/memory.ts";
import { isStoreError, type ListOptions, type ObjectStore, type StoreErrorCode } from "../../storage/store.ts";

export interface StoreMade {
  store: ObjectStore;
  /** A second store of the same kind, for copies between the two. */
  other: ObjectStore;
  dispose: () => Promise<void>;
}

export interface StoreContractOptions {
  /** Names with CR and LF are taken. */
  lineBreaks: boolean;
  /** The names `.` and `..` are taken, which Cloud Storage refuses. Default: true. */
  dotNames?: boolean;
  /** What a prefix leaves of the 1,024 bytes. */
  maxNameBytes?: number;
  /** Objects for the test of pages: more than two pages of them. */
  manyObjects?: number;
  /** Racing writers that replace one generation: a service may not tell them apart. Default: true. */
  replacesExactly?: boolean;
}

const text = (value: string): Uint8Array => Buffer.from(value);
const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

export async function listAll(store: ObjectStore, options: ListOptions = {}): Promise<{ names: string[]; prefixes: string[] }> {
  const names: string[] = [];
  const prefixes: string[] = [];
  for await (const page of store.list(options)) {
    names.push(...page.objects.map(({ name }) => name));
    prefixes.push(...page.prefixes);
  }
  return { names, prefixes };
}

async function fails(act: Promise<unknown>, code: StoreErrorCode): Promise<void> {
  await assert.rejects(act, (error) => isStoreError(error, code) || assert.fail(`expected ${code}, not ${String(error)}`));
}

/** How many of the racing calls succeed; all others must fail with PRECONDITION_FAILED. */
async function winners<T>(racing: Promise<T>[]): Promise<T[]> {
  const settled = await Promise.allSettled(racing);
  for (const one of settled) if (one.status === "rejected" && !isStoreError(one.reason, "PRECONDITION_FAILED")) throw one.reason;
  return settled.filter((one) => one.status === "fulfilled").map(({ value }) => value);
}

const awkwardNames = [
  "a",
  "a/b",
  "a/",
  "a//b",
  "a/b/c",
  "../x",
  "./a",
  "/abs",
  "x/../y",
  "x/./y",
  "nul\0byte",
  "space and 'quotes' \"double\"",
  "%2Fpercent%",
  "~%marker",
  "~%FF",
  ".imagemill/names/x",
  ".imagemill",
  ".imagemill-x/y",
  "dir/.imagemill/z",
  "\u00e9.jpg",
  "e\u0301.jpg",
  "emoji 😀/👩‍👩‍👧.png",
  "\uffff",
  "\u{10ffff}",
  "tab\tbell\u0007",
  "back\\slash",
  `long/${"s".repeat(256)}/segment`,
  `wide/${"é".repeat(200)}`,
  "n".repeat(1024),
  `${"😀".repeat(255)}/é`,
  `${"d/".repeat(511)}dd`,
];

/** Every sentence of the contract in storage/store.ts, as a test. */
export function storeContract(title: string, makeStore: () => Promise<StoreMade>, options: StoreContractOptions): void {
  describe(`${title} keeps the contract of an object store`, () => {
    let made: StoreMade;
    let store: ObjectStore;
    beforeEach(async () => {
      made = await makeStore();
      store = made.store;
    });
    afterEach(async () => made.dispose());

    describeNames(() => store, options);
    describeReads(() => store);
    describeWrites(() => store, options);
    describeLists(() => store, options);
    describeCopies(() => made);
    describeDeletes(() => store);
    describeAborts(() => store);
  });
}

type Get<T> = () => T;

function describeNames(get: Get<ObjectStore>, { lineBreaks, dotNames = true, maxNameBytes = 1024 }: StoreContractOptions): void {
  const fitting = awkwardNames.filter((name) => Buffer.byteLength(name) <= maxNameBytes);
  const table = [...fitting, ...(dotNames ? [".", ".."] : []), ...(lineBreaks ? ["line\nbreak", "carriage\rreturn/x"] : [])];

  it("keeps awkward names apart, beside one another", async () => {
    for (const name of table) await get().write(name, text(name), { ifGeneration: "0" });
    for (const name of table) {
      await fails(get().write(name, text("again"), { ifGeneration: "0" }), "PRECONDITION_FAILED");
      assert.equal(textOf((await get().read(name)).bytes), name);
      assert.equal((await get().stat(name))?.sizeBytes, Buffer.byteLength(name));
    }
    assert.deepEqual((await listAll(get())).names, table.toSorted(compareNames));
    for (const name of table) assert.equal(await get().delete(name), true, name);
    assert.deepEqual((await listAll(get())).names, []);
  });

  it("keeps awkward names apart in the other order, too", async () => {
    for (const name of table.toReversed()) await get().write(name, text(name), { ifGeneration: "0" });
    for (const name of table) assert.equal(textOf((await get().read(name)).bytes), name);
    assert.deepEqual((await listAll(get())).names, table.toSorted(compareNames));
  });

  it("gives each name its own uri below the store's url", () => {
    const uris = table.map((name) => get().uri(name));
    assert.equal(new Set(uris).size, table.length);
    for (const uri of uris) assert.ok(uri.startsWith(`${get().url}/`), uri);
  });

  const refused = ["", "x".repeat(1025), "é".repeat(513), "half \ud83d pair", ...(lineBreaks ? [] : ["line\nbreak", "carriage\rreturn"])];
  for (const name of refused) {
    it(`refuses the name ${JSON.stringify(name.slice(0, 20))}`, async () => fails(get().write(name, text("x")), "STORE_FAILED"));
  }
}

function describeReads(get: Get<ObjectStore>): void {
  it("reads what was written, with length and crc32c", async () => {
    for (const sizeBytes of [0, 1, 10_000, 300_000]) {
      const bytes = randomBytes(sizeBytes);
      const written = await get().write(`of/${sizeBytes}`, bytes);
      const { info, bytes: read } = await get().read(`of/${sizeBytes}`);
      assert.deepEqual(Buffer.from(read), bytes);
      assert.deepEqual([info.name, info.sizeBytes, info.crc32c], [`of/${sizeBytes}`, sizeBytes, crc32cBase64(bytes)]);
      assert.deepEqual([written.generation, written.crc32c, written.sizeBytes], [info.generation, info.crc32c, info.sizeBytes]);
      assert.equal((await get().stat(`of/${sizeBytes}`))?.generation, info.generation);
    }
  });

  it("reads and writes objects of many megabytes", async () => {
    const bytes = randomBytes(20 << 20);
    await get().write("large", bytes);
    assert.equal(Buffer.compare((await get().read("large")).bytes, bytes), 0);
  });

  it("gives bytes whose memory is theirs alone", async () => {
    const written = Buffer.from("as written");
    await get().write("own", written);
    written.fill("x");
    const first = (await get().read("own")).bytes;
    assert.equal(first.buffer.byteLength, first.byteLength);
    structuredClone(first, { transfer: [first.buffer as ArrayBuffer] });
    assert.equal(textOf((await get().read("own")).bytes), "as written");
  });

  it("reads ranges", async () => {
    await get().write("range", text("0123456789"));
    const read = async (start: number, end?: number): Promise<string> =>
      textOf((await get().read("range", { range: end === undefined ? { start } : { start, end } })).bytes);
    assert.equal(await read(0, 4), "0123");
    assert.equal(await read(4, 6), "45");
    assert.equal(await read(7), "789");
    assert.equal(await read(8, 100), "89");
    assert.equal(await read(3, 3), "");
    assert.equal(await read(10), "");
    assert.equal(await read(50, 60), "");
  });

  it("reads a pinned generation or fails", async () => {
    const { generation } = await get().write("pinned", text("one"));
    assert.equal(textOf((await get().read("pinned", { generation })).bytes), "one");
    await get().write("pinned", text("two"));
    await fails(get().read("pinned", { generation }), "NOT_FOUND");
    await fails(get().read("pinned", { generation, range: { start: 0, end: 1 } }), "NOT_FOUND");
  });

  it("says that an object is not there", async () => {
    await fails(get().read("absent"), "NOT_FOUND");
    await fails(get().read("absent/below"), "NOT_FOUND");
    assert.equal(await get().stat("absent"), undefined);
  });

  it("refuses an object that is too large before reading it", async () => {
    await get().write("ten", text("0123456789"));
    await fails(get().read("ten", { maxBytes: 9 }), "OBJECT_TOO_LARGE");
    assert.equal((await get().read("ten", { maxBytes: 10 })).bytes.length, 10);
  });
}

function describeWrites(get: Get<ObjectStore>, { replacesExactly = true }: StoreContractOptions): void {
  for (const name of ["race", "race/deep/er", "../race", "race/"]) {
    it(`lets one of sixteen racing creators of "${name}" win`, async () => {
      const contents = Array.from({ length: 16 }, (_, index) => `writer ${index} `.repeat(50));
      const won = await winners(
        contents.map(async (content) => ({ content, info: await get().write(name, text(content), { ifGeneration: "0" }) })),
      );
      assert.equal(won.length, 1);
      const { info, bytes } = await get().read(name);
      assert.equal(textOf(bytes), won[0]!.content);
      assert.equal(info.generation, won[0]!.info.generation);
      assert.deepEqual((await listAll(get())).names, [name]);
    });
  }

  it("creates a and a/b at the same time, again and again", async () => {
    for (let round = 0; round < 20; round++) {
      const both = [`r${round}/a`, `r${round}/a/b`];
      await Promise.all(both.map(async (name) => get().write(name, text(name), { ifGeneration: "0" })));
      for (const name of both) assert.equal(textOf((await get().read(name)).bytes), name);
    }
  });

  it("replaces exactly the generation that was asked for", async () => {
    const first = await get().write("x", text("one"));
    const second = await get().write("x", text("two"), { ifGeneration: first.generation });
    assert.notEqual(second.generation, first.generation);
    await fails(get().write("x", text("three"), { ifGeneration: first.generation }), "PRECONDITION_FAILED");
    await fails(get().write("absent", text("x"), { ifGeneration: first.generation }), "PRECONDITION_FAILED");
    assert.equal(textOf((await get().read("x")).bytes), "two");
    assert.equal(await get().stat("absent"), undefined);
  });

  if (replacesExactly) {
    it("lets one of sixteen racing writers replace a generation", async () => {
      const { generation } = await get().write("x", text("first"));
      const racing = Array.from({ length: 16 }, async (_, index) =>
        get().write("x", text(`writer ${index}`), { ifGeneration: generation }),
      );
      assert.equal((await winners(racing)).length, 1);
    });
  }

  it("changes the generation with each replacement, even to the same bytes", async () => {
    const seen = new Set<string>();
    for (let round = 0; round < 100; round++) seen.add((await get().write("x", text("same"))).generation);
    assert.equal(seen.size, 100);
    for (const generation of seen) assert.match(generation, /^[1-9]\d*$/);
  });

  it("shows readers whole objects while writers replace them", async () => {
    const contents = ["a", "b", "c"].map((letter) => letter.repeat(50_000));
    await get().write("x", text(contents[0]!));
    const writers = contents.map(async (content) => {
      for (let round = 0; round < 10; round++) await get().write("x", text(content));
    });
    const readers = Array.from({ length: 4 }, async () => {
      for (let round = 0; round < 10; round++) assert.ok(contents.includes(textOf((await get().read("x")).bytes)));
    });
    await Promise.all([...writers, ...readers]);
  });

  it("writes durably", async () => {
    await get().write("durable/x", text("x"), { durable: true, ifGeneration: "0" });
    await get().write("durable/x", text("y"), { durable: true });
    assert.equal(textOf((await get().read("durable/x")).bytes), "y");
  });

  it("keeps content type and metadata, if it says so", async () => {
    await get().write("x", text("x"), { contentType: "image/png", metadata: { one: "1" } });
    const info = await get().stat("x");
    if (!get().capabilities.keepsMetadata) return;
    assert.equal(info?.contentType, "image/png");
    assert.equal(info.metadata?.["one"], "1");
  });
}

const listedNames = ["a", "a.jpg", "a/b", "a/c/d", "a/c/e", "a0", "b/", "b/x", "c/d/e/f", "é/x", "z", "\u{1f600}/y", "\uffff"];

function expected(all: string[], { prefix = "", startOffset, endOffset, delimiter }: ListOptions): { names: string[]; prefixes: string[] } {
  const chosen = all
    .toSorted(compareNames)
    .filter((name) => name.startsWith(prefix))
    .filter((name) => startOffset === undefined || compareNames(name, startOffset) >= 0)
    .filter((name) => endOffset === undefined || compareNames(name, endOffset) < 0);
  if (delimiter === undefined) return { names: chosen, prefixes: [] };
  const cut = (name: string): number => name.indexOf("/", prefix.length) + 1;
  return {
    names: chosen.filter((name) => cut(name) === 0),
    prefixes: [...new Set(chosen.filter((name) => cut(name) > 0).map((name) => name.slice(0, cut(name))))],
  };
}

function describeLists(get: Get<ObjectStore>, { manyObjects = 2500 }: StoreContractOptions): void {
  it("lists ranges, prefixes and folders as the names alone would have it", async () => {
    for (const name of listedNames) await get().write(name, text(name));
    const bound = fc.option(fc.constantFrom(...listedNames, "a/", "a/c", "a/c/", "b", "c/d/", "e\u0301", "~", "zz", "../"), {
      nil: undefined,
    });
    const query = fc.oneof(
      fc.record({ prefix: bound, startOffset: bound, endOffset: bound }),
      fc.record({ prefix: bound, delimiter: fc.constant("/" as const) }),
    );
    await fc.assert(
      fc.asyncProperty(query, async (drawn) => {
        const asked = Object.fromEntries(Object.entries(drawn).filter(([, value]) => value !== undefined)) as ListOptions;
        assert.deepEqual(await listAll(get(), asked), expected(listedNames, asked));
      }),
      { numRuns: 150 },
    );
  });

  it("lists size, generation and, if it says so, crc32c", async () => {
    const written = await get().write("x", text("0123456789"), { contentType: "image/png" });
    for await (const page of get().list()) {
      const [info] = page.objects;
      assert.deepEqual([info?.name, info?.sizeBytes, info?.generation], ["x", 10, written.generation]);
      assert.match(info!.createdAt!, /^\d{4}-\d{2}-\d{2}T[\d:.]+Z$/);
      assert.ok(Math.abs(Date.parse(info!.createdAt!) - Date.now()) < 120_000);
      assert.equal(info?.crc32c, get().capabilities.listsCrc32c ? written.crc32c : undefined);
    }
  });

  it("lists many objects in pages, each once, while others come and go", async () => {
    const all = Array.from({ length: manyObjects }, (_, index) => `many/${index % 7}/${String(index).padStart(6, "0")}`);
    await inGroups(all, async (name) => get().write(name, text("x"), { ifGeneration: "0" }));
    const found: string[] = [];
    let pages = 0;
    for await (const page of get().list({ prefix: "many/" })) {
      pages += 1;
      found.push(...page.objects.map(({ name }) => name));
      await get().write(`many/3/passing-${pages}`, text("x"));
      await get().delete(`many/3/passing-${pages - 1}`);
    }
    assert.deepEqual(
      found.filter((name) => !name.includes("passing")),
      all.toSorted(compareNames),
    );
    assert.ok(pages >= 2, `${pages} pages`);
    assert.equal(new Set(found).size, found.length);
  });

  it("ends when the reader of the pages stops", async () => {
    for (const name of listedNames) await get().write(name, text(name));
    for await (const page of get().list()) {
      assert.ok(page.objects.length > 0);
      break;
    }
  });
}

async function inGroups<T>(items: T[], act: (item: T) => Promise<unknown>): Promise<void> {
  for (let start = 0; start < items.length; start += 32) await Promise.all(items.slice(start, start + 32).map(act));
}

function describeCopies(get: Get<StoreMade>): void {
  const kinds: [string, (made: StoreMade) => [ObjectStore, ObjectStore]][] = [
    ["within itself", ({ store }) => [store, store]],
    ["to another of its kind", ({ store, other }) => [store, other]],
    ["from another kind", ({ store }) => [memoryStore(), store]],
    ["to another kind", ({ store }) => [store, memoryStore()]],
  ];
  for (const [title, choose] of kinds) {
    it(`copies ${title}`, async () => {
      const [from, to] = choose(get());
      const bytes = randomBytes(100_000);
      const source = await from.write("../from", bytes, { contentType: "image/jpeg", metadata: { kept: "yes" } });
      const at = { store: from, name: "../from", generation: source.generation };
      for (const [name, more] of [
        ["to/plain", {}],
        ["to/with bytes", { bytes }],
      ] as const) {
        const copied = await to.copy({ ...at, ...more }, name, { ifGeneration: "0" });
        const { info, bytes: read } = await to.read(name);
        assert.equal(Buffer.compare(read, bytes), 0);
        assert.deepEqual([copied.name, copied.generation, copied.sizeBytes], [name, info.generation, bytes.length]);
        assert.ok(copied.crc32c === undefined || copied.crc32c === source.crc32c);
        await fails(to.copy({ ...at, ...more }, name, { ifGeneration: "0" }), "PRECONDITION_FAILED");
        if (!from.capabilities.keepsMetadata || !to.capabilities.keepsMetadata) continue;
        const stat = await to.stat(name);
        assert.equal(stat?.contentType, "image/jpeg");
        assert.equal(stat.metadata?.["kept"], "yes");
      }
    });

    it(`copies a pinned generation or fails, ${title}`, async () => {
      const [from, to] = choose(get());
      const { generation } = await from.write("from", text("one"));
      await from.write("from", text("two"));
      await fails(to.copy({ store: from, name: "from", generation }, "to"), "NOT_FOUND");
      await fails(to.copy({ store: from, name: "absent", generation }, "to"), "NOT_FOUND");
      assert.equal(await to.stat("to"), undefined);
    });
  }

  it("lets one of sixteen racing copies create the object", async () => {
    const { store } = get();
    const { generation } = await store.write("from", text("content"));
    const racing = Array.from({ length: 16 }, async () => store.copy({ store, name: "from", generation }, "to", { ifGeneration: "0" }));
    assert.equal((await winners(racing)).length, 1);
  });
}

function describeDeletes(get: Get<ObjectStore>): void {
  it("deletes, and says when there was nothing", async () => {
    await get().write("x/y", text("x"));
    assert.equal(await get().delete("x/y"), true);
    assert.equal(await get().delete("x/y"), false);
    assert.equal(await get().stat("x/y"), undefined);
    assert.deepEqual(await listAll(get()), { names: [], prefixes: [] });
  });

  it("deletes exactly the generation that was asked for", async () => {
    const first = await get().write("x", text("one"));
    const second = await get().write("x", text("two"));
    await fails(get().delete("x", { ifGeneration: first.generation }), "PRECONDITION_FAILED");
    assert.equal(textOf((await get().read("x")).bytes), "two");
    assert.equal(await get().delete("x", { ifGeneration: second.generation }), true);
    assert.equal(await get().delete("x", { ifGeneration: second.generation }), false);
  });

  it("takes a name again after its deletion", async () => {
    const first = await get().write("x/y", text("one"), { ifGeneration: "0" });
    await get().delete("x/y");
    await get().write("x", text("two"), { ifGeneration: "0" });
    const second = await get().write("x/y", text("three"), { ifGeneration: "0" });
    assert.notEqual(second.generation, first.generation);
    assert.deepEqual((await listAll(get())).names, ["x", "x/y"]);
  });
}

function describeAborts(get: Get<ObjectStore>): void {
  it("rejects every call with the reason of its signal", async () => {
    const { generation } = await get().write("x", text("x"));
    const reason = new Error("enough");
    const signal = AbortSignal.abort(reason);
    const source = { store: get(), name: "x", generation };
    const calls = [
      async () => get().stat("x", { signal }),
      async () => get().read("x", { signal }),
      async () => get().write("y", text("x"), { signal }),
      async () => get().copy(source, "y", { signal }),
      async () => get().delete("x", { signal }),
      async () => listAll(get(), { signal }),
    ];
    for (const call of calls) await assert.rejects(call(), (error) => error === reason);
    assert.deepEqual((await listAll(get())).names, ["x"]);
  });

  it("ends a listing and a large read that are under way", async () => {
    await get().write("large", randomBytes(30 << 20));
    const controller = new AbortController();
    const reason = new Error("enough");
    const reading = get().read("large", { signal: controller.signal });
    setImmediate(() => controller.abort(reason));
    // A store may have answered before.
    await reading.then(
      () => undefined,
      (error: unknown) => assert.equal(error, reason),
    );
    controller.abort(reason);
    await assert.rejects(listAll(get(), { signal: controller.signal }), (error) => error === reason);
  });
}
