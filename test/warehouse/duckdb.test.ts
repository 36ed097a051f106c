import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { systemClock, systemRandom } from "../../core/clock.ts";
import { silentLogger } from "../../core/log.ts";
import { fileStore } from "../../storage/file.ts";
import { memoryStore } from "../../storage/memory.ts";
import type { ObjectStore } from "../../storage/store.ts";
import { openWarehouse } from "../../warehouse/open.ts";
import { warehouseLoadContract } from "../contracts/warehouse-load.ts";
import { warehouseSchemaContract, type WarehousePlace } from "../contracts/warehouse.ts";
import { warehouseViewsContract } from "../contracts/warehouse-views.ts";
import { imageRow, loadRequest, writeRows } from "./rows.ts";

async function createPlace(storeIn: (folder: string) => ObjectStore): Promise<WarehousePlace> {
  const folder = await mkdtemp(join(tmpdir(), "imagemill-warehouse-"));
  const path = join(folder, "new folder", "it's [a] 100% *.duckdb");
  const url = `duckdb://${encodeURI(path)}`;
  const store = storeIn(folder);
  const execute = async (sql: string): Promise<void> => {
    await mkdir(dirname(path), { recursive: true });
    const instance = await DuckDBInstance.create(path);
    const connection = await instance.connect();
    try {
      await connection.run(sql);
    } finally {
      connection.closeSync();
      instance.closeSync();
    }
  };
  return {
    open: () => openWarehouse(url, { log: silentLogger, clock: systemClock, random: systemRandom, lockTimeoutMs: 5000 }),
    store,
    execute,
    pretendNewer: () => execute("COMMENT ON TABLE images IS 'Rows. (imagemill schema 999)'"),
    [Symbol.asyncDispose]: async () => {
      await store.close();
      await rm(folder, { recursive: true });
    },
  };
}

describe("duckdb warehouse, rows files in a folder", () => {
  const place = (): Promise<WarehousePlace> => createPlace((folder) => fileStore(join(folder, "control [1] *")));
  warehouseSchemaContract(place);
  describe("with tables", () => warehouseLoadContract(place));
  describe("views", () => warehouseViewsContract(place));
});

describe("duckdb warehouse, rows files elsewhere", () => {
  it("loads and checks copies of them", async () => {
    await using place = await createPlace(() => memoryStore());
    const warehouse = await place.open();
    await warehouse.ensure();
    const file = await writeRows(place.store, "r.ndjson.gz", [imageRow()]);
    await assert.rejects(warehouse.load(loadRequest(place.store, [{ ...file, crc32c: "AAAAAA==" }], 1)), { code: "CORRUPT_FILE" });
    await warehouse.load(loadRequest(place.store, [file], 1));
    assert.deepEqual(await warehouse.query("SELECT * FROM images"), [imageRow()]);
  });
});
