import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { systemClock, systemRandom } from "../../../core/clock.ts";
import { silentLogger } from "../../../core/log.ts";
import { openWarehouse } from "../../../warehouse/open.ts";

/** Rows in out/warehouse.duckdb of a folder, without what is another attempt's or another place's. */
export async function comparableRows(folder: string): Promise<unknown[]> {
  const url = `duckdb://${pathToFileURL(join(folder, "out", "warehouse.duckdb")).pathname}`;
  const warehouse = await openWarehouse(url, { log: silentLogger, clock: systemClock, random: systemRandom, lockTimeoutMs: 10_000 });
  try {
    const rows = (await warehouse.query("SELECT * FROM images ORDER BY name")) as Record<string, unknown>[];
    return rows.map(comparable);
  } finally {
    await warehouse.close();
  }
}

function comparable(row: Record<string, unknown>): Record<string, unknown> {
  const written = row["outputs"];
  const outputs = (typeof written === "string" ? JSON.parse(written) : written) as Record<string, unknown>[];
  return {
    ...without(row, ["attempt", "processed_at", "timings"]),
    outputs: outputs.map((output) => [without(output, ["uri", "generation"]), String(output["uri"]).replace(/^.*\/archive\//, "")]),
  };
}

function without(record: Record<string, unknown>, keys: string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).filter(([key]) => !keys.includes(key)));
}
