/**
 * The two Parquet files of the page, one column an entry. Names and messages have control and direction-changing
 * characters written out already, so that the page can show them as they are. Instants are milliseconds since 1970.
 */
export const imageColumns = {
  run_id: "STRING",
  name: "STRING",
  generation: "STRING",
  outcome: "STRING",
  reason: "STRING?",
  message: "STRING?",
  format: "STRING?",
  color_space: "STRING?",
  camera: "STRING?",
  width: "DOUBLE?",
  height: "DOUBLE?",
  megapixels: "DOUBLE?",
  size_bytes: "DOUBLE",
  output_bytes: "DOUBLE",
  processed_at: "DOUBLE",
  read_ms: "FLOAT",
  process_ms: "FLOAT",
  write_ms: "FLOAT",
  /** See `packLink`; null where there is no output. */
  output_pattern: "STRING?",
  output_spread: "STRING?",
} as const;

export const runColumns = {
  run_id: "STRING",
  run_date: "STRING",
  engine: "STRING",
  jobs: "STRING",
  source: "STRING",
  objects: "DOUBLE",
  ok: "DOUBLE",
  skipped: "DOUBLE",
  quarantined: "DOUBLE",
  outputs: "DOUBLE",
  bytes_in: "DOUBLE",
  bytes_out: "DOUBLE",
  started_at: "DOUBLE",
  ended_at: "DOUBLE",
  wall_ms: "DOUBLE",
  images_per_second: "DOUBLE",
  predicted_ms: "DOUBLE",
  predicted_cost: "DOUBLE?",
  actual_cost: "DOUBLE?",
} as const;

type ColumnType = "STRING" | "STRING?" | "DOUBLE" | "DOUBLE?" | "FLOAT";
export type Columns = Record<string, ColumnType>;

/** One row, as it goes in. */
export type RowOf<C extends Columns> = {
  [K in keyof C]: C[K] extends "STRING"
    ? string
    : C[K] extends "STRING?"
      ? string | null
      : C[K] extends "DOUBLE" | "FLOAT"
        ? number
        : number | null;
};

/** All rows, as they come out: a column each; a number that is null is NaN. */
export type TableOf<C extends Columns> = { rows: number } & {
  [K in keyof C]: C[K] extends "STRING" ? string[] : C[K] extends "STRING?" ? (string | null)[] : Float64Array;
};

export type ImageRecord = RowOf<typeof imageColumns>;
export type RunRecord = RowOf<typeof runColumns>;
export type ImageTable = TableOf<typeof imageColumns>;
export type RunTable = TableOf<typeof runColumns>;
