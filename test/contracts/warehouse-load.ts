import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { codeOf, messageOf } from "../../core/errors.ts";
import type { ImageRow } from "../../core/rows.ts";
import type { StoredFile } from "../../core/types.ts";
import type { ObjectStore } from "../../storage/store.ts";
import type { LoadRequest, Warehouse } from "../../warehouse/warehouse.ts";
import { rowProblem } from "../../warehouse/rows.ts";
import { imagesTable } from "../../warehouse/tables.ts";
import { anyRow, bareRow, imageRow, loadRequest, outputRow, runRow, writeBytes, writeRows } from "../warehouse/rows.ts";
import type { WarehousePlace } from "./warehouse.ts";

/** What the doc comment of `Warehouse` promises of loads and queries, each test with a run of its own. */
export function warehouseLoadContract(createPlace: () => Promise<WarehousePlace>): void {
  let place: WarehousePlace;
  let warehouse: Warehouse;
  let store: ObjectStore;
  let run: string;
  let runs = 0;
  before(async () => {
    place = await createPlace();
    warehouse = await place.open();
    store = place.store;
    await warehouse.ensure();
  });
  beforeEach(() => {
    run = `2026-11-23-${String(runs++).padStart(12, "0")}`;
  });
  after(async () => {
    await warehouse.close();
    await place[Symbol.asyncDispose]();
  });

  const other = "2026-11-23-ba9876543210";
  const rowOf = (changes: Partial<ImageRow> = {}): ImageRow => imageRow({ run_id: run, ...changes });
  const rowsOf = (names: string[], changes: Partial<ImageRow> = {}): ImageRow[] => names.map((name) => rowOf({ ...changes, name }));
  const count = (): Promise<number> => warehouse.countRows(run, "2026-11-23");
  const write = (name: string, rows: unknown[]): Promise<StoredFile> => writeRows(store, `${run}/${name}.ndjson.gz`, rows);
  const writeRaw = (name: string, bytes: Uint8Array): Promise<StoredFile> => writeBytes(store, `${run}/${name}.ndjson.gz`, bytes);
  const request = (files: StoredFile[], rows: number, changes: Partial<LoadRequest> = {}): LoadRequest =>
    loadRequest(store, files, rows, { runId: run, ...changes });
  const loaded = (): ReturnType<Warehouse["query"]> => warehouse.query("SELECT * FROM images WHERE run_id = @run ORDER BY name", { run });

  describe("load", () => {
    it("brings the rows of many files in, an empty one among them, and a second call adopts them", async () => {
      const files = [await write("one file's [name] *", rowsOf(["a", "b"])), await write("two", []), await write("three", rowsOf(["c"]))];
      const wanted = request(files, 3);
      const first = await warehouse.load(wanted);
      assert.deepEqual(first, { loadIds: first.loadIds, rows: 3, adopted: false });
      assert.ok(first.loadIds.length > 0 && first.loadIds.every((id) => id.startsWith(wanted.loadId)));
      assert.equal(await count(), 3);
      const again = await warehouse.load(wanted);
      assert.equal(again.adopted, true);
      assert.equal(again.rows, 3);
      const elsewhere = await (await place.open()).load(wanted);
      assert.equal(elsewhere.adopted, true);
      assert.equal(await count(), 3);
    });

    it("takes a run without rows", async () => {
      const result = await warehouse.load(request([], 0));
      assert.deepEqual(result, { loadIds: [], rows: 0, adopted: false });
    });

    it("keeps runs apart", async () => {
      await warehouse.load(request([await write("1", rowsOf(["a"]))], 1));
      await warehouse.load(request([await write("2", rowsOf(["a", "b"], { run_id: other }))], 2, { runId: other }));
      assert.equal(await count(), 1);
      assert.equal(await warehouse.countRows(other, "2026-11-23"), 2);
    });

    it("gives every column back as it was written", async () => {
      const full = rowOf({
        name: "full \u0001 \u200d 'x' ../\\n",
        outcome: "skipped",
        reason: "duplicate",
        twin: { run_id: "r", name: "t", generation: "9007199254740993" },
        outputs: [outputRow(), outputRow({ variant: "512", member: "00001.jpg", width: null, height: null })],
      });
      const bare = bareRow({ run_id: run, name: "bare" });
      await warehouse.load(request([await write("r", [bare, full])], 2));
      assert.deepEqual(await loaded(), [bare, full]);
    });

    it("takes whatever rowProblem finds nothing wrong with", async () => {
      const rows = fc.sample(anyRow(), { numRuns: 100, seed: 1 });
      for (const [index, row] of rows.entries()) {
        Object.assign(row, { run_id: run, run_date: "2026-11-23", name: `${String(index).padStart(3, "0")} ${row.name}` });
      }
      assert.deepEqual(
        rows.filter((row) => rowProblem(imagesTable, row) !== undefined),
        [],
      );
      await warehouse.load(request([await write("r", rows)], rows.length));
      assert.deepEqual(await loaded(), rows);
    });

    it("stops where the warehouse holds another number of rows, and deletes nothing", async () => {
      await warehouse.load(request([await write("half", rowsOf(["a"]))], 1));
      const wanted = request([await write("whole", rowsOf(["a", "b"]))], 2);
      await assert.rejects(
        warehouse.load(wanted),
        (error) => codeOf(error) === "LOAD_INCONSISTENT" && /1 rows.*says 2/.test(messageOf(error)),
      );
      assert.equal(await count(), 1);
    });

    it("refuses a file that is not the sealed one", async () => {
      const file = await write("r", rowsOf(["a"]));
      for (const changed of [{ crc32c: "AAAAAA==" }, { sizeBytes: file.sizeBytes + 1 }]) {
        const wanted = request([{ ...file, ...changed }], 1);
        await assert.rejects(warehouse.load(wanted), (error) => codeOf(error) === "CORRUPT_FILE" && /r\.ndjson\.gz/.test(messageOf(error)));
      }
      await assert.rejects(warehouse.load(request([{ ...file, name: "absent" }], 1)), { code: "NOT_FOUND" });
      assert.equal(await count(), 0);
    });

    const good = (): string => JSON.stringify(rowOf({ name: "good" }));
    const changed = (changes: object) => (): string => JSON.stringify({ ...rowOf(), ...changes });
    const badLines: [string, () => string, RegExp][] = [
      ["not JSON", () => '{"run_id": "2026', /line 2/],
      ["a list", () => "[1, 2]", /line 2.*no record/],
      ["two values in a line", () => `${good()} ${good()}`, /line 2/],
      ["text for a number", changed({ size_bytes: "many" }), /line 2.*size_bytes is "many", not a INT64/],
      ["a date that is none", changed({ run_date: "2026-02-31" }), /line 2.*run_date/],
      ["a time that is none", changed({ taken_at: "0000:00:00 00:00:00" }), /line 2.*taken_at/],
      ["a missing value", changed({ name: null }), /line 2.*name is missing/],
      ["a record that is text", changed({ timings: "fast" }), /line 2.*timings is no record/],
      ["half a surrogate pair", changed({ camera_make: "\ud800" }), /line 2.*camera_make/],
    ];
    for (const [what, line, expected] of badLines) {
      it(`rejects a file with ${what}, naming file and line`, async () => {
        const fine = await write("fine", rowsOf(["a"]));
        const bad = await writeRaw("bad", gzipSync(`${good()}\n${line()}\n${good()}\n`));
        await assert.rejects(warehouse.load(request([fine, bad], 4)), (error) => {
          assert.equal(codeOf(error), "LOAD_REJECTED");
          assert.match(messageOf(error), /bad\.ndjson\.gz/);
          assert.match(messageOf(error), expected);
          return true;
        });
        assert.equal(await count(), 0);
      });
    }

    it("rejects what is no gzip, what is cut off, and what holds another number of rows", async () => {
      const plain = await writeRaw("plain", Buffer.from(`${good()}\n`));
      const whole = gzipSync(
        `${rowsOf(["a", "b", "c"])
          .map((row) => JSON.stringify(row))
          .join("\n")}\n`,
      );
      const cut = await writeRaw("cut", whole.subarray(0, whole.length - 40));
      const more = await writeRaw("more", whole);
      for (const wanted of [request([plain], 1), request([cut], 3), request([more], 2)]) {
        await assert.rejects(warehouse.load(wanted), { code: "LOAD_REJECTED" });
        assert.equal(await count(), 0);
      }
    });

    it("rejects rows of another run", async () => {
      const rows = [rowOf({ name: "a" }), rowOf({ name: "b", run_id: "2026-11-23-bbbbbbbbbbbb" })];
      await assert.rejects(warehouse.load(request([await write("r", rows)], 2)), { code: "LOAD_REJECTED" });
      assert.equal(await count(), 0);
      assert.equal(await warehouse.countRows("2026-11-23-bbbbbbbbbbbb", "2026-11-23"), 0);
    });

    it("loads once where several sessions load at the same time", async () => {
      const wanted = request([await write("r", rowsOf(["a", "b", "c"]))], 3);
      const sessions = await Promise.all([place.open(), place.open(), place.open()]);
      const results = await Promise.all(sessions.map((session) => session.load(wanted)));
      assert.deepEqual(
        results.map((result) => result.rows),
        [3, 3, 3],
      );
      assert.ok(results.filter((result) => !result.adopted).length <= 1);
      assert.equal(await count(), 3);
    });

    it("loads again what was deleted by hand", async () => {
      const wanted = request([await write("r", rowsOf(["a", "b"]))], 2);
      await warehouse.load(wanted);
      await place.execute(`DELETE FROM images WHERE run_id = '${run}'`);
      const again = await warehouse.load(wanted);
      assert.deepEqual(again, { loadIds: [`${wanted.loadId}_r2`], rows: 2, adopted: false });
      assert.equal(await count(), 2);
    });

    it("loads nothing when it is aborted", async () => {
      const wanted = request([await write("r", rowsOf(["a"]))], 1);
      await assert.rejects(warehouse.load(wanted, AbortSignal.abort(new Error("stop"))), /stop/);
      assert.equal(await count(), 0);
    });
  });

  describe("putRun", () => {
    it("makes one row, replacing an earlier one of the run only", async () => {
      await warehouse.putRun(runRow({ run_id: run, state: "loaded" }));
      await warehouse.putRun(runRow({ run_id: other }));
      await warehouse.putRun(runRow({ run_id: run, state: "done", actual_cost: 1.25 }));
      assert.deepEqual(await warehouse.query("SELECT * FROM runs WHERE run_id IN (@run, @other) ORDER BY run_id", { run, other }), [
        runRow({ run_id: run, state: "done", actual_cost: 1.25 }),
        runRow({ run_id: other }),
      ]);
      await assert.rejects(warehouse.putRun({ ...runRow(), ok: "many" as unknown as number }), { code: "LOAD_REJECTED" });
    });
  });

  describe("query", () => {
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
      await warehouse.putRun(runRow({ run_id: run }));
      const sql = "SELECT SUM(ok) AS ok, AVG(ok) AS mean, COUNT(*) AS n FROM runs WHERE run_id = @run";
      assert.deepEqual(await warehouse.query(sql, { run }), [{ ok: 6, mean: 6, n: 1 }]);
    });

    it("binds @name, also within a LIMIT, but not in quotes and comments", async () => {
      await warehouse.putRun(runRow({ run_id: run }));
      const rows = await warehouse.query(
        "SELECT '@text' AS quoted, @text AS text, @number AS number, @ratio AS ratio FROM runs -- @comment\nWHERE run_id = @run LIMIT @most",
        { text: 'it\'s "x"; DROP TABLE runs', number: 7, ratio: 0.5, run, most: 5 },
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
