import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { parquetWriteBuffer } from "hyparquet-writer";
import { seededRandom, systemClock } from "../../core/clock.ts";
import { ImagemillError } from "../../core/errors.ts";
import { silentLogger } from "../../core/log.ts";
import { openStore } from "../../storage/open.ts";
import { isStoreError, type ObjectStore } from "../../storage/store.ts";
import { parseStoreUrl } from "../../storage/url.ts";

const context = { attempts: 2, concurrency: 4, log: silentLogger, clock: systemClock, random: seededRandom(1) };

describe("a list of URIs", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "imagemill-test-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  async function open(name: string, content: string | Uint8Array): Promise<ObjectStore> {
    writeFileSync(join(folder, name), content);
    return openStore(join(folder, name), context);
  }

  async function namesOf(store: ObjectStore): Promise<string[]> {
    const names: string[] = [];
    for await (const { objects } of store.list()) names.push(...objects.map((object) => object.name));
    return names;
  }

  const uris = ["gs://bucket/a b.jpg", "file:///pictures/c%20d.png", "sub/e,f.jpg", 'quo"te.jpg'];
  const absolute = (): string[] => [
    "gs://bucket/a b.jpg",
    "file:///pictures/c%20d.png",
    ...["sub/e,f.jpg", "quo%22te.jpg"].map((path) => `${pathToFileURL(folder).href}/${path}`),
  ];
  const quoted = uris.map((uri) => `1,"${uri.replaceAll('"', '""')}"\r\n`).join("");
  const parquet = (codec: "SNAPPY" | "UNCOMPRESSED"): Uint8Array =>
    new Uint8Array(
      parquetWriteBuffer({
        columnData: [
          { name: "n", data: [1, 2, 3, 4] },
          { name: "url", data: uris, type: "STRING" },
        ],
        codec,
      }),
    );

  const files: [string, string | Uint8Array][] = [
    ["list.csv", `\ufeffid,URI\r\n${quoted}\r\n`],
    ["list.csv.gz", gzipSync(`id,path\n${quoted}`)],
    ["list.ndjson", uris.map((uri) => `${JSON.stringify({ id: 1, name: uri })}\n`).join("\n")],
    ["list.jsonl", uris.map((uri) => JSON.stringify(uri)).join("\n")],
    ["list.jsonl.gz", gzipSync(uris.map((uri) => JSON.stringify(uri)).join("\n"))],
    ["list.parquet", parquet("SNAPPY")],
    ["plain.parquet", parquet("UNCOMPRESSED")],
  ];
  for (const [name, content] of files) {
    it(`gives its URIs as names: ${name}`, async () => {
      const store = await open(name, content);
      assert.equal(store.capabilities.listsNamesOnly, true);
      assert.deepEqual(await namesOf(store), absolute());
    });
  }

  it("reads where each URI points, at its generation", async () => {
    mkdirSync(join(folder, "sub"));
    writeFileSync(join(folder, "sub", "ü %.jpg"), "pixels");
    const store = await open("list.jsonl", JSON.stringify("sub/ü %.jpg"));
    const [name] = await namesOf(store);
    const info = await store.stat(name!);
    assert.equal(info?.name, name);
    assert.equal(info?.sizeBytes, 6);
    const { bytes, info: read } = await store.read(name!, { generation: info.generation });
    assert.equal(Buffer.from(bytes).toString(), "pixels");
    assert.equal(read.name, name);
    assert.ok(read.crc32c);
    await assert.rejects(store.read(name!, { generation: "1" }), (error) => isStoreError(error, "NOT_FOUND"));
    const target = await openStore("memory://uri-list-copy", context);
    await target.copy({ store, name: name!, generation: info.generation }, "copy");
    assert.equal(Buffer.from((await target.read("copy")).bytes).toString(), "pixels");
  });

  it("says of what cannot be read why", async () => {
    const store = await open("list.jsonl", "");
    for (const name of ["https://example.org/a.jpg", "file://other-host/a.jpg", "gs://bucket"]) {
      await assert.rejects(store.stat(name), (error) => isStoreError(error, "STORE_FAILED") && error.message.includes(name));
    }
    const missing = `${pathToFileURL(folder).href}/missing.jpg`;
    assert.equal(await store.stat(missing), undefined);
    await assert.rejects(store.read(missing, { generation: "0" }), /did not exist when the run was planned/);
  });

  it("is never written to", async () => {
    const store = await open("list.jsonl", "");
    const isRefused = (error: unknown): boolean => isStoreError(error, "STORE_FAILED");
    await assert.rejects(store.write("gs://bucket/a", new Uint8Array()), isRefused);
    await assert.rejects(store.delete("gs://bucket/a"), isRefused);
    await assert.rejects(store.copy({ store, name: "x", generation: "1" }, "gs://bucket/a"), isRefused);
  });

  const bad: [string, string | Uint8Array, RegExp][] = [
    ["other.csv", "id,title\n1,x\n", /no column uri, url, path, name; it has "id", "title"/],
    ["short.csv", "uri,n\na.jpg\n", /line 2/],
    ["empty.csv", 'uri,n\na.jpg,1\n"",2\n', /line 3 has no URI/],
    ["cut.ndjson", '{"uri":"a.jpg"}\n{"uri":', /line 2/],
    ["list.ndjson", '["a.jpg"]\n', /line 1/],
    ["number.ndjson", '{"uri":7}\n', /line 1 has no URI/],
    ["text.parquet", "not parquet at all, but long enough", /parquet/i],
    ["text.csv.gz", "not gzip", /header/],
  ];
  for (const [name, content, message] of bad) {
    it(`says what is wrong with ${name}`, async () => {
      const store = await open(name, content);
      await assert.rejects(namesOf(store), (error) => {
        assert.ok(error instanceof ImagemillError);
        assert.equal(error.code, "BAD_LIST");
        assert.equal(error.exitCode, 2);
        assert.match(error.message, message);
        return error.hint !== undefined;
      });
    });
  }

  it("that does not exist is missing as any source", async () => {
    const store = await openStore(join(folder, "nothing.csv"), context);
    await assert.rejects(namesOf(store), (error) => isStoreError(error, "NOT_FOUND"));
  });

  it("is known by its ending, in a folder and in a bucket", () => {
    const kindOf = (url: string): string => parseStoreUrl(url).kind;
    assert.equal(kindOf("gs://bucket/lists/today.Parquet"), "list");
    assert.equal(kindOf("lists/today.csv.gz"), "list");
    assert.equal(kindOf("gs://bucket.csv"), "gs");
    assert.equal(kindOf("gs://bucket/csv"), "gs");
    assert.equal(kindOf("photos"), "file");
  });
});
