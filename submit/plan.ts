import { utcDate } from "../core/clock.ts";
import { predict } from "../capacity/predict.ts";
import { fleetOf } from "./fleet.ts";
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
    const { engine, prices } = driver.config;
    const fleet = fleetOf(driver.config, engine, driver.sizing(), plan);
    const { wallMs, cost } = predict(plan.shards, fleet, prices);
    return {
      planId: plan.planId,
      objects: plan.manifest.objects,
      bytes: plan.manifest.bytes,
      shards: plan.shards.length,
      predictedSeconds: Math.round(wallMs) / 1000,
      predictedCost: cost,
      skew,
      runId: plan.runId,
      unchanged: plan.manifest.unchanged,
      adopted,
      saved: save || adopted,
      engine,
      workers: fleet.workers,
      assumed: fleet.assumed,
      currency: prices.currency,
    };
  } catch (error) {
    throw signal.aborted ? cancelled() : error;
  }
}
