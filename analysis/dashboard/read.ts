import { codeOf, ImagemillError } from "../../core/errors.ts";
import { printable } from "../../core/names.ts";
import type { QueryRow, QueryValue, Warehouse } from "../../warehouse/warehouse.ts";
import { addDays } from "../page/format.ts";
import type { ImageRecord, RunRecord } from "./model/columns.ts";
import { packLink } from "./model/links.ts";

export interface ReadLimits {
  /** Runs of the newest run's date and the `days - 1` dates before it. */
  days: number;
  /** Images; above it a sample by name is taken. */
  rows: number;
}

/** What the page is about, and what it leaves out. */
export interface Extent {
  /** Dates of the oldest and the newest run shown; absent where there is none. */
  firstDate?: string;
  lastDate?: string;
  /** Runs of an earlier date, and runs above the most that a page shows, that were seen and left out. */
  olderRuns: number;
  /** Share of the images taken, by name; 1 = all. */
  share: number;
  /** Images of the runs shown. */
  objects: number;
}

export interface DashboardData {
  extent: Extent;
  /** By date, then in the order in which they started. */
  runs: RunRecord[];
  /** Newest first. */
  images: ImageRecord[];
  /** As the store calls them, an entry an image; in the images the names are made printable. */
  names: string[];
}

const maxRuns = 1000;

/** Two queries over views, bounded in runs, days and rows. Fails with RUN_ABSENT where no run is loaded. */
export async function readDashboard(warehouse: Warehouse, limits: ReadLimits, signal?: AbortSignal): Promise<DashboardData> {
  try {
    return await read(warehouse, limits, signal);
  } catch (error) {
    if (codeOf(error) !== "QUERY_FAILED") throw error;
    throw new ImagemillError("WAREHOUSE_NOT_READY", `${warehouse.url} does not have the views of this version`, {
      hint: "`imagemill init` makes them, and so does the next run.",
      cause: error,
    });
  }
}

async function read(warehouse: Warehouse, limits: ReadLimits, signal?: AbortSignal): Promise<DashboardData> {
  const found = await warehouse.query(
    `SELECT * FROM run_summary ORDER BY run_date DESC, started_at DESC, run_id LIMIT ${maxRuns + 1}`,
    {},
    signal,
  );
  const { runs, extent } = chooseRuns(found.map(runRecord), limits);
  if (extent.firstDate === undefined) {
    throw new ImagemillError("RUN_ABSENT", `no run is loaded into ${warehouse.url} yet`, {
      hint: "`imagemill run` makes one; `imagemill report RUN` shows one that is not loaded.",
    });
  }
  const { sql, parameters } = imageQuery(extent.firstDate, extent.share, limits.rows);
  const known = new Set(runs.map((run) => run.run_id));
  const rows = (await warehouse.query(sql, parameters, signal)).map((row) => ({ image: imageRecord(row), name: text(row["name"]) }));
  const chosen = rows.filter(({ image }) => known.has(image.run_id)).sort((a, b) => byNewest(a.image, b.image));
  return { extent, runs: byDate(runs), images: chosen.map(({ image }) => image), names: chosen.map(({ name }) => name) };
}

/** Of runs in order, the newest date first: those that the page shows. */
export function chooseRuns(found: RunRecord[], { days, rows }: ReadLimits): { runs: RunRecord[]; extent: Extent } {
  const lastDate = found[0]?.run_date;
  if (lastDate === undefined) return { runs: [], extent: { olderRuns: 0, share: 1, objects: 0 } };
  const from = addDays(lastDate, 1 - days);
  const runs = found.slice(0, maxRuns).filter((run) => run.run_date >= from);
  const objects = runs.reduce((sum, run) => sum + run.objects, 0);
  const firstDate = runs.at(-1)!.run_date;
  return { runs, extent: { firstDate, lastDate, olderRuns: found.length - runs.length, share: shareOf(objects, rows), objects } };
}

/** So much less than the limit that chance does not carry the sample above it; in steps that people can say. */
function shareOf(objects: number, rows: number): number {
  if (objects <= rows) return 1;
  const share = (rows * 0.98) / objects;
  return share >= 0.01 ? Math.floor(share * 1000) / 1000 : share;
}

function imageQuery(from: string, share: number, rows: number): { sql: string; parameters: Record<string, string> } {
  const below = Math.floor(share * 2 ** 32)
    .toString(16)
    .padStart(8, "0");
  const sample = share === 1 ? "" : " AND sample_key < @below";
  return {
    sql: `SELECT * FROM dashboard_images WHERE run_date >= CAST(@from AS DATE)${sample} LIMIT ${rows}`,
    parameters: share === 1 ? { from } : { from, below },
  };
}

function runRecord(row: QueryRow): RunRecord {
  return {
    run_id: text(row["run_id"]),
    run_date: text(row["run_date"]),
    engine: text(row["engine"]),
    jobs: text(row["jobs"]),
    source: printable(text(row["source"])),
    objects: Number(row["objects"]),
    ok: Number(row["ok"]),
    skipped: Number(row["skipped"]),
    quarantined: Number(row["quarantined"]),
    outputs: Number(row["outputs"]),
    bytes_in: Number(row["bytes_in"]),
    bytes_out: Number(row["bytes_out"]),
    started_at: Date.parse(text(row["started_at"])),
    ended_at: Date.parse(text(row["ended_at"])),
    wall_ms: Number(row["wall_ms"]),
    images_per_second: Number(row["images_per_second"]),
    predicted_ms: Number(row["predicted_ms"]),
    predicted_cost: numberOrNull(row["predicted_cost"]),
    actual_cost: numberOrNull(row["actual_cost"]),
  };
}

function imageRecord(row: QueryRow): ImageRecord {
  const [name, generation, runId] = [printable(text(row["name"])), text(row["generation"]), text(row["run_id"])];
  const uri = textOrNull(row["output_uri"]);
  const link = uri === null ? null : packLink(uri, { name, generation }, runId);
  return {
    run_id: runId,
    name,
    generation,
    outcome: text(row["outcome"]),
    reason: textOrNull(row["reason"]),
    message: printableOrNull(row["message"]),
    format: printableOrNull(row["format"]),
    color_space: printableOrNull(row["color_space"]),
    camera: printableOrNull(row["camera"])?.trim() || null,
    width: numberOrNull(row["width"]),
    height: numberOrNull(row["height"]),
    megapixels: numberOrNull(row["megapixels"]),
    size_bytes: Number(row["size_bytes"]),
    output_bytes: Number(row["output_bytes"]),
    processed_at: Date.parse(text(row["processed_at"])),
    read_ms: Number(row["read_ms"]),
    process_ms: Number(row["process_ms"]),
    write_ms: Number(row["write_ms"]),
    output_pattern: link?.pattern ?? null,
    output_spread: link?.spread ?? null,
  };
}

function text(value: QueryValue | undefined): string {
  return textOrNull(value) ?? "";
}

function textOrNull(value: QueryValue | undefined): string | null {
  return value === null || value === undefined ? null : typeof value === "object" ? JSON.stringify(value) : String(value);
}

function printableOrNull(value: QueryValue | undefined): string | null {
  const written = textOrNull(value);
  return written === null ? null : printable(written);
}

function numberOrNull(value: QueryValue | undefined): number | null {
  return value === null || value === undefined ? null : Number(value);
}

function byDate(runs: RunRecord[]): RunRecord[] {
  const order = (a: string, b: string): number => (a < b ? -1 : Number(a > b));
  return runs.toSorted((a, b) => order(a.run_date, b.run_date) || a.started_at - b.started_at || order(a.run_id, b.run_id));
}

function byNewest(a: ImageRecord, b: ImageRecord): number {
  return b.processed_at - a.processed_at || (a.run_id < b.run_id ? -1 : Number(a.run_id > b.run_id)) || (a.name < b.name ? -1 : 1);
}
