import { utcInstant } from "../core/clock.ts";
import { digestOf } from "../core/digest.ts";
import { jobsLabel } from "../core/ids.ts";
import type { RunRow } from "../core/rows.ts";
import type { Commit, LoadRecord, Plan, Seal } from "../core/types.ts";
import type { Fleet } from "../capacity/fleet.ts";
import { predict } from "../capacity/predict.ts";
import { priceOf } from "../capacity/price.ts";
import type { PricesConfig } from "../configs/config.ts";
import { coveredMs, perSecond, workIntervals, type Interval } from "./timing.ts";
import type { Moved } from "./move.ts";
import type { RunSummary } from "./summary.ts";

/** `runs/<runId>/done.json`: the last file of a run. Running it again reads this and writes nothing. */
export interface DoneRecord {
  format: 1;
  runId: string;
  planId: string;
  /** As the warehouse's table `runs` has it. */
  row: RunRow;
  rowsLoaded: number;
  reasons: RunSummary["reasons"];
  moved: Moved;
  /** The report page: a name in the control store. */
  report: string;
}

/** Who did the work of a run, and what that costs. */
export interface Worked {
  engine: string;
  fleet: Fleet;
  prices: PricesConfig;
  /** When this process began, milliseconds since the epoch. */
  startedAtMs: number;
}

/** One row of the table `runs`. Its end is when the rows were in the warehouse. */
export function runRowOf(plan: Plan, seal: Seal, load: LoadRecord, commits: Commit[], worked: Worked): RunRow {
  const { engine, fleet, prices, startedAtMs } = worked;
  const endMs = Date.parse(load.loadedAt);
  const work = [...workIntervals(commits)];
  // A process that only settles what another one loaded began after the end.
  const own = startedAtMs < endMs ? [{ fromMs: startedAtMs, toMs: endMs }] : [];
  const wallMs = Math.round(coveredMs([...work, ...own]));
  const startMs = Math.min(
    endMs,
    ...own.map((one) => one.fromMs),
    work.reduce((least, one) => Math.min(least, one.fromMs), Infinity),
  );
  const { counts } = seal;
  return {
    run_id: plan.runId,
    run_date: plan.runDate,
    plan_id: plan.planId,
    jobs: jobsLabel(plan.request.jobs),
    source: plan.stores.source,
    engine,
    state: "done",
    listed: plan.manifest.objects,
    unchanged: plan.manifest.unchanged,
    objects: counts.objects,
    ok: counts.ok,
    skipped: counts.skipped,
    quarantined: counts.quarantined,
    outputs: counts.outputs,
    shards: plan.shards.length,
    bytes_in: counts.bytesIn,
    bytes_out: counts.bytesOut,
    started_at: utcInstant(startMs),
    ended_at: load.loadedAt,
    wall_ms: wallMs,
    images_per_second: perSecond(counts.objects, wallMs),
    predicted_ms: plan.predictedMs,
    predicted_cost: predict(plan.shards, fleet, prices).cost,
    actual_cost: actualCost(work, worked),
    config_digest: plan.requestDigest,
    code_digest: digestOf(plan.code),
  };
}

/**
 * The fleet for as long as some worker worked, and its start. A night between two attempts is
 * not paid for; machines that nobody counted have no price.
 */
function actualCost(work: Interval[], { fleet, prices }: Worked): number | null {
  const workedMs = coveredMs(work);
  return priceOf(fleet, workedMs === 0 ? 0 : workedMs + fleet.startMs, prices);
}
