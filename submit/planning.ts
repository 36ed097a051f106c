import type { Plan, RunRequest, ShardEntry } from "../core/types.ts";
import type { PlanSubject } from "../partitioner/plan-difference.ts";
import { createPlan, previewPlan, type PlanInput, type Planned } from "../partitioner/plan.ts";
import { predict } from "../capacity/predict.ts";
import { fleetOf } from "./fleet.ts";
import { preflight } from "./preflight.ts";
import type { Driver, RunOptions } from "./driver.ts";

/** Progress events of a listing, at most so often. */
const listingEventMs = 250;

/** What a run id covers, `{run_date}` as written. */
export async function requestOf(driver: Driver, options: RunOptions): Promise<RunRequest> {
  const { source, select } = driver.config;
  const { limit, sample, reprocess, rerun } = options;
  return {
    source,
    select: {
      include: select.include,
      exclude: select.exclude,
      reprocess,
      ...(select.createdAfter !== undefined && { createdAfter: select.createdAfter }),
      ...(select.createdBefore !== undefined && { createdBefore: select.createdBefore }),
      ...(limit !== undefined && { limit }),
      ...(sample !== undefined && { sample }),
    },
    jobs: await driver.jobs(),
    rerun,
  };
}

export interface PlanWish {
  request: RunRequest;
  runDate: string;
  /** Instead of a listing. */
  entries?: () => AsyncIterable<ShardEntry[]>;
}

/**
 * Makes or adopts the plan of a run, and tells what it is. `ready`: there is work, and it can begin: a new plan is then
 * made only where the places of its results are fit for them, since a plan never changes.
 */
export async function planFor(driver: Driver, wish: PlanWish, signal: AbortSignal, how: { ready: boolean }): Promise<Planned> {
  const input = await inputFor(driver, wish, signal);
  const beforeCreate = async (plan: Plan): Promise<void> => preflight(driver, plan, signal);
  const planned = await createPlan(how.ready ? { ...input, beforeCreate } : input);
  if (how.ready) announce(driver, planned.plan, planned.adopted);
  warnOfNothing(driver, planned.plan);
  return planned;
}

/** The same, storing nothing. */
export async function previewFor(driver: Driver, wish: PlanWish, signal: AbortSignal): Promise<Planned> {
  return previewPlan(await inputFor(driver, wish, signal));
}

async function inputFor(driver: Driver, { request, runDate, entries }: PlanWish, signal: AbortSignal): Promise<PlanInput> {
  const subject = subjectOf(driver, { request, runDate });
  const { stores } = subject;
  return {
    ...subject,
    runDate,
    code: driver.code(),
    source: await driver.source(stores.source),
    control: driver.control,
    signal,
    onListing: listingEvents(driver),
    clock: driver.host.clock,
    ...(entries !== undefined && { entries }),
  };
}

/** All that a plan is made for: what its `requestDigest` covers. */
export function subjectOf({ config }: Driver, { request, runDate }: Pick<PlanWish, "request" | "runDate">): PlanSubject {
  const { archive, control, warehouse, policy } = config;
  const source = request.source.replaceAll("{run_date}", runDate);
  return { request, policy, stores: { source, archive, control, warehouse } };
}

function listingEvents({ host }: Driver): (objects: number, bytes: number) => void {
  let last = -Infinity;
  return (objects, bytes) => {
    const now = host.clock.monotonicMs();
    if (now - last < listingEventMs) return;
    last = now;
    host.emit({ type: "listing", objects, bytes });
  };
}

/** Before work begins. */
function announce({ config, host, sizing }: Driver, plan: Plan, adopted: boolean): void {
  host.emit({
    type: "planned",
    runId: plan.runId,
    objects: plan.manifest.objects,
    unchanged: plan.manifest.unchanged,
    bytes: plan.manifest.bytes,
    shards: plan.shards.length,
    predictedMs: predict(plan.shards, fleetOf(config, config.engine, sizing(), plan), config.prices).wallMs,
    adopted,
  });
}

function warnOfNothing({ host }: Driver, plan: Plan): void {
  if (plan.manifest.objects === 0) host.emit({ type: "notice", level: "warn", text: nothingFound(plan.stores.source, plan.request) });
}

function nothingFound(source: string, { select, rerun }: RunRequest): string {
  const wanted = [
    select.include.length > 0 ? `include ${select.include.join(", ")}` : "every name",
    ...(select.exclude.length > 0 ? [`exclude ${select.exclude.join(", ")}`] : []),
    ...(select.createdAfter === undefined ? [] : [`created after ${select.createdAfter}`]),
    ...(select.createdBefore === undefined ? [] : [`created before ${select.createdBefore}`]),
    ...(select.sample === undefined ? [] : [`a sample of ${select.sample}`]),
  ];
  return `no object of ${source} is selected (${wanted.join("; ")}): the run has no rows. What arrives later is taken by --rerun ${rerun + 1}`;
}
