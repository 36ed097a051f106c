import { utcDate } from "../core/clock.ts";
import { exitCodes } from "../core/errors.ts";
import { runIdOf } from "../core/ids.ts";
import type { Commit, Plan } from "../core/types.ts";
import { lockOf, takeBackCancel } from "./drive.ts";
import { beginWork, executeShards, assertSameCode, uncommitted } from "./execute.ts";
import { planFor, requestOf } from "./planning.ts";
import { preflight } from "./preflight.ts";
import { readCommits, readRecords } from "./records.ts";
import { stateOf } from "./state.ts";
import { stopAfter } from "./stop.ts";
import type { Driver, RunOptions } from "./driver.ts";
import type { Link } from "./engines/engine.ts";
import type { Problem, SubmitSummary } from "./summary.ts";

/**
 * The first half of a run. On a remote engine it ends when the work is submitted; the local engine has nobody else to do
 * it, so there it ends when every shard is tried. `finishRun` is the second half.
 */
export async function submitRun(driver: Driver, options: RunOptions): Promise<SubmitSummary> {
  const { host, config } = driver;
  const request = await requestOf(driver, options);
  const runDate = options.runDate ?? utcDate(host.clock.now());
  const runId = runIdOf(runDate, request);
  using stop = stopAfter(host, config.policy.limits.runTimeoutMs, runId);
  try {
    using _lock = lockOf(driver, runId);
    await takeBackCancel(driver, runId, stop.signal);
    const { plan, adopted } = await planFor(driver, { request, runDate }, stop.signal, { ready: true });
    const commits = new Map<string, Commit>();
    await readCommits(driver.control, runId, commits, stop.signal);
    if (adopted && uncommitted(plan, commits).length > 0) await preflight(driver, plan, stop.signal);
    const begun = await begin(driver, plan, commits, stop.signal);
    const state = stateOf({ ...(await readRecords(driver.control, runId, stop.signal)), commits });
    return {
      runId,
      planId: plan.planId,
      state,
      engine: config.engine,
      remote: begun.remote,
      shards: { committed: commits.size, total: plan.shards.length },
      links: begun.links,
      exitCode: begun.problem === undefined ? exitCodes.done : exitCodes.failed,
      ...(begun.problem !== undefined && { problem: begun.problem }),
    };
  } catch (error) {
    throw stop.errorOf() ?? error;
  }
}

interface Begun {
  remote: boolean;
  links: Link[];
  problem?: Problem | undefined;
}

async function begin(driver: Driver, plan: Plan, commits: Map<string, Commit>, signal: AbortSignal): Promise<Begun> {
  if (uncommitted(plan, commits).length === 0) return { remote: false, links: [] };
  if (driver.config.engine === "local") return { remote: false, links: [], problem: await executeShards(driver, plan, commits, signal) };
  assertSameCode(driver, plan);
  await using work = await beginWork(driver, plan, commits, () => undefined, signal);
  return { remote: true, links: work.engine.links(work.handle) };
}
