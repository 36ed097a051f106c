import fc from "fast-check";
import { digestOf } from "../../core/digest.ts";
import { encodeNdjson } from "../../core/ndjson.ts";
import type { ImageRow, OutputRow, RunRow } from "../../core/rows.ts";
import type { StoredFile } from "../../core/types.ts";
import { storedFile } from "../../storage/objects.ts";
import type { ObjectStore } from "../../storage/store.ts";
import { imagesTable, type Column } from "../../warehouse/tables.ts";
import type { LoadRequest } from "../../warehouse/warehouse.ts";

export const runId = "2026-11-23-0123456789ab";

export function imageRow(changes: Partial<ImageRow> = {}): ImageRow {
  return {
    run_id: runId,
    run_date: "2026-11-23",
    jobs: "facts@1,thumbnails@1",
    bucket: "ingestion",
    name: "a/b.jpg",
    generation: "1763900000000000001",
    crc32c: "AAAAAA==",
    sha256: "ab".repeat(32),
    size_bytes: 100_000,
    content_type: "image/jpeg",
    format: "jpeg",
    width: 1000,
    height: 500,
    megapixels: 0.5,
    color_space: "srgb",
    channels: 3,
    bit_depth: "uchar",
    has_alpha: false,
    orientation: 6,
    pages: 1,
    taken_at: "2019-05-03T12:34:56.000Z",
    camera_make: "Canon",
    camera_model: 'EOS "5D" \\ é 😀',
    lens: "50mm",
    gps_latitude: -33.5,
    gps_longitude: 151.25,
    fingerprint: "00ff00ff00ff00ff",
    outcome: "ok",
    reason: null,
    message: null,
    warnings: ["odd", "don't"],
    twin: null,
    shard: "00000-abcdef",
    attempt: "1-0011223344556677",
    processed_at: "2026-11-23T10:00:30.123Z",
    timings: { read_ms: 1.5, queue_ms: 0, process_ms: 8.25, write_ms: 2 },
    outputs: [outputRow()],
    ...changes,
  };
}

export function outputRow(changes: Partial<OutputRow> = {}): OutputRow {
  return {
    job: "thumbnails",
    variant: "256",
    uri: "gs://archive/2026-11-23/x.jpg",
    member: null,
    generation: "1763900000000000002",
    crc32c: "AAAAAA==",
    size_bytes: 5000,
    width: 256,
    height: 128,
    format: "jpeg",
    ...changes,
  };
}

/** Everything that may be null, is. */
export function bareRow(changes: Partial<ImageRow> = {}): ImageRow {
  const nulls = Object.fromEntries(nullable.map((name) => [name, null])) as Partial<ImageRow>;
  return imageRow({ ...nulls, outcome: "quarantined", reason: "corrupt", warnings: [], outputs: [], ...changes });
}

const nullable: (keyof ImageRow)[] = [
  ...(["crc32c", "sha256", "content_type", "format", "width", "height", "megapixels", "color_space", "channels", "bit_depth"] as const),
  ...(["has_alpha", "orientation", "pages", "taken_at", "camera_make", "camera_model", "lens", "gps_latitude"] as const),
  ...(["gps_longitude", "fingerprint", "reason", "message", "twin"] as const),
];

export function runRow(changes: Partial<RunRow> = {}): RunRow {
  return {
    run_id: runId,
    run_date: "2026-11-23",
    plan_id: "p1",
    jobs: "facts@1,thumbnails@1",
    source: "gs://ingestion",
    engine: "local",
    state: "done",
    listed: 10,
    unchanged: 2,
    objects: 8,
    ok: 6,
    skipped: 1,
    quarantined: 1,
    outputs: 12,
    shards: 2,
    bytes_in: 800_000,
    bytes_out: 60_000,
    started_at: "2026-11-23T10:00:00.000Z",
    ended_at: "2026-11-23T10:00:04.000Z",
    wall_ms: 4000,
    images_per_second: 2,
    predicted_ms: 2000,
    predicted_cost: null,
    actual_cost: null,
    config_digest: "c1",
    code_digest: "d1",
    ...changes,
  };
}

export async function writeRows(store: ObjectStore, name: string, rows: unknown[]): Promise<StoredFile> {
  return writeBytes(store, name, encodeNdjson(rows));
}

export async function writeBytes(store: ObjectStore, name: string, bytes: Uint8Array): Promise<StoredFile> {
  return storedFile(await store.write(name, bytes));
}

export function loadRequest(store: ObjectStore, files: StoredFile[], rows: number, changes: Partial<LoadRequest> = {}): LoadRequest {
  return {
    runId,
    runDate: "2026-11-23",
    loadId: `load_${digestOf({ files, run: changes.runId ?? runId, store: store.uri("") })}`,
    files,
    store,
    rows,
    ...changes,
  };
}

/** Rows that are nothing but what their columns allow. */
export function anyRow(): fc.Arbitrary<ImageRow> {
  return anyRecord(imagesTable.columns) as fc.Arbitrary<ImageRow>;
}

function anyRecord(columns: Column[]): fc.Arbitrary<unknown> {
  return fc.record(Object.fromEntries(columns.map((column) => [column.name, anyOf(column)])), { noNullPrototype: true });
}

function anyOf(column: Column): fc.Arbitrary<unknown> {
  const one = column.type === "RECORD" ? anyRecord(column.fields ?? []) : anyScalar[column.type];
  if (column.mode === "REPEATED") return fc.array(one, { maxLength: 3 });
  return column.mode === "NULLABLE" ? fc.option(one) : one;
}

/** Without the last second of 1969: BigQuery's client reads it as one second later. */
const instant = fc
  .date({ min: new Date("0001-01-01T00:00:00Z"), max: new Date("9999-12-31T23:59:59Z"), noInvalidDate: true })
  .filter((date) => date.getTime() <= -1000 || date.getTime() >= 0);
const anyScalar: Record<Exclude<Column["type"], "RECORD">, fc.Arbitrary<unknown>> = {
  STRING: fc.string({ unit: "grapheme" }),
  INT64: fc.maxSafeInteger(),
  FLOAT64: fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
  BOOL: fc.boolean(),
  DATE: instant.map((date) => date.toISOString().slice(0, 10)),
  TIMESTAMP: instant.map((date) => date.toISOString()),
};
