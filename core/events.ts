import type { Counts, RunState } from "./types.ts";

/** What a worker says on its stdout, one JSON line each; engines and `status` read nothing else of it. */
export type WorkerEvent =
  | { type: "shard-started"; shard: string; attempt: string; objects: number }
  /** Since the start of the attempt; at most a few a second. `slowest` names the image in flight for longest. */
  | { type: "progress"; shard: string; attempt: string; counts: Counts; slowest?: { name: string; ms: number } }
  | { type: "quarantined"; shard: string; name: string; reason: string; message: string }
  | { type: "shard-committed"; shard: string; attempt: string; counts: Counts; wallMs: number }
  /** Another attempt had won: not an error. */
  | { type: "shard-superseded"; shard: string; attempt: string; winner: string }
  | { type: "shard-failed"; shard: string; attempt: string; code: string; message: string; hint?: string };

/** What the driver tells its audience: the terminal, `--json`, a scheduler. */
export type RunEvent =
  | { type: "state"; runId: string; state: RunState; note?: string }
  | { type: "listing"; objects: number; bytes: number }
  | {
      type: "planned";
      runId: string;
      objects: number;
      unchanged: number;
      bytes: number;
      shards: number;
      /** Wall time on the configured engine. */
      predictedMs: number;
      adopted: boolean;
    }
  | { type: "submitted"; engine: string; links: { label: string; url: string }[] }
  | {
      type: "progress";
      /** What is going on. Default: processing. */
      phase?: string;
      /** Of committed shards and, where the engine tells, of those in work. */
      done: Counts;
      shards: ShardProgress;
      total: { objects: number; bytes: number; shards: number };
      /** The image in flight for longest, where the engine tells. */
      slowest?: { name: string; ms: number };
      /** Where work is heard of shard by shard: what the last seconds cannot tell. */
      pace?: Pace;
    }
  /** Work without a known end; the first figure is the last to leave a narrow terminal. */
  | { type: "activity"; phase: string; figures: string[] }
  | { type: "notice"; level: "info" | "warn"; text: string };

export interface Pace {
  /** Images/s while somebody worked. */
  imagesPerSecond: number;
  /** Of what is left; absent before the first commit. */
  remainingMs?: number;
}

export interface ShardProgress {
  committed: number;
  running: number;
  waiting: number;
  retried: number;
  failed: number;
}

export function emptyCounts(): Counts {
  return { objects: 0, ok: 0, skipped: 0, quarantined: 0, outputs: 0, bytesIn: 0, bytesOut: 0 };
}

export function addCounts(a: Counts, b: Counts): Counts {
  return {
    objects: a.objects + b.objects,
    ok: a.ok + b.ok,
    skipped: a.skipped + b.skipped,
    quarantined: a.quarantined + b.quarantined,
    outputs: a.outputs + b.outputs,
    bytesIn: a.bytesIn + b.bytesIn,
    bytesOut: a.bytesOut + b.bytesOut,
  };
}
