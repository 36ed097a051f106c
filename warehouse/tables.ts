import type { ImageRow, RunRow } from "../core/rows.ts";

export type ScalarType = "STRING" | "INT64" | "FLOAT64" | "BOOL" | "DATE" | "TIMESTAMP";
type ColumnMode = "REQUIRED" | "NULLABLE" | "REPEATED";

/** One column, in BigQuery's words; DuckDB's come from `duckdb-sql.ts`. */
export interface Column {
  name: string;
  type: ScalarType | "RECORD";
  mode: ColumnMode;
  description: string;
  /** Of a RECORD. */
  fields?: Column[];
}

export interface Table {
  name: "images" | "runs";
  description: string;
  columns: Column[];
  /** BigQuery only: DuckDB finds a run by its row groups' minima and maxima. */
  partitionBy?: string;
  clusterBy?: string[];
}

/** Raise it with every change of a table or view, so that an older program recognises a newer warehouse. */
export const schemaVersion = 1;

/** A row type as columns: one that is missing, excess, of the wrong type or mode does not compile. */
type ColumnsOf<Row> = { [Name in keyof Row]-?: ColumnOf<Row[Name]> };
type ColumnOf<V> = null extends V
  ? Described<"NULLABLE", NonNullable<V>>
  : [V] extends [(infer E)[]]
    ? Described<"REPEATED", E>
    : Described<"REQUIRED", V>;
type Described<Mode extends ColumnMode, V> = { mode: Mode; description: string } & ([V] extends [string]
  ? { type: "STRING" | "DATE" | "TIMESTAMP" }
  : [V] extends [number]
    ? { type: "INT64" | "FLOAT64" }
    : [V] extends [boolean]
      ? { type: "BOOL" }
      : { type: "RECORD"; fields: ColumnsOf<V> });

const scalar =
  <Mode extends ColumnMode>(mode: Mode) =>
  <Type extends ScalarType>(type: Type, description: string) => ({ mode, type, description });
const required = scalar("REQUIRED");
const nullable = scalar("NULLABLE");
const repeated = scalar("REPEATED");
const record = <Mode extends ColumnMode, Fields>(mode: Mode, description: string, fields: Fields) =>
  ({ mode, type: "RECORD", description, fields }) as const;

const imageColumns: ColumnsOf<ImageRow> = {
  run_id: required("STRING", "The run that made this row."),
  run_date: required("DATE", "The run's date, UTC; the partition."),
  jobs: required("STRING", "Names and versions of the run's jobs, sorted, e.g. facts@1,thumbnails@1."),
  bucket: required("STRING", "The ingestion bucket, or the URL of the source folder."),
  name: required("STRING", "Name of the source object."),
  generation: required("STRING", "Generation of the source object that was processed; decimal, exceeds 2^53."),
  crc32c: nullable("STRING", "CRC-32C of the source object, base64 of the big-endian value."),
  sha256: nullable("STRING", "SHA-256 of the source object, hex; absent where it was never read."),
  size_bytes: required("INT64", "Size of the source object."),
  content_type: nullable("STRING", "Content type that the ingestion bucket states."),
  format: nullable("STRING", "What the bytes are: jpeg, png, webp, gif, avif, heif, tiff, ..."),
  width: nullable("INT64", "Pixels, of the upright image."),
  height: nullable("INT64", "Pixels, of the upright image."),
  megapixels: nullable("FLOAT64", "width x height / 1,000,000."),
  color_space: nullable("STRING", "srgb, cmyk, b-w, ..."),
  channels: nullable("INT64", "Channels, alpha included."),
  bit_depth: nullable("STRING", "uchar, ushort, float, ..."),
  has_alpha: nullable("BOOL", "Whether there is an alpha channel."),
  orientation: nullable("INT64", "EXIF orientation 1-8, as stored; outputs are upright."),
  pages: nullable("INT64", "Pages or frames."),
  taken_at: nullable("TIMESTAMP", "EXIF time of the photograph; the camera's clock taken as UTC where the file states no offset."),
  camera_make: nullable("STRING", "EXIF make."),
  camera_model: nullable("STRING", "EXIF model."),
  lens: nullable("STRING", "EXIF lens model."),
  gps_latitude: nullable("FLOAT64", "Degrees north; only where the configuration asks for it."),
  gps_longitude: nullable("FLOAT64", "Degrees east; only where the configuration asks for it."),
  fingerprint: nullable("STRING", "64-bit perceptual hash as 16 hex digits, where a job computes it."),
  outcome: required("STRING", "ok, skipped or quarantined."),
  reason: nullable("STRING", "Why it is not ok: empty, corrupt, timeout, duplicate, ..."),
  message: nullable("STRING", "What happened, for people."),
  warnings: repeated("STRING", "What was odd about an image that is ok nevertheless."),
  twin: record("NULLABLE", "Of a duplicate: the object whose outputs stand for it.", {
    run_id: required("STRING", "The run that processed the twin."),
    name: required("STRING", "Name of the twin."),
    generation: required("STRING", "Generation of the twin."),
  }),
  shard: required("STRING", "The shard that the object was assigned to."),
  attempt: required("STRING", "The attempt whose commit won."),
  processed_at: required("TIMESTAMP", "When the outcome was known."),
  timings: record("REQUIRED", "Where the time went, in milliseconds.", {
    read_ms: required("FLOAT64", "Reading the source object."),
    queue_ms: required("FLOAT64", "Waiting between read and thread."),
    process_ms: required("FLOAT64", "In the thread: header, decode, jobs."),
    write_ms: required("FLOAT64", "Writing outputs to the archive."),
  }),
  outputs: record("REPEATED", "Objects written for this source object.", {
    job: required("STRING", "The job that made it; source for the archived copy of the source object."),
    variant: required("STRING", "Which of the job's outputs it is."),
    uri: required("STRING", "Where it is; the archive deletes it after its days."),
    member: nullable("STRING", "Name inside uri when that is a tar."),
    generation: required("STRING", "Generation of the object at uri."),
    crc32c: required("STRING", "CRC-32C of the object at uri."),
    size_bytes: required("INT64", "Size of the output."),
    width: nullable("INT64", "Pixels."),
    height: nullable("INT64", "Pixels."),
    format: required("STRING", "jpeg, webp, avif, png, ..."),
  }),
};

const runColumns: ColumnsOf<RunRow> = {
  run_id: required("STRING", "Run date and a digest of source, selection, jobs and rerun number."),
  run_date: required("DATE", "The run's date, UTC."),
  plan_id: required("STRING", "Digest of the plan."),
  jobs: required("STRING", "Names and versions of the jobs, sorted."),
  source: required("STRING", "URL of the source."),
  engine: required("STRING", "local, spark, dataproc or compute."),
  state: required("STRING", "The run's state when this row was written; a run has a row only once it is sealed and loaded."),
  listed: required("INT64", "Source objects in the manifest."),
  unchanged: required("INT64", "Of those: done by an earlier run, no row."),
  objects: required("INT64", "Of those: in shards, one row each. ok + skipped + quarantined."),
  ok: required("INT64", "Processed."),
  skipped: required("INT64", "Duplicates, and objects that changed after they were listed."),
  quarantined: required("INT64", "Could not be processed; replay takes them up again."),
  outputs: required("INT64", "Objects written to the archive."),
  shards: required("INT64", "Shards of the plan."),
  bytes_in: required("INT64", "Bytes of source objects read."),
  bytes_out: required("INT64", "Bytes of outputs written."),
  started_at: required("TIMESTAMP", "When its work began; orders runs, see image_latest."),
  ended_at: required("TIMESTAMP", "When its rows were loaded."),
  wall_ms: required("FLOAT64", "From start to load done."),
  images_per_second: required("FLOAT64", "Objects given an outcome / wall time."),
  predicted_ms: required("FLOAT64", "What the plan predicted."),
  predicted_cost: nullable("FLOAT64", "Predicted price, in the currency of the prices in the configuration; null without them."),
  actual_cost: nullable("FLOAT64", "Price of the machines for as long as they worked, start-up included; null without prices."),
  config_digest: required("STRING", "Digest of what the run was asked for."),
  code_digest: required("STRING", "Digest of imagemill, sharp and libvips."),
};

export const imagesTable: Table = {
  name: "images",
  description: "One row per source object in a shard, per run.",
  columns: columnList(imageColumns),
  partitionBy: "run_date",
  clusterBy: ["name"],
};

export const runsTable: Table = {
  name: "runs",
  description: "One row per loaded run.",
  columns: columnList(runColumns),
};

export const tables: readonly Table[] = [imagesTable, runsTable];

function columnList(columns: object): Column[] {
  return Object.entries(columns as Record<string, Omit<Column, "name" | "fields"> & { fields?: object }>).map(
    ([name, { mode, type, description, fields }]) =>
      fields === undefined ? { name, mode, type, description } : { name, mode, type, description, fields: columnList(fields) },
  );
}
