import { addCounts, emptyCounts } from "../../core/events.ts";
import { compareNames } from "../../core/names.ts";
import type { ImageRow } from "../../core/rows.ts";
import type { Commit, LoadRecord, Plan, RunState } from "../../core/types.ts";
import { plainDuration } from "../page/durations.ts";
import { round } from "./collect.ts";
import type { RunNumbers, SlowShard, Throughput } from "./numbers.ts";
import { createTally } from "./tally.ts";

/** What a run has stored of itself, rows excepted. */
export interface RunFiles {
  plan: Plan;
  /** Of the seal where there is one; otherwise those that are there by now. */
  commits: Commit[];
  sealed: boolean;
  load: LoadRecord | undefined;
}

const shardsShown = 10;

/** One pass over the rows, in memory that does not grow with them. Equal input gives equal numbers. */
export async function summarise(files: RunFiles, rows: AsyncIterable<ImageRow> | Iterable<ImageRow>): Promise<RunNumbers> {
  const { plan, commits, load } = files;
  const span = processingSpan(commits);
  const tally = createTally(throughputOf(span));
  for await (const row of rows) tally.add(row);
  const counts = commits.map((commit) => commit.counts).reduce(addCounts, emptyCounts());
  const perSecond = (value: number): number => (span.wallMs === 0 ? 0 : round((value * 1000) / span.wallMs));
  const shards = shardTimes(plan, commits, tally.workOf);
  return {
    format: 1,
    runId: plan.runId,
    planId: plan.planId,
    runDate: plan.runDate,
    state: stateOf(files),
    jobs: plan.request.jobs.map((job) => `${job.name}@${job.version}`),
    stores: plan.stores,
    archiveDays: plan.policy.archive.days,
    listed: plan.manifest.objects,
    unchanged: plan.manifest.unchanged,
    counts,
    rowsLoaded: load?.rows ?? null,
    shards: { planned: plan.shards.length, committed: commits.length },
    processing: { ...span, imagesPerSecond: perSecond(counts.objects), bytesPerSecond: Math.round(perSecond(counts.bytesIn)) },
    work: {
      predictedMs: Math.round(shards.reduce((sum, shard) => sum + shard.predictedMs, 0)),
      actualMs: Math.round(shards.reduce((sum, shard) => sum + shard.workMs, 0)),
    },
    ...tally.numbers(),
    slowestShards: shards.sort((a, b) => b.wallMs - a.wallMs || compareNames(a.shard, b.shard)).slice(0, shardsShown),
  };
}

function stateOf({ plan, commits, sealed, load }: RunFiles): RunState {
  if (load !== undefined) return "done";
  if (sealed) return "sealed";
  if (commits.length === 0) return "planned";
  return commits.length < plan.shards.length ? "running" : "committed";
}

interface Span {
  startedAt: string | null;
  endedAt: string | null;
  wallMs: number;
}

function processingSpan(commits: Commit[]): Span {
  const starts = commits.map((commit) => commit.startedAt).sort();
  const ends = commits.map((commit) => commit.endedAt).sort();
  const [startedAt = null, endedAt = null] = [starts[0], ends.at(-1)];
  return { startedAt, endedAt, wallMs: Math.max(0, Date.parse(endedAt ?? "") - Date.parse(startedAt ?? "")) || 0 };
}

/** At most 75 buckets of a length that people count in. */
function throughputOf({ startedAt, wallMs }: Span): Throughput {
  const bucketMs = plainDuration(wallMs / 75);
  const buckets = Array.from({ length: Math.max(1, Math.ceil(wallMs / bucketMs)) }, () => ({ ok: 0, skipped: 0, quarantined: 0 }));
  return { startedAt, bucketMs, buckets: startedAt === null ? [] : buckets };
}

function shardTimes(plan: Plan, commits: Commit[], workOf: (shard: string) => number): SlowShard[] {
  const predicted = new Map(plan.shards.map((shard) => [shard.id, shard.predictedMs]));
  return commits.map(({ shard, counts, startedAt, endedAt }) => ({
    shard,
    objects: counts.objects,
    bytes: counts.bytesIn,
    wallMs: Math.max(0, Date.parse(endedAt) - Date.parse(startedAt)),
    workMs: Math.round(workOf(shard)),
    predictedMs: Math.round(predicted.get(shard) ?? 0),
  }));
}
