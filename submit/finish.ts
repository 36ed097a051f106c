import { utcInstant } from "../core/clock.ts";
import { preconditionError, type ImagemillError } from "../core/errors.ts";
import { parseRunId } from "../core/ids.ts";
import { controlNames } from "../core/layout.ts";
import type { Commit, Plan } from "../core/types.ts";
import { createOrReadJson } from "../storage/objects.ts";
import { finishedSummary, readDone, settle } from "./drive.ts";
import { readCommits, readRecords } from "./records.ts";
import { gateOf, type Gate } from "./seal.ts";
import { stopAfter } from "./stop.ts";
import type { Driver } from "./driver.ts";
import type { AcceptedRecord, RunRecords } from "./state.ts";
import type { RunSummary } from "./summary.ts";

/**
 * The second half of a run, on any machine: gate, seal, load, report. With `acceptQuarantined` a gate that is closed by
 * too many quarantined objects, and by nothing else, is opened for good; that is recorded.
 */
export async function finishRun(driver: Driver, runId: string, how: { acceptQuarantined: boolean }): Promise<RunSummary> {
  parseRunId(runId);
  using stop = stopAfter(driver.host, driver.config.policy.limits.runTimeoutMs, runId);
  try {
    return await finish(driver, runId, how.acceptQuarantined, stop.signal);
  } catch (error) {
    throw stop.errorOf() ?? error;
  }
}

async function finish(driver: Driver, runId: string, acceptQuarantined: boolean, signal: AbortSignal): Promise<RunSummary> {
  const done = await readDone(driver, runId, signal);
  if (done !== undefined) return finishedSummary(driver, done);
  const records = await readRecords(driver.control, runId, signal);
  const plan = existing(records, driver);
  const commits = new Map<string, Commit>();
  await readCommits(driver.control, runId, commits, signal);
  const gate = gateOf(plan, commits);
  const accepted = records.accepted ?? (acceptQuarantined && isOnlyExceeded(gate) ? await accept(driver, plan, gate, signal) : undefined);
  const { summary } = await settle({ driver, plan, commits, resumed: true }, { ...records, accepted }, false, signal);
  return summary;
}

export function existing(records: RunRecords, driver: Driver): Plan {
  if (records.plan !== undefined) return records.plan;
  throw runAbsent(records.runId, driver);
}

export function runAbsent(runId: string, driver: Driver): ImagemillError {
  return preconditionError(
    "RUN_ABSENT",
    `there is no run ${runId} in ${driver.control.url}`,
    `Check the run id, and --control: the run's plan would be ${driver.control.uri(controlNames.plan(runId))}`,
  );
}

function isOnlyExceeded(gate: Gate): boolean {
  return gate.exceeded && gate.missing.length === 0 && gate.violations.length === 0;
}

async function accept(driver: Driver, plan: Plan, gate: Gate, signal: AbortSignal): Promise<AcceptedRecord> {
  const record: AcceptedRecord = {
    format: 1,
    runId: plan.runId,
    planId: plan.planId,
    quarantined: gate.counts.quarantined,
    objects: gate.counts.objects,
    acceptedAt: utcInstant(driver.host.clock.now()),
  };
  const { value } = await createOrReadJson(driver.control, controlNames.accepted(plan.runId), record, signal);
  return value;
}
