import { utcInstant } from "../core/clock.ts";
import { addCounts, emptyCounts, type Pace, type RunEvent } from "../core/events.ts";
import { jobsLabel, parseRunId } from "../core/ids.ts";
import type { Commit, Plan } from "../core/types.ts";
import { againCommand } from "./again.ts";
import { runAbsent } from "./finish.ts";
import { readInWork, type ShardInWork } from "./in-work.ts";
import { lockFolder, runLockHolder } from "./lock.ts";
import { paceOf } from "./pace.ts";
import { readCommits, readRecords } from "./records.ts";
import { nextCommand, stateOf, type RunRecords } from "./state.ts";
import { placesOf } from "./summarise.ts";
import type { Driver } from "./driver.ts";
import type { EngineStatus, Link } from "./engines/engine.ts";
import type { RunStatus, StatusShards } from "./summary.ts";

const missingShown = 10;

/** Where a run stands, from any machine. Watching: pass the `commits` of the last call. */
export async function runStatus(driver: Driver, runId: string, commits: Map<string, Commit> = new Map()): Promise<RunStatus> {
  parseRunId(runId);
  const { control, host } = driver;
  const read = await readRecords(control, runId, host.signal);
  const { plan } = read;
  if (plan === undefined) throw runAbsent(runId, driver);
  await readCommits(control, runId, commits, host.signal);
  const records: RunRecords = { ...read, commits };
  const state = stateOf(records);
  const { startedAt, lastCommitAt } = spanOf(commits);
  const holder = runLockHolder(lockFolder(control.url, host.environment), runId);
  const remote = await remoteStatus(driver, records);
  const isOver = records.seal !== undefined || commits.size >= plan.shards.length;
  const inWork = isOver ? [] : await readInWork(control, plan, commits, host.clock.now(), host.signal);
  // A remote engine that cannot be seen from here still leaves its workers' notes.
  const isLive = holder !== undefined || isGoing(remote?.status) || (remote !== undefined && inWork.some((shard) => !shard.lost));
  const pace = paceOf(plan, commits, isLive ? host.clock.now() : undefined);
  return {
    runId,
    state,
    cancelled: records.cancel !== undefined && records.done === undefined,
    planId: plan.planId,
    jobs: jobsLabel(plan.request.jobs),
    ...ofPlan(plan, commits),
    shards: shardsOf(plan, commits, isOver ? undefined : remote?.status, inWork),
    ...(startedAt !== undefined && { startedAt }),
    ...(lastCommitAt !== undefined && { lastCommitAt }),
    ...pace,
    ...(pace.remainingMs !== undefined && isLive && { predictedEndAt: utcInstant(host.clock.now() + pace.remainingMs) }),
    ...slowestOf(inWork),
    ...(records.done !== undefined && { imagesPerSecond: records.done.row.images_per_second }),
    ...(records.load !== undefined && { rowsLoaded: records.load.rows }),
    ...(holder !== undefined && { driver: holder }),
    ...(remote !== undefined && { remote: toldOf(remote) }),
    places: placesOf(driver, runId, plan.stores),
    next: nextCommand(runId, state, { live: isLive && records.cancel === undefined, again: await againCommand(driver, plan) }),
  };
}

/** The same, for a display. */
export function statusEvent({ counts, shards, objects, bytes, slowest, ...status }: RunStatus): RunEvent {
  const pace: Pace = {
    imagesPerSecond: status.imagesPerSecond,
    ...(status.remainingMs !== undefined && { remainingMs: status.remainingMs }),
  };
  return {
    type: "progress",
    done: counts,
    shards: { ...shards, failed: shards.failed + shards.lost },
    total: { objects, bytes, shards: shards.total },
    pace,
    ...(slowest !== undefined && { slowest }),
  };
}

function shardsOf(plan: Plan, commits: ReadonlyMap<string, Commit>, engine: EngineStatus | undefined, inWork: ShardInWork[]): StatusShards {
  const total = plan.shards.length;
  const committed = commits.size;
  const lost = inWork.filter((shard) => shard.lost).length;
  const noted = inWork.reduce((sum, shard) => sum + shard.attempts - 1, 0);
  const failed = engine?.failed ?? 0;
  const running = Math.min(total - committed, engine?.running ?? inWork.length - lost);
  return {
    committed,
    total,
    running,
    waiting: Math.max(0, total - committed - running - lost - failed),
    retried: Math.max(engine?.retried ?? 0, noted),
    lost,
    failed,
  };
}

function slowestOf(inWork: ShardInWork[]): Pick<RunStatus, "slowest"> {
  const found = inWork.find((one) => one.slowest !== undefined && !one.lost);
  return found?.slowest === undefined ? {} : { slowest: { ...found.slowest, shard: found.shard } };
}

function ofPlan(
  plan: Plan,
  commits: ReadonlyMap<string, Commit>,
): Pick<RunStatus, "listed" | "unchanged" | "objects" | "bytes" | "counts" | "missing"> {
  return {
    listed: plan.manifest.objects,
    unchanged: plan.manifest.unchanged,
    objects: plan.shards.reduce((sum, shard) => sum + shard.objects, 0),
    bytes: plan.shards.reduce((sum, shard) => sum + shard.bytes, 0),
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

interface Remote {
  engine: string;
  /** Undefined where the engine of the run is not known here. */
  status: EngineStatus | undefined;
  links: Link[];
}

/** A remote engine is only asked while its work can still go on. */
async function remoteStatus(driver: Driver, { submit, seal }: RunRecords): Promise<Remote | undefined> {
  if (submit === undefined || seal !== undefined) return undefined;
  const engine = await driver.createEngine(() => undefined, submit.engine);
  try {
    if (engine.name !== submit.engine) return { engine: submit.engine, status: undefined, links: [] };
    const status = await engine.poll(submit.handle, driver.host.signal);
    return { engine: submit.engine, status, links: engine.links(submit.handle) };
  } finally {
    await engine.close();
  }
}

function isGoing(status: EngineStatus | undefined): boolean {
  return status?.state === "pending" || status?.state === "running";
}

function toldOf({ engine, status, links }: Remote): NonNullable<RunStatus["remote"]> {
  const { state = "unknown", message } = status ?? {};
  return { engine, state, links, ...(message !== undefined && { message }) };
}
