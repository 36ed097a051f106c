import assert from "node:assert/strict";
import { codeOf } from "../../core/errors.ts";
import type { ObjectStore } from "../../storage/store.ts";
import type { Warehouse } from "../../warehouse/warehouse.ts";
import { imageRow, loadRequest, runId, runRow, writeRows } from "../warehouse/rows.ts";

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

/** What the doc comment of `Warehouse` promises of tables and views; loads and queries are in warehouse-load.ts. */
export function warehouseSchemaContract(createPlace: () => Promise<WarehousePlace>): void {
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
      assert.equal(await warehouse.countRows(runId, "2026-11-23"), 0);
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
      await place.execute("DROP VIEW run_summary");
      const changes = await warehouse.difference();
      for (const what of ["add column images.lens", "add column runs.actual_cost", "create view run_summary"]) {
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
      assert.equal(await warehouse.countRows(runId, "2026-11-23"), 1);
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
}
