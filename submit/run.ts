import { utcDate } from "../core/clock.ts";
import { exitCodes, ImagemillError } from "../core/errors.ts";
import { requestKey, runIdOf } from "../core/ids.ts";
import { controlNames } from "../core/layout.ts";
import type { Plan } from "../core/types.ts";
import { readJson } from "../storage/objects.ts";
import { isStoreError } from "../storage/store.ts";
import { cancelled } from "./stop.ts";
import { driveRun, readDone } from "./drive.ts";
import { planFor, requestOf, subjectOf } from "./planning.ts";
import { problemOf } from "./summarise.ts";
import type { Driver, RunOptions } from "./driver.ts";
import type { RunSummary } from "./summary.ts";

/** The newest so many dates of a request are looked at for work that was left. */
const maxEarlierRuns = 31;

/**
 * Plan, work, gate, seal, load, report; again = continue where it stopped. Without a run date, unfinished runs of the
 * same request on earlier dates go first, except cancelled ones; one that cannot be finished does not hold up today's.
 */
export async function run(driver: Driver, options: RunOptions): Promise<RunSummary> {
  const request = await requestOf(driver, options);
  const runDate = options.runDate ?? utcDate(driver.host.clock.now());
  const earlier = options.runDate === undefined ? await unfinishedRuns(driver, requestKey(request), runDate) : [];
  const continued: Continued[] = [];
  for (const runId of earlier) continued.push(await continueEarlier(driver, runId));
  const wish = { request, runDate };
  const { summary } = await driveRun(driver, runIdOf(runDate, request), {
    makePlan: async (signal) => planFor(driver, wish, signal, { ready: true }),
    asked: subjectOf(driver, wish),
  });
  return withContinued(summary, continued);
}

interface Continued {
  summary: RunSummary | undefined;
  exitCode: number;
}

async function continueEarlier(driver: Driver, runId: string): Promise<Continued> {
  const { emit } = driver.host;
  emit({ type: "notice", level: "info", text: `${runId} is not finished: it goes first` });
  try {
    const { summary, advanced } = await driveRun(driver, runId, { makePlan: async (signal) => storedPlan(driver, runId, signal) });
    if (driver.host.signal.aborted) throw cancelled();
    if (summary.exitCode === exitCodes.cancelled) return { summary, exitCode: exitCodes.done };
    if (summary.problem !== undefined) warnAbout(driver, runId, summary.problem.message);
    // What was stuck before is old news: its own night said so.
    return { summary, exitCode: advanced ? summary.exitCode : exitCodes.done };
  } catch (error) {
    if (!(error instanceof ImagemillError) || mustStop(error)) throw error;
    const { message, hint } = problemOf(error);
    warnAbout(driver, runId, hint === undefined ? message : `${message}. ${hint}`);
    return { summary: undefined, exitCode: error.exitCode === exitCodes.precondition ? exitCodes.done : error.exitCode };
  }
}

function mustStop(error: ImagemillError): boolean {
  return error.exitCode === exitCodes.cancelled || error.exitCode === exitCodes.alreadyRunning;
}

function warnAbout(driver: Driver, runId: string, text: string): void {
  driver.host.emit({
    type: "notice",
    level: "warn",
    text: `${runId} could not be finished: ${text}. \`imagemill cancel ${runId}\` gives it up.`,
  });
}

async function storedPlan(driver: Driver, runId: string, signal: AbortSignal): Promise<{ plan: Plan; adopted: boolean }> {
  const plan = await readJson<Plan>(driver.control, controlNames.plan(runId), signal);
  if (plan === undefined)
    throw new ImagemillError("RUN_ABSENT", `there is no plan of ${runId}`, { hint: "Its files were deleted meanwhile." });
  return { plan, adopted: true };
}

function withContinued(summary: RunSummary, continued: Continued[]): RunSummary {
  const failed = continued.find((one) => one.exitCode !== exitCodes.done);
  return {
    ...summary,
    exitCode: summary.exitCode === exitCodes.done ? (failed?.exitCode ?? exitCodes.done) : summary.exitCode,
    ...(summary.problem === undefined && failed?.summary?.problem !== undefined && { problem: failed.summary.problem }),
    continued: continued.flatMap((one) => one.summary ?? []),
  };
}

/** Runs of the request before the date that have a plan and no end, oldest first. */
async function unfinishedRuns(driver: Driver, key: string, before: string): Promise<string[]> {
  const { signal } = driver.host;
  const unfinished: string[] = [];
  for (const runId of (await runsOf(driver, key, before)).slice(-maxEarlierRuns)) {
    const [done, plan, cancel] = await Promise.all([
      readDone(driver, runId, signal),
      driver.control.stat(controlNames.plan(runId), { signal }),
      driver.control.stat(controlNames.cancel(runId), { signal }),
    ]);
    if (done === undefined && plan !== undefined && cancel === undefined) unfinished.push(runId);
  }
  return unfinished;
}

async function runsOf(driver: Driver, key: string, before: string): Promise<string[]> {
  const found: string[] = [];
  try {
    for await (const page of driver.control.list({ prefix: controlNames.runs, delimiter: "/", signal: driver.host.signal })) {
      found.push(...page.prefixes.map((prefix) => prefix.slice(controlNames.runs.length, -1)));
    }
  } catch (error) {
    // Nobody has written to this control folder yet.
    if (!isStoreError(error, "NOT_FOUND")) throw error;
  }
  const ofRequest = new RegExp(`^\\d{4}-\\d{2}-\\d{2}-${key}$`);
  return found.filter((runId) => ofRequest.test(runId) && runId.slice(0, 10) < before);
}
