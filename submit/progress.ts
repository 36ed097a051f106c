import { addCounts, emptyCounts, type Pace, type RunEvent, type WorkerEvent } from "../core/events.ts";
import type { Commit, Counts, Plan } from "../core/types.ts";
import type { EngineStatus } from "./engines/engine.ts";

interface InWork {
  counts: Counts;
  slowest?: { name: string; ms: number };
}

/** How far a run is, as far as this process has heard. */
export interface Progress {
  readonly total: { objects: number; bytes: number; shards: number };
  readonly committed: Set<string>;
  /** Of committed shards. */
  counts: Counts;
  /** By shard. */
  readonly inWork: Map<string, InWork>;
}

export function newProgress(plan: Plan, commits: ReadonlyMap<string, Commit>): Progress {
  const progress: Progress = {
    total: {
      objects: plan.shards.reduce((sum, shard) => sum + shard.objects, 0),
      bytes: plan.shards.reduce((sum, shard) => sum + shard.bytes, 0),
      shards: plan.shards.length,
    },
    committed: new Set(),
    counts: emptyCounts(),
    inWork: new Map(),
  };
  noteCommits(progress, commits);
  return progress;
}

export function noteCommits(progress: Progress, commits: ReadonlyMap<string, Commit>): void {
  for (const [shard, commit] of commits) committed(progress, shard, commit.counts);
}

export function noteWorkerEvent(progress: Progress, event: WorkerEvent): void {
  switch (event.type) {
    case "shard-started":
      progress.inWork.set(event.shard, { counts: emptyCounts() });
      break;
    case "progress":
      progress.inWork.set(event.shard, { counts: event.counts, ...(event.slowest && { slowest: event.slowest }) });
      break;
    case "shard-committed":
      committed(progress, event.shard, event.counts);
      break;
    case "shard-failed":
    case "shard-superseded":
      progress.inWork.delete(event.shard);
      break;
    case "quarantined":
      break;
  }
}

function committed(progress: Progress, shard: string, counts: Counts): void {
  progress.inWork.delete(shard);
  if (progress.committed.has(shard)) return;
  progress.committed.add(shard);
  progress.counts = addCounts(progress.counts, counts);
}

/** `pace`: where workers tell this process nothing, and commits come many images at a time. */
export function progressEvent(progress: Progress, status: EngineStatus, pace?: Pace): Extract<RunEvent, { type: "progress" }> {
  const inWork = [...progress.inWork].filter(([shard]) => !progress.committed.has(shard)).map(([, work]) => work);
  const running = status.running ?? inWork.length;
  const failed = status.failed ?? 0;
  const slowest = inWork.flatMap((work) => work.slowest ?? []).sort((a, b) => b.ms - a.ms)[0];
  return {
    type: "progress",
    done: inWork.map((work) => work.counts).reduce(addCounts, progress.counts),
    shards: {
      committed: progress.committed.size,
      running,
      waiting: Math.max(0, progress.total.shards - progress.committed.size - running - failed),
      retried: status.retried ?? 0,
      failed,
    },
    total: progress.total,
    ...(slowest && { slowest }),
    ...(pace && { pace }),
  };
}
