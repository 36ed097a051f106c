import type { Pace } from "../core/events.ts";
import type { Commit, Plan } from "../core/types.ts";
import { coveredMs, perSecond, workIntervals } from "./timing.ts";

/**
 * From commits alone: what is left takes, at the pace of predicted work done so far, this long. `goingOnMs`: it is this
 * time now, and work goes on since the last commit.
 */
export function paceOf(plan: Plan, commits: ReadonlyMap<string, Commit>, goingOnMs?: number): Pace {
  const workedMs = coveredMs(workIntervals(commits.values()));
  const objects = commits.values().reduce((sum, commit) => sum + commit.counts.objects, 0);
  let doneMs = 0;
  let leftMs = 0;
  for (const shard of plan.shards) {
    if (commits.has(shard.id)) doneMs += shard.predictedMs;
    else leftMs += shard.predictedMs;
  }
  const imagesPerSecond = perSecond(objects, workedMs);
  if (doneMs === 0) return { imagesPerSecond };
  const sinceMs = goingOnMs === undefined ? 0 : Math.max(0, goingOnMs - lastEndMs(commits));
  return { imagesPerSecond, remainingMs: Math.max(0, Math.round((leftMs / doneMs) * workedMs - sinceMs)) };
}

function lastEndMs(commits: ReadonlyMap<string, Commit>): number {
  return commits.values().reduce((last, commit) => Math.max(last, Date.parse(commit.endedAt)), 0);
}
