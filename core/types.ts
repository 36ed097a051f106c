/**
 * Terminology. The same words are used in code, files, tables, logs and docs.
 *
 * - source object: one object of the ingestion bucket, pinned by its generation.
 * - manifest: the frozen listing of source objects.
 * - shard: the unit of assignment, retry and commit: a set of source objects.
 * - plan: manifest + jobs + policy -> shards; immutable.
 * - run: one execution of a plan.
 * - job: one image transform (`jobs/`). Others are always named in full: load job, Dataproc batch, Batch task.
 * - engine: where shards execute (local, spark, dataproc, compute).
 * - driver: the submitting process. worker: a Node process on a node, running one shard.
 *   thread: a piscina thread of a worker. task: one image in a thread.
 * - attempt: one try at a shard.
 * - commit: the create-only object that makes one attempt of a shard the winner.
 * - outcome: exactly one per source object: ok, skipped or quarantined, with a reason code.
 * - output, variant: an object written for a source object; which of the job's outputs it is.
 * - facts: metadata extracted from an image.
 * - archive: the place of processed images and metadata, deleted after 7 days by a lifecycle rule.
 * - control store: plans, rows, commits, ledger; outlives the archive.
 * - ledger: what is done, across runs: (source name, generation, jobs) -> outcome.
 * - partition: only a BigQuery partition.
 */

export type Outcome = "ok" | "skipped" | "quarantined";

export const quarantineReasons = [
  "empty",
  "not_an_image",
  "unsupported_format",
  "corrupt",
  "truncated",
  "too_many_pixels",
  "too_large",
  "timeout",
  "crashed",
  "unreadable",
  "job_error",
] as const;
export type QuarantineReason = (typeof quarantineReasons)[number];

export const skipReasons = ["unchanged", "duplicate", "source_changed"] as const;
export type SkipReason = (typeof skipReasons)[number];

export type Reason = QuarantineReason | SkipReason;

/** One object of the ingestion bucket, pinned. Names are relative to the source root. */
export interface SourceObject {
  name: string;
  /** Decimal string: GCS generations exceed 2^53. */
  generation: string;
  sizeBytes: number;
  /** Base64 of the big-endian CRC-32C, as GCS writes it; absent where a store computes it only on read. */
  crc32c?: string;
  contentType?: string;
  /** Object metadata `pixels` ("WIDTHxHEIGHT") where an uploader set it; sharpens the cost of the object. */
  pixels?: number;
}

/** A job as a plan pins it: `digest` covers name, version, params and, for a user's module, its source text. */
export interface PlannedJob {
  name: string;
  version: number;
  /** Validated and with defaults filled in. */
  params: unknown;
  /** Absolute file path of a user's own job module; absent for the built-in jobs. */
  module?: string;
  digest: string;
}

/** A twin that an earlier run processed and whose outputs live at least a day more. */
export interface LedgerTwin {
  name: string;
  generation: string;
  sha256: string;
  runId: string;
}

/** One line of `shards/<id>.ndjson.gz`. */
export interface ShardEntry extends SourceObject {
  /** Where a replay reads the bytes when the pinned generation is gone: a name in the control store. */
  quarantineCopy?: string;
  /** Candidates by size and crc32c; the worker decides by SHA-256. */
  twins?: LedgerTwin[];
}

/** One line of `manifest/part-*.ndjson.gz`: an entry is either `unchanged` or in exactly one shard. */
export interface ManifestEntry extends SourceObject {
  unchanged?: true;
}

export interface ShardSummary {
  /** `<sequence>-<digest of the entries>`: equal ids hold equal entries. */
  id: string;
  objects: number;
  bytes: number;
  predictedMs: number;
}

/** What every worker obeys. All of it comes from the config; a plan freezes it. */
export interface Policy {
  limits: Limits;
  archive: ArchivePolicy;
  gate: GatePolicy;
  packing: PackingPolicy;
}

export interface Limits {
  /** Hard deadline of one image, in its thread, read and write excluded. */
  imageTimeoutMs: number;
  shardTimeoutMs: number;
  runTimeoutMs: number;
  /** Larger source objects are quarantined `too_large` without being read. */
  maxObjectBytes: number;
  /** Larger images are quarantined `too_many_pixels` from their header. */
  maxPixels: number;
  /** Resident memory of one worker's pool process. Read-ahead and decode budgets derive from it. */
  workerMemoryBytes: number;
  /** Attempts at reading or writing one object, first one included. */
  storageAttempts: number;
  /** Requests in flight per process against one store. */
  storageConcurrency: number;
}

export interface ArchivePolicy {
  /** Age at which the lifecycle rule deletes, in days. */
  days: number;
  /** Copy each processed source image into the archive. */
  sources: boolean;
  /** `move` deletes the ingestion object after load, under the rules of docs/operations.md. */
  onArchived: "keep" | "move";
  /** fsync outputs too: needed only where a power cut must not cost a rerun. */
  durable: boolean;
}

export interface GatePolicy {
  maxQuarantinedRatio: number;
}

export interface PackingPolicy {
  /** Predicted work of a shard, at most. */
  shardSeconds: number;
  /** A small run is cut at least this fine, so that every worker gets a share. */
  minShards: number;
  maxShardObjects: number;
  maxShardBytes: number;
}

/** What the run id covers. */
export interface RunRequest {
  /** Source URL as written, `{run_date}` not expanded, so that one request has one digest on every date. */
  source: string;
  select: Selection;
  jobs: PlannedJob[];
  rerun: number;
  /** A replay: the parent run and which of its quarantined objects. */
  replay?: { runId: string; reasons: QuarantineReason[]; number: number };
}

export interface Selection {
  include: string[];
  exclude: string[];
  /** RFC 3339 instants; objects created at or after / before them. May contain `{run_date}`. */
  createdAfter?: string;
  createdBefore?: string;
  /** First N of the sorted listing. */
  limit?: number;
  /** Share of names, chosen by a hash of the name: the same on every machine. */
  sample?: number;
  reprocess: boolean;
}

/** Digests of what executes; a worker that differs ends with exit code 4. */
export interface CodeDigests {
  imagemill: string;
  sharp: string;
  libvips: string;
}

/** `runs/<runId>/plan.json`. Immutable; holds no wall-clock time. */
export interface Plan {
  format: 1;
  runId: string;
  planId: string;
  /** YYYY-MM-DD, UTC. */
  runDate: string;
  /** Digest of the request, the policy and the store URLs. */
  requestDigest: string;
  request: RunRequest;
  policy: Policy;
  stores: StoreUrls;
  code: CodeDigests;
  manifest: { parts: string[]; objects: number; bytes: number; unchanged: number };
  /** Longest first: the order of submission. */
  shards: ShardSummary[];
  predictedMs: number;
  /** Ledger segments read: everything below this number. */
  ledgerBelow: number;
}

/** Expanded: `{run_date}` filled in. */
export interface StoreUrls {
  source: string;
  archive: string;
  control: string;
  warehouse: string;
}

export interface Counts {
  /** ok + skipped + quarantined */
  objects: number;
  ok: number;
  skipped: number;
  quarantined: number;
  outputs: number;
  bytesIn: number;
  bytesOut: number;
}

/** An object as a later reader can check it. */
export interface StoredFile {
  name: string;
  generation: string;
  sizeBytes: number;
  crc32c: string;
}

/** `runs/<runId>/commits/<shard>.json`, created with ifGeneration 0. */
export interface Commit {
  format: 1;
  runId: string;
  planId: string;
  shard: string;
  attempt: string;
  /** Recognises our own write after a lost reply. */
  writeId: string;
  counts: Counts;
  rows: StoredFile;
  /** Objects made for the whole shard (tar, Parquet), copied into the archive at seal. */
  shardOutputs: { job: string; variant: string; file: StoredFile }[];
  startedAt: string;
  endedAt: string;
}

/** `runs/<runId>/seal.json`: freezes the load. No timestamps, so that two drivers write the same bytes. */
export interface Seal {
  format: 1;
  runId: string;
  planId: string;
  runDate: string;
  counts: Counts;
  unchanged: number;
  commits: { shard: string; attempt: string; rows: StoredFile }[];
  /** Set when a person accepted more quarantined objects than the gate allows. */
  acceptedQuarantined: boolean;
  load: { warehouse: string; table: "images"; rows: number };
}

/** `runs/<runId>/load.json` */
export interface LoadRecord {
  format: 1;
  runId: string;
  sealDigest: string;
  loadIds: string[];
  rows: number;
  adopted: boolean;
  loadedAt: string;
}

/** `runs/<runId>/submit.json`, remote engines only. Replaced, at its generation, when a later submission follows. */
export interface SubmitRecord {
  format: 1;
  runId: string;
  engine: string;
  /** 1, 2, …: one more each time the work ended and left shards without a commit. */
  submission: number;
  handle: unknown;
}

/** One line of a ledger segment; segments are sorted by name. */
export interface LedgerEntry {
  name: string;
  generation: string;
  sizeBytes: number;
  crc32c: string;
  sha256: string;
  outcome: Outcome;
  reason?: Reason;
  runId: string;
  /** YYYY-MM-DD: the day on which the archive may delete this entry's outputs. */
  outputsExpire?: string;
}

export type RunState = "absent" | "planned" | "running" | "committed" | "gated" | "sealed" | "loaded" | "done";
