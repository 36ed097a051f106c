import type { Link } from "./engines/engine.ts";
import type { Counts, QuarantineReason, Reason, RunState } from "../core/types.ts";

/** Why a verb did not reach its end; the same three things every error says. */
export interface Problem {
  code: string;
  message: string;
  hint?: string;
}

/** Where people find what a run made: absolute URIs. */
export interface RunPlaces {
  archive: string;
  warehouse: string;
  control: string;
  report: string;
}

/** What `run`, `finish` and `replay` end with. The first fourteen members are the line of `run --json`, in this order. */
export interface RunSummary {
  runId: string;
  planId: string;
  state: RunState;
  /** Everything in the manifest: objects in shards and unchanged ones. */
  listed: number;
  ok: number;
  skipped: number;
  quarantined: number;
  outputs: number;
  rowsLoaded: number;
  bytesIn: number;
  bytesOut: number;
  /** Time during which a worker or this process worked on the run; from process start to load done where one process did all. */
  wallMs: number;
  imagesPerSecond: number;
  /** URI of the report page; empty while there is none. */
  report: string;

  exitCode: number;
  /** Set when `exitCode` is not 0. */
  problem?: Problem;
  unchanged: number;
  shards: { committed: number; total: number };
  /**
   * Of rows that are not `ok`; most frequent first, with the first names, at most three. Empty before the gate; where it
   * is closed, of a large run only what the first rows files hold.
   */
  reasons: { reason: Reason; count: number; examples: string[] }[];
  places: RunPlaces;
  /** Part of the work had been done before this process began. */
  resumed: boolean;
  /** The run was finished already: nothing was written. */
  finished: boolean;
  /** Earlier runs of the same request that this process continued first. */
  continued: RunSummary[];
}

/** What `submit` ends with. */
export interface SubmitSummary {
  runId: string;
  planId: string;
  state: RunState;
  engine: string;
  /** The work goes on elsewhere, without this process. */
  remote: boolean;
  shards: { committed: number; total: number };
  links: Link[];
  exitCode: number;
  problem?: Problem;
}

/** What `plan` ends with. The first seven members are the line of `plan --json`. */
export interface PlanSummary {
  planId: string;
  objects: number;
  bytes: number;
  shards: number;
  /** Wall time on the configured engine, from its start to its last worker's end; without seal, load and report. */
  predictedSeconds: number;
  /** In `currency`; null where a price that it takes is not given, or the cluster is not known. */
  predictedCost: number | null;
  /** Longest shard / mean shard. */
  skew: number;

  runId: string;
  /** In the manifest and done by an earlier run. */
  unchanged: number;
  /** A stored plan was found and taken. */
  adopted: boolean;
  saved: boolean;
  engine: string;
  /** Shards at once that the prediction counts with. */
  workers: number;
  /** Nothing says how large the engine's cluster is: this machine stands in for it. */
  assumed: boolean;
  currency: string;
}

export interface RunStatus {
  runId: string;
  state: RunState;
  cancelled: boolean;
  planId?: string;
  jobs?: string;
  listed: number;
  unchanged: number;
  /** In shards. */
  objects: number;
  bytes: number;
  shards: StatusShards;
  /** Of committed shards. */
  counts: Counts;
  /** First uncommitted shards, at most ten. */
  missing: string[];
  /** First commit's start, last commit's end; RFC 3339. */
  startedAt?: string;
  lastCommitAt?: string;
  /** Of a finished run as it was recorded; before, from commits alone: objects / time during which some worker worked. */
  imagesPerSecond: number;
  /** Of what is left, at the pace so far; absent before the first commit. */
  remainingMs?: number;
  /** Now and what remains; RFC 3339. Absent where nobody is seen to work. */
  predictedEndAt?: string;
  /** The image in flight for longest, of the shards that come next. */
  slowest?: { name: string; shard: string; ms: number };
  rowsLoaded?: number;
  /** A driver on this machine that holds the run. */
  driver?: LockHolder;
  /** What a remote engine says. */
  remote?: { engine: string; state: string; message?: string; links: Link[] };
  places?: RunPlaces;
  /** What to do next: one command. */
  next: string;
}

/** Commits are the truth; the rest is what the engine and the attempts' own notes tell. */
export interface StatusShards {
  committed: number;
  total: number;
  running: number;
  waiting: number;
  /** Attempts beyond each shard's first, as far as is known. */
  retried: number;
  /** Begun, and nobody seems to work on them any more. */
  lost: number;
  /** Given up by the engine after so many attempts. */
  failed: number;
}

export interface LockHolder {
  pid: number;
  host: string;
  /** RFC 3339 */
  since: string;
}

export interface CancelResult {
  runId: string;
  /** What was running: a driver on this machine, a remote engine, nothing that could be seen from here. */
  stopped: "driver" | "remote" | "nothing";
  state: RunState;
}

export interface ReplayOptions {
  /** Which quarantined objects; default: all. */
  reasons?: QuarantineReason[];
  /** The Nth replay of the same run with the same jobs; default 1. */
  number?: number;
}

export interface Violation {
  code: string;
  message: string;
}

/** What `verify` ends with. */
export interface VerifyResult {
  runId: string;
  holds: boolean;
  /** At most a hundred; a last one says how many more there are. */
  violations: Violation[];
  /** Outputs that the archive's lifecycle has taken: no violation. */
  expiredOutputs: number;
  state: RunState;
  checked: { shards: number; rows: number; outputs: number; warehouseRows: number };
}
