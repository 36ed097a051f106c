import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { seededRandom, systemClock, systemRandom } from "../../core/clock.ts";
import { codeOf, messageOf } from "../../core/errors.ts";
import { silentLogger } from "../../core/log.ts";
import { fileStore } from "../../storage/file.ts";
import { openWarehouse } from "../../warehouse/open.ts";
import type { LoadRequest, LoadResult, Warehouse } from "../../warehouse/warehouse.ts";
import { imageRow, loadRequest, runId, writeRows } from "./rows.ts";

describe("duckdb warehouse between processes", () => {
  let folder: string;
  let url: string;
  let warehouse: Warehouse;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "imagemill-warehouse-"));
    url = `duckdb://${join(folder, "w.duckdb")}`;
    warehouse = await open(5000);
    await warehouse.ensure();
  });
  afterEach(() => rm(folder, { recursive: true }));

  const open = (lockTimeoutMs: number): Promise<Warehouse> =>
    openWarehouse(url, { log: silentLogger, clock: systemClock, random: systemRandom, lockTimeoutMs });

  const manyRows = async (files: number, rowsPerFile: number): Promise<LoadRequest> => {
    const store = fileStore(join(folder, "control"));
    const written = [];
    for (let file = 0; file < files; file++) {
      const rows = Array.from({ length: rowsPerFile }, (_, index) => imageRow({ name: `${file}/${index}` }));
      written.push(await writeRows(store, `${file}.ndjson.gz`, rows));
    }
    return loadRequest(store, written, files * rowsPerFile);
  };

  const startLoader = (request: LoadRequest): ChildProcess => {
    const { store: _store, ...plain } = request;
    const script = fileURLToPath(new URL("loader.ts", import.meta.url));
    return spawn(process.execPath, [script, url, join(folder, "control"), JSON.stringify(plain)], { stdio: ["ignore", "pipe", "inherit"] });
  };

  const outputOf = async (child: ChildProcess): Promise<string> => {
    let text = "";
    child.stdout?.on("data", (data: Buffer) => {
      text += data.toString();
    });
    await once(child, "close");
    return text;
  };

  it("racing processes load once", async () => {
    const request = await manyRows(4, 500);
    const outputs = await Promise.all([startLoader(request), startLoader(request), startLoader(request)].map(outputOf));
    const results = outputs.map((output) => JSON.parse(output.split("\n")[1] ?? "") as LoadResult);
    assert.equal(results.filter((result) => !result.adopted).length, 1);
    assert.equal(await warehouse.countRows(runId, "2026-11-23"), 2000);
  });

  it("a process that is killed at any time leaves 0 or N rows, and the next one finishes", async () => {
    const request = await manyRows(8, 500);
    for (let seed = 1; seed <= 5; seed++) {
      const child = startLoader(request);
      const ended = once(child, "close");
      await once(child.stdout!, "data");
      await delay(seededRandom(seed).next() * 250);
      child.kill("SIGKILL");
      await ended;
      const rows = await warehouse.countRows(runId, "2026-11-23");
      assert.ok(rows === 0 || rows === 4000, `seed ${seed}: ${rows} rows`);
    }
    await warehouse.load(request);
    assert.equal(await warehouse.countRows(runId, "2026-11-23"), 4000);
  });

  it("gives up on a locked database in time, naming who has it", async () => {
    const holder = spawn(
      process.execPath,
      [
        "-e",
        'const { DuckDBInstance } = require("@duckdb/node-api"); DuckDBInstance.create(process.argv[1]).then((i) => { console.log("open"); setInterval(() => i, 1e6); });',
        join(folder, "w.duckdb"),
      ],
      { stdio: ["ignore", "pipe", "inherit"], cwd: fileURLToPath(new URL("../..", import.meta.url)) },
    );
    try {
      await once(holder.stdout, "data");
      const startedMs = performance.now();
      await assert.rejects(
        (await open(200)).query("SELECT 1 AS one"),
        (error) => codeOf(error) === "WAREHOUSE_BUSY" && messageOf(error).includes(`PID ${holder.pid}`),
      );
      assert.ok(performance.now() - startedMs < 2000);
      // Ten seconds of this clock are one.
      const clock = { ...systemClock, monotonicMs: () => 10 * systemClock.monotonicMs() };
      const told: string[] = [];
      const onWait = (text: string): void => void told.push(text);
      const patient = await openWarehouse(url, { log: silentLogger, clock, random: systemRandom, lockTimeoutMs: 5000, onWait });
      await assert.rejects(patient.query("SELECT 1 AS one"), (error) => codeOf(error) === "WAREHOUSE_BUSY");
      assert.equal(told.length, 1, "after two seconds, and once");
      assert.match(told[0]!, new RegExp(`^waiting for .*w\\.duckdb, which .*PID ${holder.pid}.* has open, at most 5 s$`));
      const waiting = warehouse.query("SELECT 1 AS one");
      holder.kill("SIGKILL");
      assert.deepEqual(await waiting, [{ one: 1 }]);
    } finally {
      holder.kill("SIGKILL");
    }
  });

  it("stops waiting for the lock, and stops a query, when it is aborted", async () => {
    await assert.rejects(
      warehouse.query("SELECT COUNT(*) AS n FROM range(1000000000000)", {}, AbortSignal.timeout(100)),
      (error) => error instanceof DOMException && error.name === "TimeoutError",
    );
    assert.deepEqual(await warehouse.query("SELECT 1 AS one"), [{ one: 1 }]);
  });

  it("changes no file where nothing is to do", async () => {
    const request = await manyRows(1, 10);
    await warehouse.load(request);
    const look = async (): Promise<unknown> => [await readdir(folder), (await stat(join(folder, "w.duckdb"), { bigint: true })).mtimeNs];
    const before = await look();
    await warehouse.ensure();
    await warehouse.difference();
    await warehouse.load(request);
    await warehouse.query("SELECT * FROM image_latest");
    assert.deepEqual(await look(), before);
  });

  it("a nested column is added with the rows kept, and nothing remains in the log", async () => {
    await warehouse.load(await manyRows(1, 3));
    const { DuckDBInstance } = await import("@duckdb/node-api");
    const instance = await DuckDBInstance.create(join(folder, "w.duckdb"));
    const connection = await instance.connect();
    await connection.run("ALTER TABLE images DROP COLUMN timings.write_ms");
    connection.closeSync();
    instance.closeSync();
    const changes = await warehouse.ensure();
    assert.deepEqual(changes, [{ what: "add column images.timings.write_ms", applicable: true }]);
    assert.deepEqual(await warehouse.difference(), []);
    assert.deepEqual(await warehouse.query("SELECT timings, name FROM images ORDER BY name LIMIT 1"), [
      { timings: { ...imageRow().timings, write_ms: null }, name: "0/0" },
    ]);
    assert.deepEqual(
      (await readdir(folder)).filter((name) => name.startsWith("w.duckdb")),
      ["w.duckdb"],
    );
    await assert.rejects(
      warehouse.load(loadRequest(fileStore(join(folder, "control")), [], 1)),
      (error) => codeOf(error) === "LOAD_INCONSISTENT",
    );
  });

  it("a file that is no database is left as it is", async () => {
    const text = "not a database ".repeat(1000);
    await writeFile(join(folder, "w.duckdb"), text);
    for (const act of [() => warehouse.ensure(), () => warehouse.query("SELECT 1 AS one")]) {
      await assert.rejects(act, (error) => codeOf(error) === "WAREHOUSE_FAILED" && /not a valid DuckDB/.test(messageOf(error)));
    }
    assert.equal((await stat(join(folder, "w.duckdb"))).size, text.length);
  });
});
