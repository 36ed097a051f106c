import { utcDate } from "../core/clock.ts";
import type { ShardSummary } from "../core/types.ts";
import { planFor, previewFor, requestOf } from "./planning.ts";
import { cancelled } from "./stop.ts";
import type { Driver, RunOptions } from "./driver.ts";
import type { PlanSummary } from "./summary.ts";

/** Lists and packs. Stores nothing without `save`; a stored plan of the run is shown as it is. */
export async function planRun(driver: Driver, options: RunOptions, { save }: { save: boolean }): Promise<PlanSummary> {
  const { clock, signal } = driver.host;
  const wish = { request: await requestOf(driver, options), runDate: options.runDate ?? utcDate(clock.now()) };
  try {
    const { plan, adopted, skew } = await (save ? planFor(driver, wish, signal, { ready: false }) : previewFor(driver, wish, signal));
    const { processes, threadsPerProcess } = driver.sizing();
    return {
      planId: plan.planId,
      objects: plan.manifest.objects,
      bytes: plan.manifest.bytes,
      shards: plan.shards.length,
      predictedSeconds: Math.round(makespanMs(plan.shards, processes, threadsPerProcess)) / 1000,
      predictedCost: null,
      skew,
      runId: plan.runId,
      unchanged: plan.manifest.unchanged,
      adopted,
      saved: save || adopted,
    };
  } catch (error) {
    throw signal.aborted ? cancelled() : error;
  }
}

/** Wall time when each shard, in this order, goes to the worker that is free first. */
export function makespanMs(shards: Pick<ShardSummary, "predictedMs">[], workers: number, threads: number): number {
  const freeAt = Array.from({ length: Math.max(1, workers) }, () => 0);
  for (const shard of shards) {
    const first = freeAt.indexOf(Math.min(...freeAt));
    freeAt[first]! += shard.predictedMs / threads;
  }
  return Math.max(...freeAt);
}
