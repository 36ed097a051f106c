import fc from "fast-check";
import type { Columns, ImageRecord, ImageTable, RunRecord, RunTable, TableOf } from "../../../analysis/dashboard/model/columns.ts";
import { imageColumns, runColumns } from "../../../analysis/dashboard/model/columns.ts";

export function imageRecord(changes: Partial<ImageRecord> = {}): ImageRecord {
  return {
    run_id: "2026-11-23-0123456789ab",
    name: "a/b.jpg",
    generation: "1763900000000000001",
    outcome: "ok",
    reason: null,
    message: null,
    format: "jpeg",
    color_space: "srgb",
    camera: null,
    width: 1000,
    height: 500,
    megapixels: 0.5,
    size_bytes: 100_000,
    output_bytes: 5000,
    processed_at: Date.UTC(2026, 10, 23, 10),
    read_ms: 1,
    process_ms: 8,
    write_ms: 2,
    output_pattern: null,
    output_spread: null,
    ...changes,
  };
}

export function runRecord(changes: Partial<RunRecord> = {}): RunRecord {
  return {
    run_id: "2026-11-23-0123456789ab",
    run_date: "2026-11-23",
    engine: "local",
    jobs: "facts@1",
    source: "gs://ingestion",
    objects: 10,
    ok: 9,
    skipped: 0,
    quarantined: 1,
    outputs: 9,
    bytes_in: 1000,
    bytes_out: 100,
    started_at: Date.UTC(2026, 10, 23, 9, 59),
    ended_at: Date.UTC(2026, 10, 23, 10, 1),
    wall_ms: 120_000,
    images_per_second: 5,
    predicted_ms: 100_000,
    predicted_cost: null,
    actual_cost: null,
    ...changes,
  };
}

/** What decoding gives of what was encoded. */
function tableOf<C extends Columns>(columns: C, rows: Record<string, unknown>[]): TableOf<C> {
  const column = (name: string, type: Columns[string]): unknown =>
    type.startsWith("STRING") ? rows.map((row) => row[name]) : Float64Array.from(rows, (row) => (row[name] as number | null) ?? Number.NaN);
  return {
    rows: rows.length,
    ...Object.fromEntries(Object.entries(columns).map(([name, type]) => [name, column(name, type)])),
  } as TableOf<C>;
}

export function imageTable(rows: ImageRecord[]): ImageTable {
  return tableOf(imageColumns, rows);
}

export function runTable(rows: RunRecord[]): RunTable {
  return tableOf(runColumns, rows);
}

export const runIds = ["2026-11-22-aaaaaaaaaaaa", "2026-11-23-bbbbbbbbbbbb", "2026-11-24-cccccccccccc"];

/** Few values of each kind, so that filters meet. */
export function anyImages(): fc.Arbitrary<ImageRecord[]> {
  const image = fc
    .record({
      run_id: fc.constantFrom(...runIds),
      name: fc.constantFrom("a.jpg", "B.jpg", "c/A.png", "é", ""),
      outcome: fc.constantFrom("ok", "skipped", "quarantined"),
      reason: fc.constantFrom(null, "corrupt", "duplicate"),
      format: fc.constantFrom(null, "jpeg", "png", "others"),
      camera: fc.constantFrom(null, "", "Canon", "unknown"),
      color_space: fc.constantFrom(null, "srgb", "cmyk"),
      size_bytes: fc.constantFrom(0, 999, 1000, 1999, 2000, 5_000_000, 2_000_000_000),
      megapixels: fc.constantFrom(null, 0, 0.01, 0.5, 12, 600),
      processed_at: fc.integer({ min: -5000, max: 600_000 }).map((ms) => Date.UTC(2026, 10, 23, 9, 59) + ms),
      read_ms: fc.constantFrom(0, 0.4, 3),
      process_ms: fc.constantFrom(0, 1, 9.6, 400, 90_000),
    })
    .map((changes) => imageRecord(changes));
  return fc.array(image, { maxLength: 40 });
}
