import type { Outcome, Reason } from "./types.ts";

/**
 * One row of the warehouse table `images`, exactly as a rows file stores it (NDJSON, keys in this order).
 * `warehouse/tables.ts` holds the same columns as data; a test keeps the two equal.
 */
export interface ImageRow {
  run_id: string;
  /** YYYY-MM-DD; the partition. */
  run_date: string;
  /** Names and versions, e.g. `facts@1,thumbnails@1`. */
  jobs: string;
  /** Root of the source: a bucket, or the URL of a folder. */
  bucket: string;
  name: string;
  generation: string;
  crc32c: string | null;
  sha256: string | null;
  size_bytes: number;
  content_type: string | null;
  format: string | null;
  /** Of the upright image: EXIF orientation 5-8 swaps what the file stores. */
  width: number | null;
  height: number | null;
  megapixels: number | null;
  color_space: string | null;
  channels: number | null;
  bit_depth: string | null;
  has_alpha: boolean | null;
  orientation: number | null;
  pages: number | null;
  taken_at: string | null;
  camera_make: string | null;
  camera_model: string | null;
  lens: string | null;
  gps_latitude: number | null;
  gps_longitude: number | null;
  /** 64-bit perceptual hash as 16 hex digits, where a job computes it. */
  fingerprint: string | null;
  outcome: Outcome;
  reason: Reason | null;
  message: string | null;
  warnings: string[];
  twin: TwinRef | null;
  shard: string;
  attempt: string;
  processed_at: string;
  timings: Timings;
  outputs: OutputRow[];
}

export interface TwinRef {
  run_id: string;
  name: string;
  generation: string;
}

/** Milliseconds. `process_ms` is time in the thread; `queue_ms` the wait between read and thread. */
export interface Timings {
  read_ms: number;
  queue_ms: number;
  process_ms: number;
  write_ms: number;
}

export interface OutputRow {
  /** `source` for the archived copy of the source image. */
  job: string;
  variant: string;
  uri: string;
  /** Name inside `uri` when that is a tar. */
  member: string | null;
  generation: string;
  crc32c: string;
  size_bytes: number;
  width: number | null;
  height: number | null;
  format: string;
}

/** One row of the warehouse table `runs`. */
export interface RunRow {
  run_id: string;
  run_date: string;
  plan_id: string;
  jobs: string;
  source: string;
  engine: string;
  state: string;
  listed: number;
  unchanged: number;
  objects: number;
  ok: number;
  skipped: number;
  quarantined: number;
  outputs: number;
  shards: number;
  bytes_in: number;
  bytes_out: number;
  started_at: string;
  ended_at: string;
  wall_ms: number;
  images_per_second: number;
  predicted_ms: number;
  predicted_cost: number | null;
  actual_cost: number | null;
  config_digest: string;
  code_digest: string;
}
