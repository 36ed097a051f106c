import { exitCodes, type ImagemillError } from "../core/errors.ts";
import { requestDigestOf } from "../core/ids.ts";
import { controlNames } from "../core/layout.ts";
import type { Commit, Plan } from "../core/types.ts";
import { planDiffers, type PlanSubject } from "../partitioner/plan-difference.ts";
import { readJson } from "../storage/objects.ts";
import { completeRun } from "./complete.ts";
import { executeShards, uncommitted } from "./execute.ts";
import { acquireRunLock, lockFolder } from "./lock.ts";
import { preflight } from "./preflight.ts";
import { readCommits, readRecords } from "./records.ts";
import { gateOf } from "./seal.ts";
import { gateProblem } from "./sealing.ts";
import { reasonsOf } from "./reasons.ts";
import { stateOf, type RunRecords } from "./state.ts";
import { stopAfter } from "./stop.ts";
import { problemOf, summaryOfDone, summaryOfUndone } from "./summarise.ts";
import type { DoneRecord } from "./done.ts";
import type { Driver } from "./driver.ts";
import type { Problem, RunSummary } from "./summary.ts";

/** Cleaning up after a stop is bounded, too. */
const farewellMs = 10_000;

/** A run on its way through this process. */
interface Drive {
  driver: Driver;
  plan: Plan;
  commits: Map<string, Commit>;
  /** Something was committed before this process began. */
  resumed: boolean;
}

export interface Driven {
  summary: RunSummary;
  /** This process brought the run further. */
  advanced: boolean;
}

/** The record of a finished run, however large the run is: one small file. */
export async function readDone(driver: Driver, runId: string, signal: AbortSignal): Promise<DoneRecord | undefined> {
  return readJson<DoneRecord>(driver.control, controlNames.done(runId), signal);
}

export interface DriveOptions {
  /** Adopts a stored plan or makes it. */
  makePlan: (signal: AbortSignal) => Promise<{ plan: Plan; adopted: boolean }>;
  /** What the run is asked for with: one that was finished with other settings is refused. Absent: taken as it is. */
  asked?: PlanSubject;
}

/**
 * Brings a run from wherever it stands to its end: plan, work, gate, seal, load, report. Every step finds what an
 * earlier process left and adopts it.
 */
export async function driveRun(driver: Driver, runId: string, { makePlan, asked }: DriveOptions): Promise<Driven> {
  const { host, config } = driver;
  const done = await readDone(driver, runId, host.signal);
  if (done !== undefined) return { summary: await finishedSummary(driver, done, asked), advanced: false };
  using _lock = lockOf(driver, runId);
  using stop = stopAfter(host, config.policy.limits.runTimeoutMs, runId);
  await takeBackCancel(driver, runId, stop.signal);
  try {
    const { plan, adopted } = await makePlan(stop.signal);
    return await drivePlan(driver, plan, adopted, stop.signal).catch(async (error: unknown) => {
      const stopped = stop.errorOf();
      if (stopped === undefined) throw error;
      return stoppedSummary(driver, plan, stopped);
    });
  } catch (error) {
    throw stop.errorOf() ?? error;
  }
}

/** Of a run that was finished before; by its record alone where it was asked for as it is. */
export async function finishedSummary(driver: Driver, done: DoneRecord, asked?: PlanSubject): Promise<RunSummary> {
  const how = { resumed: true, finished: true };
  const digest = asked && requestDigestOf(asked.request, asked.policy, asked.stores);
  if (asked !== undefined && digest === done.row.config_digest) return summaryOfDone(driver, done, { ...how, stores: asked.stores });
  const plan = await readJson<Plan>(driver.control, controlNames.plan(done.runId), driver.host.signal);
  if (asked !== undefined && plan !== undefined) throw planDiffers(plan, asked, { finished: true });
  return summaryOfDone(driver, done, { ...how, ...(plan !== undefined && { stores: plan.stores }) });
}

/** Only a local run needs it: remote work belongs to no process. */
export function lockOf(driver: Driver, runId: string): Disposable {
  if (driver.config.engine !== "local") return { [Symbol.dispose]: () => undefined };
  return acquireRunLock(lockFolder(driver.control.url, driver.host.environment), runId, driver.host.clock);
}

/** Running a cancelled run again takes the cancel back; one that arrives from now on counts. */
export async function takeBackCancel(driver: Driver, runId: string, signal: AbortSignal): Promise<void> {
  const name = controlNames.cancel(runId);
  if ((await driver.control.stat(name, { signal })) !== undefined) await driver.control.delete(name, { signal });
}

async function drivePlan(driver: Driver, plan: Plan, adopted: boolean, signal: AbortSignal): Promise<Driven> {
  const commits = new Map<string, Commit>();
  await readCommits(driver.control, plan.runId, commits, signal);
  const drive: Drive = { driver, plan, commits, resumed: commits.size > 0 };
  const before = commits.size;
  if (adopted && uncommitted(plan, commits).length > 0) await preflight(driver, plan, signal);
  driver.host.emit({ type: "state", runId: plan.runId, state: "running" });
  const problem = await executeShards(driver, plan, commits, signal);
  if (problem !== undefined)
    return stuck(drive, problem, problem.code === "CANCELLED" ? exitCodes.cancelled : exitCodes.failed, commits.size > before);
  const records = await readRecords(driver.control, plan.runId, signal);
  return settle(drive, records, commits.size > before, signal);
}

/** From "every shard is committed" to the end. */
export async function settle(drive: Drive, records: RunRecords, advanced: boolean, signal: AbortSignal): Promise<Driven> {
  const { driver, plan, commits } = drive;
  if (records.seal === undefined) {
    const closed = gateProblem(plan, gateOf(plan, commits), records.accepted !== undefined);
    if (closed !== undefined) {
      const reasons = await reasonsOf(driver.control, commits.values(), signal);
      return stuck(drive, closed.problem, closed.exitCode, advanced, reasons);
    }
  }
  const done = await completeRun(driver, plan, commits, records, signal);
  return { summary: summaryOfDone(driver, done, { resumed: drive.resumed, finished: false, stores: plan.stores }), advanced: true };
}

async function stuck(
  { driver, plan, commits, resumed }: Drive,
  problem: Problem,
  exitCode: number,
  advanced: boolean,
  reasons: RunSummary["reasons"] = [],
): Promise<Driven> {
  const records = await readRecords(driver.control, plan.runId, AbortSignal.timeout(farewellMs));
  const state = stateOf({ ...records, commits });
  driver.host.emit({ type: "state", runId: plan.runId, state, note: problem.code });
  return { summary: summaryOfUndone(driver, plan, commits, { state, resumed, problem, exitCode, reasons }), advanced };
}

/** After Ctrl-C or the deadline: what is there, told with what little time there is. */
async function stoppedSummary(driver: Driver, plan: Plan, stopped: ImagemillError): Promise<Driven> {
  const commits = new Map<string, Commit>();
  await readCommits(driver.control, plan.runId, commits, AbortSignal.timeout(farewellMs));
  const goesOn = driver.config.engine !== "local" && stopped.exitCode === exitCodes.cancelled && commits.size < plan.shards.length;
  const hint = `The work goes on without this process: the same command attaches to it, \`imagemill cancel ${plan.runId}\` stops it.`;
  const problem = { ...problemOf(stopped), ...(goesOn && { hint }) };
  return stuck({ driver, plan, commits, resumed: true }, problem, stopped.exitCode, true);
}
