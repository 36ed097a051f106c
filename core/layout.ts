import { createHash } from "node:crypto";
import { escapeName } from "./names.ts";

/** Names in the control store. */
export const controlNames = {
  runs: "runs/",
  run: (runId: string) => `runs/${runId}/`,
  plan: (runId: string) => `runs/${runId}/plan.json`,
  /** `digest` makes racing planners write different names, or the same bytes. */
  manifestPart: (runId: string, index: number, digest: string) =>
    `runs/${runId}/manifest/part-${String(index).padStart(5, "0")}-${digest}.ndjson.gz`,
  shard: (runId: string, shard: string) => `runs/${runId}/shards/${shard}.ndjson.gz`,
  /** What a Spark application is to do; `digest` of its content. */
  specification: (runId: string, digest: string) => `runs/${runId}/spec-${digest}.json`,
  submit: (runId: string) => `runs/${runId}/submit.json`,
  attempts: (runId: string, shard: string) => `runs/${runId}/attempts/${shard}/`,
  rows: (runId: string, shard: string, attempt: string) => `runs/${runId}/attempts/${shard}/${attempt}/rows.ndjson.gz`,
  inFlight: (runId: string, shard: string, attempt: string) => `runs/${runId}/attempts/${shard}/${attempt}/in-flight.json`,
  /** Which shards each Batch task does, a line a task; `digest` of the text. */
  taskShards: (runId: string, digest: string) => `runs/${runId}/tasks/${digest}.txt`,
  /** Followed by `<task>.<attempt>.log`: what a Batch task that failed said last. */
  lastWords: (runId: string, batchJob: string) => `runs/${runId}/tasks/${batchJob}/`,
  commits: (runId: string) => `runs/${runId}/commits/`,
  commit: (runId: string, shard: string) => `runs/${runId}/commits/${shard}.json`,
  cancel: (runId: string) => `runs/${runId}/cancel.json`,
  accepted: (runId: string) => `runs/${runId}/accepted.json`,
  seal: (runId: string) => `runs/${runId}/seal.json`,
  load: (runId: string) => `runs/${runId}/load.json`,
  /** Created last of all: nothing is left to do. */
  done: (runId: string) => `runs/${runId}/done.json`,
  report: (runId: string) => `runs/${runId}/report.json`,
  reportPage: (runId: string) => `runs/${runId}/report.html`,
  ledger: (key: string) => `ledger/${key}/`,
  /** Created last: its presence makes the parts it names a segment. */
  ledgerSegment: (key: string, number: number) => `ledger/${key}/${segmentNumber(number)}.json`,
  ledgerParts: (key: string) => `ledger/${key}/parts/`,
  ledgerPart: (key: string, digest: string) => `ledger/${key}/parts/${digest}.ndjson.gz`,
  ledgerMerges: (key: string) => `ledger/${key}/merged/`,
  /** Holds what the segments [from, to) hold, newest answer a name: fewer files to read. */
  ledgerMerge: (key: string, from: number, to: number) => `ledger/${key}/merged/${segmentNumber(from)}-${segmentNumber(to)}.json`,
  /** `digest` of the jobs' digests. */
  cost: (digest: string) => `cost/${digest}.json`,
  /** What nodes of clusters execute; the file's name carries a digest of its content. */
  runtime: (file: string) => `runtime/${file}`,
  quarantine: (runId: string, name: string, generation: string) => `quarantine/${runId}/${escapeName(name)}@${generation}`,
} as const;

function segmentNumber(number: number): string {
  return String(number).padStart(6, "0");
}

/** Two hex digits spread writes over 256 prefixes. */
export function spreadOf(name: string): string {
  return createHash("sha256").update(name).digest("hex").slice(0, 2);
}

/** Names in the archive. `extension` without the dot; empty leaves the name without one. */
export const archiveNames = {
  run: (runDate: string, runId: string) => `${runDate}/${runId}/`,
  /** Tells people what the folder is; the first object of a run there. */
  mark: (place: { runDate: string; runId: string }) => `${place.runDate}/${place.runId}/_metadata/run.json`,
  output: (
    place: { runDate: string; runId: string },
    job: string,
    variant: string,
    object: { name: string; generation: string },
    extension: string,
  ) =>
    `${place.runDate}/${place.runId}/${spreadOf(object.name)}/${job}/${variant}/${escapeName(object.name)}@${object.generation}${extension === "" ? "" : `.${extension}`}`,
  source: (place: { runDate: string; runId: string }, object: { name: string; generation: string }, extension: string) =>
    `${place.runDate}/${place.runId}/${spreadOf(object.name)}/source/${escapeName(object.name)}@${object.generation}${extension === "" ? "" : `.${extension}`}`,
  /** An object made for a whole shard (tar, Parquet), copied here at seal. */
  shardOutput: (place: { runDate: string; runId: string }, job: string, variant: string, shard: string, extension: string) =>
    `${place.runDate}/${place.runId}/_shards/${job}/${variant}/${shard}${extension === "" ? "" : `.${extension}`}`,
  metadata: (place: { runDate: string; runId: string }, shard: string) => `${place.runDate}/${place.runId}/_metadata/${shard}.ndjson.gz`,
} as const;
