import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { queriesOf } from "../../analysis/report/places.ts";
import { systemClock, systemRandom } from "../../core/clock.ts";
import { silentLogger } from "../../core/log.ts";
import { memoryStore } from "../../storage/memory.ts";
import { createNdjson } from "../../storage/objects.ts";
import { openWarehouse } from "../../warehouse/open.ts";
import { outputRow, runRow } from "../warehouse/rows.ts";
import { imageRow, runDate, runId } from "./stored-run.ts";

describe("the SQL that a report suggests", () => {
  it("is true SQL on DuckDB and finds the run", async () => {
    const folder = await mkdtemp(join(tmpdir(), "imagemill-sql-"));
    const url = `duckdb://${join(folder, "w.duckdb")}`;
    const warehouse = await openWarehouse(url, { log: silentLogger, clock: systemClock, random: systemRandom, lockTimeoutMs: 5000 });
    try {
      const control = memoryStore();
      const rows = [
        imageRow("a.jpg", { camera_model: "X100", outputs: [outputRow(), outputRow({ variant: "64" })] }),
        imageRow("b.png", { format: "png", outcome: "quarantined", reason: "truncated", message: "ends early" }),
      ];
      const file = await createNdjson(control, "rows.ndjson.gz", rows);
      await warehouse.ensure();
      await warehouse.load({ runId, runDate, loadId: "l", files: [file], store: control, rows: rows.length });
      await warehouse.putRun(runRow({ run_id: runId, run_date: runDate }));
      const stores = { source: "", archive: "", control: "", warehouse: url };
      const found = await Promise.all(
        queriesOf({ runId, runDate, stores }).map(async ({ title, sql }) => [title, (await warehouse.query(sql)).length]),
      );
      assert.deepEqual(found, [
        ["Why images were quarantined", 1],
        ["Every output, with its place", 2],
        ["What takes the time", 2],
        ["Cameras", 1],
        ["This run beside earlier ones", 1],
      ]);
    } finally {
      await warehouse.close();
      await rm(folder, { recursive: true });
    }
  });
});
