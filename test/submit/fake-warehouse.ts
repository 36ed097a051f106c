import assert from "node:assert/strict";
import type { ImageRow, RunRow } from "../../core/rows.ts";
import { readNdjson } from "../../storage/objects.ts";
import type { LoadResult, Warehouse } from "../../warehouse/warehouse.ts";

export interface FakeWarehouse extends Warehouse {
  readonly images: ImageRow[];
  readonly runs: Map<string, RunRow>;
}

/** Holds rows in memory, as the contract says; `fault` is called before each operation and may throw. */
export function fakeWarehouse(url: string, fault: (operation: string) => void = () => undefined): FakeWarehouse {
  const images: ImageRow[] = [];
  const runs = new Map<string, RunRow>();
  const countOf = (runId: string): number => images.filter((row) => row.run_id === runId).length;
  return {
    url,
    dialect: "duckdb",
    images,
    runs,
    difference: () => Promise.resolve([]),
    ensure: () => Promise.resolve([]),
    countRows: (runId) => Promise.resolve(countOf(runId)),
    load: async ({ runId, files, store, rows, loadId }): Promise<LoadResult> => {
      fault("load before");
      const counted = countOf(runId);
      if (counted === rows) return { loadIds: [], rows, adopted: true };
      assert.equal(counted, 0, "rows(run) is 0 or N");
      const read = await Promise.all(files.map(async (file) => readNdjson<ImageRow>(store, file.name)));
      assert.equal(read.flat().length, rows);
      images.push(...read.flat());
      fault("load after");
      return { loadIds: [`${loadId}_r0`], rows, adopted: false };
    },
    putRun: async (row) => {
      fault("putRun before");
      runs.set(row.run_id, row);
      fault("putRun after");
      return Promise.resolve();
    },
    query: () => Promise.reject(new Error("the fake warehouse answers no queries")),
    close: () => Promise.resolve(),
  };
}
