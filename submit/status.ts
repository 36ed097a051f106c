import { addCounts, emptyCounts } from "../core/events.ts";
import { jobsLabel, parseRunId } from "../core/ids.ts";
import type { Commit, Plan } from "../core/types.ts";
import { againCommand } from "./again.ts";
import { runAbsent } from "./finish.ts";
import { lockFolder, runLockHolder } from "./lock.ts";
import { readCommits, readRecords } from "./records.ts";
import { nextCommand, stateOf, type RunRecords } from "./state.ts";
import { placesOf } from "./summarise.ts";
import { coveredMs, perSecond, workIntervals } from "./timing.ts";
import type { Driver } from "./driver.ts";
import type { RunStatus } from "./summary.ts";

const missingShown = 10;

/** Where a run stands, from the control store alone: any machine can ask. Watching: pass the `commits` of the last call. */
export async function runStatus(driver: Driver, runId: string, commits: Map<string, Commit> = new Map()): Promise<RunStatus> {
  parseRunId(runId);
  const { control, host } = driver;
  const read = await readRecords(control, runId, host.signal);
  if (read.plan === undefined) throw runAbsent(runId, driver);
  await readCommits(control, runId, commits, host.signal);
  const records: RunRecords = { ...read, commits };
  const state = stateOf(records);
  const { startedAt, lastCommitAt } = spanOf(commits);
  const holder = runLockHolder(lockFolder(control.url, host.environment), runId);
  const remote = await remoteStatus(driver, records);
  return {
    runId,
    state,
    cancelled: records.cancel !== undefined && records.done === undefined,
    planId: read.plan.planId,
    jobs: jobsLabel(read.plan.request.jobs),
    ...ofPlan(read.plan, commits),
    ...(startedAt !== undefined && { startedAt }),
    ...(lastCommitAt !== undefined && { lastCommitAt }),
    ...pace(read.plan, commits),
    ...(records.done !== undefined && { imagesPerSecond: records.done.row.images_per_second }),
    ...(records.load !== undefined && { rowsLoaded: records.load.rows }),
    ...(holder !== undefined && { driver: holder }),
    ...(remote !== undefined && { remote }),
    places: placesOf(driver, runId, read.plan.stores),
    next: nextCommand(runId, state, {
      live: (holder !== undefined || remote !== undefined) && records.cancel === undefined,
      again: await againCommand(driver, read.plan),
    }),
  };
}

function ofPlan(
  plan: Plan,
  commits: ReadonlyMap<string, Commit>,
): Pick<RunStatus, "listed" | "unchanged" | "objects" | "bytes" | "shards" | "counts" | "missing"> {
  return {
    listed: plan.manifest.objects,
    unchanged: plan.manifest.unchanged,
    objects: plan.shards.reduce((sum, shard) => sum + shard.objects, 0),
    bytes: plan.shards.reduce((sum, shard) => sum + shard.bytes, 0),
    shards: { committed: commits.size, total: plan.shards.length },
    counts: [...commits.values()].map((commit) => commit.counts).reduce(addCounts, emptyCounts()),
    missing: plan.shards
      .values()
      .filter((shard) => !commits.has(shard.id))
      .take(missingShown)
      .map((shard) => shard.id)
      .toArray(),
  };
}

function spanOf(commits: ReadonlyMap<string, Commit>): { startedAt: string | undefined; lastCommitAt: string | undefined } {
  let startedAt: string | undefined;
  let lastCommitAt: string | undefined;
  for (const commit of commits.values()) {
    if (startedAt === undefined || commit.startedAt < startedAt) startedAt = commit.startedAt;
    if (lastCommitAt === undefined || commit.endedAt > lastCommitAt) lastCommitAt = commit.endedAt;
  }
  return { startedAt, lastCommitAt };
}

/** What is left takes, at the pace of predicted work done so far. */
function pace(plan: Plan, commits: ReadonlyMap<string, Commit>): { imagesPerSecond: number; remainingMs?: number } {
  const workedMs = coveredMs(workIntervals(commits.values()));
  const objects = commits.values().reduce((sum, commit) => sum + commit.counts.objects, 0);
  let doneMs = 0;
  let leftMs = 0;
  for (const shard of plan.shards) {
    if (commits.has(shard.id)) doneMs += shard.predictedMs;
    else leftMs += shard.predictedMs;
  }
  const imagesPerSecond = perSecond(objects, workedMs);
  return doneMs === 0 ? { imagesPerSecond } : { imagesPerSecond, remainingMs: Math.round((leftMs / doneMs) * workedMs) };
}

/** A remote engine is only asked while its work can still go on. */
async function remoteStatus(driver: Driver, records: RunRecords): Promise<RunStatus["remote"]> {
  const { submit, seal } = records;
  if (submit === undefined || seal !== undefined) return undefined;
  const engine = await driver.createEngine(() => undefined, submit.engine);
  try {
    if (engine.name !== submit.engine) return { engine: submit.engine, state: "unknown", links: [] };
    const { state, message } = await engine.poll(submit.handle, driver.host.signal);
    return { engine: submit.engine, state, links: engine.links(submit.handle), ...(message !== undefined && { message }) };
  } finally {
    await engine.close();
  }
}
