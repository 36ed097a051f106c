import type { Clock } from "../core/clock.ts";
import { requestDigestOf, runIdOf } from "../core/ids.ts";
import { controlNames } from "../core/layout.ts";
import type { CodeDigests, Plan, Policy, RunRequest, ShardEntry, StoreUrls } from "../core/types.ts";
import { createOrReadJson, readJson } from "../storage/objects.ts";
import type { ObjectStore } from "../storage/store.ts";
import { assertFormat } from "./format.ts";
import { makePlan } from "./make-plan.ts";
import { skewOf } from "./pack.ts";
import { planDiffers } from "./plan-difference.ts";
import { noPlanFiles, storedPlanFiles } from "./plan-files.ts";

export interface PlanInput {
  request: RunRequest;
  /** YYYY-MM-DD, UTC. */
  runDate: string;
  policy: Policy;
  /** Expanded: `{run_date}` filled in. */
  stores: StoreUrls;
  code: CodeDigests;
  source: ObjectStore;
  control: ObjectStore;
  signal: AbortSignal;
  /** Objects and bytes listed so far. */
  onListing?: (objects: number, bytes: number) => void;
  /** Instead of the listing and its selection, in any order: what a replay works on. The ledger does not apply. */
  entries?: () => AsyncIterable<ShardEntry[]>;
  /** Last look before a plan becomes the run's: what it throws leaves the run without one. */
  beforeCreate?: (plan: Plan) => Promise<void>;
  /** Today decides which outputs still live. */
  clock?: Clock;
}

export interface Planned {
  plan: Plan;
  /** Somebody had made it before. */
  adopted: boolean;
  /** Longest shard / mean shard. */
  skew: number;
}

/**
 * The plan of a run, made once: one that is stored for the same request is adopted without listing; one for another
 * request is refused (PLAN_DIFFERS). An empty source makes a plan without shards.
 */
export async function createPlan(input: PlanInput): Promise<Planned> {
  const stored = await readPlan(input);
  if (stored !== undefined) return adopt(stored, input);
  const plan = await makePlan(input, storedPlanFiles(input.control, input.signal));
  await input.beforeCreate?.(plan);
  const { value, created } = await createOrReadJson(input.control, controlNames.plan(plan.runId), plan, input.signal);
  return created ? { plan, adopted: false, skew: skewOf(plan.shards) } : adopt(value, input);
}

/** What `createPlan` would give; stores nothing. */
export async function previewPlan(input: PlanInput): Promise<Planned> {
  const stored = await readPlan(input);
  if (stored !== undefined) return adopt(stored, input);
  const plan = await makePlan(input, noPlanFiles);
  return { plan, adopted: false, skew: skewOf(plan.shards) };
}

async function readPlan({ control, runDate, request, signal }: PlanInput): Promise<Plan | undefined> {
  return await readJson<Plan>(control, controlNames.plan(runIdOf(runDate, request)), signal);
}

function adopt(plan: Plan, input: PlanInput): Planned {
  assertFormat(plan, input.control.uri(controlNames.plan(plan.runId)));
  if (plan.requestDigest !== requestDigestOf(input.request, input.policy, input.stores)) throw planDiffers(plan, input);
  return { plan, adopted: true, skew: skewOf(plan.shards) };
}
