import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { codeOf, messageOf } from "../../core/errors.ts";
import type { ImageRow } from "../../core/rows.ts";
import type { ObjectStore } from "../../storage/store.ts";
import type { Warehouse } from "../../warehouse/warehouse.ts";
import { rowProblem } from "../../warehouse/rows.ts";
import { imagesTable } from "../../warehouse/tables.ts";
import { anyRow, bareRow, imageRow, loadRequest, outputRow, runId, runRow, writeBytes, writeRows } from "../warehouse/rows.ts";

export interface WarehousePlace extends AsyncDisposable {
  /** Another session on the same, at first empty, warehouse. */
  open(): Promise<Warehouse>;
  /** Where rows files are. */
  store: ObjectStore;
  /** Changes the warehouse behind our back: DDL or DML with bare table names. */
  execute(sql: string): Promise<void>;
  /** Makes the tables look as if a newer program had made them. */
  pretendNewer(): Promise<void>;
}

/** What the doc comment of `Warehouse` promises, sentence by sentence. */
export function warehouseContract(createPlace: () => Promise<WarehousePlace>): void {
  let place: WarehousePlace;
  let warehouse: Warehouse;
  let store: ObjectStore;
  beforeEach(async () => {
    place = await createPlace();
    warehouse = await place.open();
    store = place.store;
  });
  afterEach(async () => {
    await warehouse.close();
    await place[Symbol.asyncDispose]();
  });

  const rowsOf = (names: string[], changes: Partial<ImageRow> = {}): ImageRow[] => names.map((name) => imageRow({ ...changes, name }));
  const count = (): Promise<number> => warehouse.countRows(runId, "2026-11-23");

  describe("before ensure", () => {
    it("difference says what is missing and makes nothing", async () => {
      const changes = await warehouse.difference();
      for (const what of ["create table images", "create table runs", "create view image_latest"]) {
        assert.ok(
          changes.some((change) => change.what === what && change.applicable),
          what,
        );
      }
      assert.deepEqual(await warehouse.difference(), changes);
      assert.equal(await count(), 0);
    });

    it("load, putRun and query say what to do", async () => {
      const file = await writeRows(store, "r.ndjson.gz", [imageRow()]);
      for (const act of [
        () => warehouse.load(loadRequest(store, [file], 1)),
        () => warehouse.putRun(runRow()),
        () => warehouse.query("SELECT COUNT(*) AS n FROM images"),
      ]) {
        await assert.rejects(
          act,
          (error) => codeOf(error) === "WAREHOUSE_NOT_READY" && /imagemill init/.test(String((error as { hint?: string }).hint)),
        );
      }
    });
  });

  describe("ensure", () => {
    it("makes what difference said, once", async () => {
      const expected = await warehouse.difference();
      assert.deepEqual(await warehouse.ensure(), expected);
      assert.deepEqual(await warehouse.ensure(), []);
      assert.deepEqual(await warehouse.difference(), []);
    });

    it("brings an older warehouse up, its rows kept, and loads into it", async () => {
      await warehouse.ensure();
      const before = await writeRows(store, "before.ndjson.gz", [imageRow({ run_id: "2026-11-22-0123456789ab" })]);
      await warehouse.load(loadRequest(store, [before], 1, { runId: "2026-11-22-0123456789ab" }));
      await place.execute("ALTER TABLE images DROP COLUMN lens");
      await place.execute("ALTER TABLE runs DROP COLUMN actual_cost");
      await place.execute("DROP VIEW capacity");
      const changes = await warehouse.difference();
      for (const what of ["add column images.lens", "add column runs.actual_cost", "create view capacity"]) {
        assert.ok(
          changes.some((change) => change.what === what && change.applicable),
          what,
        );
      }
      assert.deepEqual(await warehouse.ensure(), changes);
      assert.deepEqual(await warehouse.difference(), []);
      await warehouse.load(loadRequest(store, [await writeRows(store, "r.ndjson.gz", [imageRow()])], 1));
      assert.deepEqual(await warehouse.query("SELECT run_id, lens FROM images ORDER BY run_id"), [
        { run_id: "2026-11-22-0123456789ab", lens: null },
        { run_id: runId, lens: "50mm" },
      ]);
    });

    it("leaves columns and tables of others alone", async () => {
      await warehouse.ensure();
      await place.execute("ALTER TABLE images ADD COLUMN reviewed_by STRING");
      await place.execute("CREATE TABLE notes (text STRING)");
      assert.deepEqual(await warehouse.difference(), []);
      await warehouse.load(loadRequest(store, [await writeRows(store, "r.ndjson.gz", [imageRow()])], 1));
      assert.equal(await count(), 1);
    });

    it("reports what it cannot do, and then does nothing", async () => {
      await place.execute("CREATE TABLE runs (run_id INT64)");
      const before = await warehouse.difference();
      const conflict = { what: "column runs.run_id is INT64 and should be STRING", applicable: false };
      assert.deepEqual(await warehouse.ensure(), [conflict]);
      assert.deepEqual(await warehouse.difference(), before);
      assert.ok(before.some((change) => change.what === "create table images" && change.applicable));
    });

    it("refuses a warehouse that a newer program made", async () => {
      await warehouse.ensure();
      await place.pretendNewer();
      const file = await writeRows(store, "r.ndjson.gz", [imageRow()]);
      for (const act of [
        () => warehouse.difference(),
        () => warehouse.ensure(),
        () => warehouse.load(loadRequest(store, [file], 1)),
        () => warehouse.putRun(runRow()),
      ]) {
        await assert.rejects(act, { code: "WAREHOUSE_NEWER", exitCode: 4 });
      }
    });
  });

  describe("load", () => {
    beforeEach(() => warehouse.ensure());

    it("brings the rows of many files in, an empty one among them, and a second call adopts them", async () => {
      const files = [
        await writeRows(store, "one file's [name] *.ndjson.gz", rowsOf(["a", "b"])),
        await writeRows(store, "two.ndjson.gz", []),
        await writeRows(store, "three.ndjson.gz", rowsOf(["c"])),
      ];
      const request = loadRequest(store, files, 3);
      const first = await warehouse.load(request);
      assert.deepEqual(first, { loadIds: first.loadIds, rows: 3, adopted: false });
      assert.ok(first.loadIds.length > 0 && first.loadIds.every((id) => id.startsWith(request.loadId)));
      assert.equal(await count(), 3);
      const again = await warehouse.load(request);
      assert.equal(again.adopted, true);
      assert.equal(again.rows, 3);
      const elsewhere = await (await place.open()).load(request);
      assert.equal(elsewhere.adopted, true);
      assert.equal(await count(), 3);
    });

    it("takes a run without rows", async () => {
      const result = await warehouse.load(loadRequest(store, [], 0));
      assert.deepEqual(result, { loadIds: [], rows: 0, adopted: false });
    });

    it("keeps runs apart", async () => {
      const other = "2026-11-23-ba9876543210";
      await warehouse.load(loadRequest(store, [await writeRows(store, "1", rowsOf(["a"]))], 1));
      await warehouse.load(loadRequest(store, [await writeRows(store, "2", rowsOf(["a", "b"], { run_id: other }))], 2, { runId: other }));
      assert.equal(await count(), 1);
      assert.equal(await warehouse.countRows(other, "2026-11-23"), 2);
    });

    it("gives every column back as it was written", async () => {
      const full = imageRow({
        name: "full \u0001 \u200d 'x' ../\\n",
        outcome: "skipped",
        reason: "duplicate",
        twin: { run_id: "r", name: "t", generation: "9007199254740993" },
        outputs: [outputRow(), outputRow({ variant: "512", member: "00001.jpg", width: null, height: null })],
      });
      const bare = bareRow({ name: "bare" });
      await warehouse.load(loadRequest(store, [await writeRows(store, "r", [bare, full])], 2));
      assert.deepEqual(await warehouse.query("SELECT * FROM images ORDER BY name"), [bare, full]);
    });

    it("takes whatever rowProblem finds nothing wrong with", async () => {
      const rows = fc.sample(anyRow(), { numRuns: 100, seed: 1 });
      for (const [index, row] of rows.entries()) {
        Object.assign(row, { run_id: runId, run_date: "2026-11-23", name: `${String(index).padStart(3, "0")} ${row.name}` });
      }
      assert.deepEqual(
        rows.filter((row) => rowProblem(imagesTable, row) !== undefined),
        [],
      );
      await warehouse.load(loadRequest(store, [await writeRows(store, "r", rows)], rows.length));
      assert.deepEqual(await warehouse.query("SELECT * FROM images ORDER BY name"), rows);
    });

    it("stops where the warehouse holds another number of rows, and deletes nothing", async () => {
      await warehouse.load(loadRequest(store, [await writeRows(store, "half", rowsOf(["a"]))], 1));
      const request = loadRequest(store, [await writeRows(store, "whole", rowsOf(["a", "b"]))], 2);
      await assert.rejects(
        warehouse.load(request),
        (error) => codeOf(error) === "LOAD_INCONSISTENT" && /1 rows.*says 2/.test(messageOf(error)),
      );
      assert.equal(await count(), 1);
    });

    it("refuses a file that is not the sealed one", async () => {
      const file = await writeRows(store, "r.ndjson.gz", rowsOf(["a"]));
      for (const changed of [{ crc32c: "AAAAAA==" }, { sizeBytes: file.sizeBytes + 1 }]) {
        const request = loadRequest(store, [{ ...file, ...changed }], 1);
        await assert.rejects(
          warehouse.load(request),
          (error) => codeOf(error) === "CORRUPT_FILE" && /r\.ndjson\.gz/.test(messageOf(error)),
        );
      }
      await assert.rejects(warehouse.load(loadRequest(store, [{ ...file, name: "absent" }], 1)), { code: "NOT_FOUND" });
      assert.equal(await count(), 0);
    });

    const good = JSON.stringify(imageRow({ name: "good" }));
    const changed = (changes: object): string => JSON.stringify({ ...imageRow(), ...changes });
    const badLines: [string, string, RegExp][] = [
      ["not JSON", '{"run_id": "2026', /line 2/],
      ["a list", "[1, 2]", /line 2.*no record/],
      ["two values in a line", `${good} ${good}`, /line 2/],
      ["text for a number", changed({ size_bytes: "many" }), /line 2.*size_bytes is "many", not a INT64/],
      ["a date that is none", changed({ run_date: "2026-02-31" }), /line 2.*run_date/],
      ["a time that is none", changed({ taken_at: "0000:00:00 00:00:00" }), /line 2.*taken_at/],
      ["a missing value", changed({ name: null }), /line 2.*name is missing/],
      ["a record that is text", changed({ timings: "fast" }), /line 2.*timings is no record/],
      ["half a surrogate pair", changed({ camera_make: "\ud800" }), /line 2.*camera_make/],
    ];
    for (const [what, line, expected] of badLines) {
      it(`rejects a file with ${what}, naming file and line`, async () => {
        const fine = await writeRows(store, "fine.ndjson.gz", rowsOf(["a"]));
        const bad = await writeBytes(store, "bad.ndjson.gz", gzipSync(`${good}\n${line}\n${good}\n`));
        await assert.rejects(warehouse.load(loadRequest(store, [fine, bad], 4)), (error) => {
          assert.equal(codeOf(error), "LOAD_REJECTED");
          assert.match(messageOf(error), /bad\.ndjson\.gz/);
          assert.match(messageOf(error), expected);
          return true;
        });
        assert.equal(await count(), 0);
      });
    }

    it("rejects what is no gzip, what is cut off, and what holds another number of rows", async () => {
      const plain = await writeBytes(store, "plain.ndjson.gz", Buffer.from(`${good}\n`));
      const whole = gzipSync(
        `${rowsOf(["a", "b", "c"])
          .map((row) => JSON.stringify(row))
          .join("\n")}\n`,
      );
      const cut = await writeBytes(store, "cut.ndjson.gz", whole.subarray(0, whole.length - 40));
      const more = await writeBytes(store, "more.ndjson.gz", whole);
      for (const request of [loadRequest(store, [plain], 1), loadRequest(store, [cut], 3), loadRequest(store, [more], 2)]) {
        await assert.rejects(warehouse.load(request), { code: "LOAD_REJECTED" });
        assert.equal(await count(), 0);
      }
    });

    it("rejects rows of another run", async () => {
      const rows = [imageRow({ name: "a" }), imageRow({ name: "b", run_id: "2026-11-23-ba9876543210" })];
      await assert.rejects(warehouse.load(loadRequest(store, [await writeRows(store, "r", rows)], 2)), { code: "LOAD_REJECTED" });
      assert.deepEqual(await warehouse.query("SELECT COUNT(*) AS n FROM images"), [{ n: 0 }]);
    });

    it("loads once where several sessions load at the same time", async () => {
      const request = loadRequest(store, [await writeRows(store, "r", rowsOf(["a", "b", "c"]))], 3);
      const sessions = await Promise.all([place.open(), place.open(), place.open()]);
      const results = await Promise.all(sessions.map((session) => session.load(request)));
      assert.deepEqual(
        results.map((result) => result.rows),
        [3, 3, 3],
      );
      assert.ok(results.filter((result) => !result.adopted).length <= 1);
      assert.equal(await count(), 3);
    });

    it("loads nothing when it is aborted", async () => {
      const request = loadRequest(store, [await writeRows(store, "r", rowsOf(["a"]))], 1);
      await assert.rejects(warehouse.load(request, AbortSignal.abort(new Error("stop"))), /stop/);
      assert.equal(await count(), 0);
    });
  });

  describe("putRun", () => {
    beforeEach(() => warehouse.ensure());

    it("makes one row, replacing an earlier one of the run only", async () => {
      await warehouse.putRun(runRow({ state: "loaded" }));
      await warehouse.putRun(runRow({ run_id: "2026-11-22-0123456789ab" }));
      await warehouse.putRun(runRow({ state: "done", actual_cost: 1.25 }));
      assert.deepEqual(await warehouse.query("SELECT * FROM runs ORDER BY run_id"), [
        runRow({ run_id: "2026-11-22-0123456789ab" }),
        runRow({ state: "done", actual_cost: 1.25 }),
      ]);
    });
  });

  describe("query", () => {
    beforeEach(() => warehouse.ensure());

    it("gives numbers for integers within 2^53 and strings beyond, ISO text for dates and instants", async () => {
      const [row] = await warehouse.query(
        `SELECT 9007199254740991 AS within, 9007199254740993 AS beyond, 1.5 AS decimal_number, TRUE AS flag, NULL AS nothing,
           CAST('2026-11-23' AS DATE) AS day, CAST('2026-11-23 10:00:00.5+00:00' AS ${warehouse.dialect === "duckdb" ? "TIMESTAMPTZ" : "TIMESTAMP"}) AS instant`,
      );
      assert.deepEqual(row, {
        within: 9007199254740991,
        beyond: "9007199254740993",
        decimal_number: 1.5,
        flag: true,
        nothing: null,
        day: "2026-11-23",
        instant: "2026-11-23T10:00:00.500Z",
      });
    });

    it("sums to numbers", async () => {
      await warehouse.putRun(runRow());
      assert.deepEqual(await warehouse.query("SELECT SUM(ok) AS ok, AVG(ok) AS mean, COUNT(*) AS n FROM runs"), [{ ok: 6, mean: 6, n: 1 }]);
    });

    it("binds @name, also within a LIMIT, but not in quotes and comments", async () => {
      await warehouse.putRun(runRow());
      const rows = await warehouse.query(
        "SELECT '@text' AS quoted, @text AS text, @number AS number, @ratio AS ratio FROM runs -- @comment\nWHERE run_id = @run LIMIT @most",
        { text: 'it\'s "x"; DROP TABLE runs', number: 7, ratio: 0.5, run: runId, most: 5 },
      );
      assert.deepEqual(rows, [{ quoted: "@text", text: 'it\'s "x"; DROP TABLE runs', number: 7, ratio: 0.5 }]);
    });

    it("refuses a parameter without a value, and a value without a place", async () => {
      await assert.rejects(warehouse.query("SELECT @a AS a"), /@a without a value/);
      await assert.rejects(warehouse.query("SELECT 1 AS a", { b: 1 }), /no place for b/);
    });

    it("says what is wrong with the SQL", async () => {
      await assert.rejects(
        warehouse.query("SELECT nonsense FROM runs"),
        (error) => codeOf(error) === "QUERY_FAILED" && /nonsense/.test(messageOf(error)),
      );
    });
  });
}
