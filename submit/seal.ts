import { digestOf } from "../core/digest.ts";
import { addCounts, emptyCounts } from "../core/events.ts";
import type { Commit, Counts, Plan, Seal, ShardSummary } from "../core/types.ts";
import type { Violation } from "./summary.ts";

/** What a plan and the commits so far say about sealing. Pure: two drivers that see the same come to the same. */
export interface Gate {
  /** Shards of the plan without a commit, in the plan's order. */
  missing: string[];
  /** Commits that cannot be this plan's, or whose counts do not add up. Nothing heals them. */
  violations: Violation[];
  counts: Counts;
  quarantinedRatio: number;
  /** More is quarantined than `policy.gate.maxQuarantinedRatio` allows; never of a replay. */
  exceeded: boolean;
}

export function gateOf(plan: Plan, commits: ReadonlyMap<string, Commit>): Gate {
  const counts = plan.shards.map((shard) => commits.get(shard.id)?.counts ?? emptyCounts()).reduce(addCounts, emptyCounts());
  const quarantinedRatio = counts.objects === 0 ? 0 : counts.quarantined / counts.objects;
  return {
    missing: plan.shards.filter((shard) => !commits.has(shard.id)).map((shard) => shard.id),
    violations: commitViolations(plan, commits),
    counts,
    quarantinedRatio,
    // What a replay takes up was quarantined before: it cannot make things worse, and most of it may stay.
    exceeded: plan.request.replay === undefined && quarantinedRatio > plan.policy.gate.maxQuarantinedRatio,
  };
}

export function commitViolations(plan: Plan, commits: ReadonlyMap<string, Commit>): Violation[] {
  const shards = new Map(plan.shards.map((shard) => [shard.id, shard]));
  return [...commits].flatMap(([name, commit]) => {
    const shard = shards.get(name);
    if (shard === undefined) return [{ code: "COMMIT_FOREIGN", message: `commit ${name} is for a shard that the plan does not have` }];
    return violationsOf(commit, shard, plan);
  });
}

function violationsOf(commit: Commit, shard: ShardSummary, plan: Plan): Violation[] {
  const found: Violation[] = [];
  if (commit.shard !== shard.id || commit.runId !== plan.runId || commit.planId !== plan.planId) {
    found.push({
      code: "COMMIT_FOREIGN",
      message: `commit ${shard.id} was made for shard ${commit.shard} of plan ${commit.planId}, run ${commit.runId}`,
    });
  }
  const { objects, ok, skipped, quarantined } = commit.counts;
  if (objects !== shard.objects || ok + skipped + quarantined !== objects) {
    found.push({
      code: "COMMIT_COUNTS",
      message: `commit ${shard.id} counts ${ok} ok + ${skipped} skipped + ${quarantined} quarantined for ${shard.objects} objects`,
    });
  }
  return found;
}

/** Commits by shard id: the order of the seal, of the load and of every reading of the rows. */
export function inSealOrder(commits: Iterable<Commit>): Commit[] {
  return [...commits].sort((a, b) => (a.shard < b.shard ? -1 : 1));
}

/** For a gate without missing shards and violations that is not exceeded, or was accepted by a person. */
export function sealOf(plan: Plan, commits: ReadonlyMap<string, Commit>, gate: Gate): Seal {
  return {
    format: 1,
    runId: plan.runId,
    planId: plan.planId,
    runDate: plan.runDate,
    counts: gate.counts,
    unchanged: plan.manifest.unchanged,
    commits: inSealOrder(commits.values()).map(({ shard, attempt, rows }) => ({ shard, attempt, rows })),
    acceptedQuarantined: gate.exceeded,
    load: { warehouse: plan.stores.warehouse, table: "images", rows: gate.counts.objects },
  };
}

export function sealDigest(seal: Seal): string {
  return digestOf(seal, 32);
}

/** Letters, digits, `_` and `-` only: it becomes the id of a BigQuery load job. */
export function loadIdOf(seal: Seal): string {
  return `imagemill_${seal.runId}_${sealDigest(seal)}`;
}
