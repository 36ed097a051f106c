import type { Counts, Outcome, Reason, RunState, StoreUrls } from "../../core/types.ts";

/**
 * `runs/<runId>/report.json`: what the page says, as numbers. Holds no time of its own making: equal runs give equal
 * bytes. Times are in milliseconds, instants RFC 3339.
 */
export interface RunNumbers {
  format: 1;
  runId: string;
  planId: string;
  runDate: string;
  state: RunState;
  jobs: string[];
  stores: StoreUrls;
  archiveDays: number;
  /** Of the manifest; `unchanged` ones are in no shard and have no row. */
  listed: number;
  unchanged: number;
  counts: Counts;
  rowsLoaded: number | null;
  shards: { planned: number; committed: number };
  /** From the start of the first shard to the end of the last; listing, start-up and load are outside. */
  processing: { startedAt: string | null; endedAt: string | null; wallMs: number; imagesPerSecond: number; bytesPerSecond: number };
  /** Work of the committed shards: as the plan predicted it, and as threads spent it. */
  work: { predictedMs: number; actualMs: number };
  reasons: ReasonNumbers[];
  warnings: TextCount[];
  throughput: Throughput;
  timings: StageNumbers[];
  slowestImages: SlowImage[];
  slowestShards: SlowShard[];
  formats: { format: string; objects: number; bytes: number; megapixels: number; processMs: number }[];
  sizes: Bin[];
  megapixels: Bin[];
  /** A few images that are ok, chosen by a hash of the name, each with an output to show. */
  samples: { name: string; generation: string; job: string; variant: string; format: string }[];
  outputs: { job: string; variant: string; format: string; objects: number; bytes: number }[];
}

/** Milliseconds of one image; `total` of all. */
export interface StageNumbers {
  stage: "read" | "queue" | "process" | "write";
  p50: number;
  p90: number;
  p99: number;
  max: number;
  total: number;
}

/** Only `skipped` and `quarantined` have reasons. */
export interface ReasonNumbers {
  outcome: Outcome;
  reason: Reason;
  objects: number;
  bytes: number;
  messages: TextCount[];
  /** The first few, in the order of the shards: what the page can show or name. */
  examples: Example[];
}

export interface Example {
  name: string;
  generation: string;
  sizeBytes: number;
  message: string | null;
}

/** Texts that differ in numbers and quoted names only count as one; `text` is the first of them. */
export interface TextCount {
  text: string;
  objects: number;
  example: string;
}

export interface Throughput {
  startedAt: string | null;
  bucketMs: number;
  buckets: { ok: number; skipped: number; quarantined: number }[];
}

export interface SlowImage extends Example {
  format: string | null;
  megapixels: number | null;
  readMs: number;
  processMs: number;
  writeMs: number;
}

export interface SlowShard {
  shard: string;
  objects: number;
  bytes: number;
  wallMs: number;
  workMs: number;
  predictedMs: number;
}

/** Objects with `from` <= value < `below`; the last bin has no end. */
export interface Bin {
  from: number;
  below: number | null;
  objects: number;
}
