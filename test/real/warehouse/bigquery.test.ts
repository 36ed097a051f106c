import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { codeOf } from "../../../core/errors.ts";
import { memoryStore } from "../../../storage/memory.ts";
import { warehouseLoadContract } from "../../contracts/warehouse-load.ts";
import { warehouseViewsContract } from "../../contracts/warehouse-views.ts";
import { warehouseSchemaContract, type WarehousePlace } from "../../contracts/warehouse.ts";
import { startBigquery, type BigqueryServer } from "../../servers/bigquery.ts";
import { orSkip } from "../../servers/install.ts";
import { imageRow, loadRequest, writeBytes, writeRows } from "../../warehouse/rows.ts";
import { bigqueryPlace, hurriedClock } from "./bigquery-place.ts";

describe("bigquery warehouse", function () {
  this.timeout(180_000);
  let server: BigqueryServer;
  before(async function () {
    this.timeout(15 * 60_000);
    server = await orSkip(this, "a BigQuery server", () => startBigquery());
  });
  after(() => server?.[Symbol.asyncDispose]());

  describe("rows files in a bucket", () => {
    const place = (): Promise<WarehousePlace> => Promise.resolve(bigqueryPlace(server));
    warehouseSchemaContract(place);
    describe("with tables", () => warehouseLoadContract(place));
    describe("views", () => warehouseViewsContract(place));
  });

  describe("rows files elsewhere", () => {
    it("are sent along, checked", async () => {
      await using place = bigqueryPlace(server, { store: memoryStore() });
      const warehouse = await place.open();
      await warehouse.ensure();
      const names = ["a", "b", "c"];
      const files = await Promise.all(names.map((name) => writeRows(place.store, name, [imageRow({ name })])));
      await assert.rejects(warehouse.load(loadRequest(place.store, files, 2)), { code: "LOAD_REJECTED" });
      const bad = await writeBytes(place.store, "bad", gzipSync(`${JSON.stringify({ ...imageRow(), width: "wide" })}\n`));
      await assert.rejects(warehouse.load(loadRequest(place.store, [...files, bad], 4)), /memory:.*bad, line 1: width is "wide"/);
      const result = await warehouse.load(loadRequest(place.store, files, 3));
      assert.equal(result.adopted, false);
      assert.deepEqual(
        await warehouse.query("SELECT * FROM images ORDER BY name"),
        names.map((name) => imageRow({ name })),
      );
    });
  });

  describe("more files than a load job takes", () => {
    const names = ["0", "1", "2", "3", "4"];

    it("go through tables of their own and one copy, which are gone afterwards", async () => {
      await using place = bigqueryPlace(server);
      const warehouse = await place.open({ maxUrisPerJob: 2 });
      await warehouse.ensure();
      const files = await Promise.all(names.map((name) => writeRows(place.store, `${name}.ndjson.gz`, [imageRow({ name })])));
      await assert.rejects(warehouse.load(loadRequest(place.store, files, 4)), { code: "LOAD_REJECTED" });
      const request = loadRequest(place.store, files, 5);
      const result = await warehouse.load(request);
      assert.deepEqual(result, { loadIds: [`${request.loadId}_r1`], rows: 5, adopted: false });
      assert.deepEqual(
        await warehouse.query("SELECT * FROM images ORDER BY name"),
        names.map((name) => imageRow({ name })),
      );
      assert.deepEqual(await warehouse.query("SELECT table_name FROM INFORMATION_SCHEMA.TABLES WHERE table_name LIKE '%load%'"), []);
      assert.equal((await warehouse.load(request)).adopted, true);
    });

    it("are loaded once, wherever the driver vanishes", async () => {
      await using place = bigqueryPlace(server, { clock: hurriedClock });
      const warehouse = await place.open({ maxUrisPerJob: 2 });
      await warehouse.ensure();
      for (let number = 3; number < 40; number += 6) {
        const runId = `2026-11-23-${String(number).padStart(12, "0")}`;
        const rows = names.map((name) => imageRow({ name, run_id: runId }));
        const files = await Promise.all(rows.map((row) => writeRows(place.store, `${runId}/${row.name}.ndjson.gz`, [row])));
        const request = loadRequest(place.store, files, 5, { runId });
        let calls = 0;
        server.faults.clear();
        server.faults.inject("unavailable", () => ++calls >= number, Number.POSITIVE_INFINITY);
        await warehouse.load(request).catch((error: unknown) => assert.ok(codeOf(error)));
        server.faults.clear();
        await warehouse.load(request);
        assert.equal(await warehouse.countRows(runId, "2026-11-23"), 5, `call ${number}`);
      }
    });
  });
});
