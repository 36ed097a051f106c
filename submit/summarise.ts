import { exitCodes, type ImagemillError } from "../core/errors.ts";
import { addCounts, emptyCounts } from "../core/events.ts";
import { controlNames } from "../core/layout.ts";
import type { Commit, Plan, RunState, StoreUrls } from "../core/types.ts";
import { coveredMs, perSecond, workIntervals } from "./timing.ts";
import type { DoneRecord } from "./done.ts";
import type { Driver } from "./driver.ts";
import type { Problem, RunPlaces, RunSummary } from "./summary.ts";

export function problemOf(error: ImagemillError): Problem {
  return { code: error.code, message: error.message, ...(error.hint !== undefined && { hint: error.hint }) };
}

export function placesOf(driver: Driver, runId: string, stores: Pick<StoreUrls, "archive" | "warehouse">): RunPlaces {
  return {
    archive: `${stores.archive}/${runId.slice(0, 10)}/${runId}`,
    warehouse: stores.warehouse,
    control: `${driver.control.url}/runs/${runId}`,
    report: driver.control.uri(controlNames.reportPage(runId)),
  };
}

/** `stores`: the plan's; the configuration's stand in where a plan is gone. */
export function summaryOfDone(
  driver: Driver,
  done: DoneRecord,
  how: { resumed: boolean; finished: boolean; stores?: StoreUrls },
): RunSummary {
  const { row } = done;
  return {
    runId: done.runId,
    planId: done.planId,
    state: "done",
    listed: row.listed,
    ok: row.ok,
    skipped: row.skipped,
    quarantined: row.quarantined,
    outputs: row.outputs,
    rowsLoaded: done.rowsLoaded,
    bytesIn: row.bytes_in,
    bytesOut: row.bytes_out,
    wallMs: row.wall_ms,
    imagesPerSecond: row.images_per_second,
    report: driver.control.uri(done.report),
    exitCode: exitCodes.done,
    unchanged: row.unchanged,
    shards: { committed: row.shards, total: row.shards },
    reasons: done.reasons,
    places: placesOf(driver, done.runId, how.stores ?? driver.config),
    resumed: how.resumed,
    finished: how.finished,
    continued: [],
  };
}

/** A run that is not done: what is committed so far, and what is in the way. */
export function summaryOfUndone(
  driver: Driver,
  plan: Plan,
  commits: ReadonlyMap<string, Commit>,
  how: { state: RunState; resumed: boolean; problem: Problem; exitCode: number; reasons: RunSummary["reasons"] },
): RunSummary {
  const { clock, startedAtMs } = driver.host;
  const counts = [...commits.values()].map((commit) => commit.counts).reduce(addCounts, emptyCounts());
  const wallMs = Math.round(coveredMs([...workIntervals(commits.values()), { fromMs: startedAtMs, toMs: clock.now() }]));
  return {
    runId: plan.runId,
    planId: plan.planId,
    state: how.state,
    listed: plan.manifest.objects,
    ok: counts.ok,
    skipped: counts.skipped,
    quarantined: counts.quarantined,
    outputs: counts.outputs,
    rowsLoaded: 0,
    bytesIn: counts.bytesIn,
    bytesOut: counts.bytesOut,
    wallMs,
    imagesPerSecond: perSecond(counts.objects, wallMs),
    report: "",
    exitCode: how.exitCode,
    problem: how.problem,
    unchanged: plan.manifest.unchanged,
    shards: { committed: commits.size, total: plan.shards.length },
    reasons: how.reasons,
    places: placesOf(driver, plan.runId, plan.stores),
    resumed: how.resumed,
    finished: false,
    continued: [],
  };
}
