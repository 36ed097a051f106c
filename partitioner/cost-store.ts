import { digestOf } from "../core/digest.ts";
import { controlNames } from "../core/layout.ts";
import type { PlannedJob } from "../core/types.ts";
import { jsonBytes, readJson } from "../storage/objects.ts";
import type { ObjectStore } from "../storage/store.ts";
import { defaultCostModel, type CostModel } from "./cost.ts";

/** What runs of these jobs taught; the default before the first. */
export async function readCostModel(control: ObjectStore, jobs: PlannedJob[], signal?: AbortSignal): Promise<CostModel> {
  const stored = await readJson<CostModel | { format: 0 }>(control, nameOf(jobs), signal);
  if (stored === undefined || stored.format !== 1) return defaultCostModel;
  return { ...stored, families: { ...defaultCostModel.families, ...stored.families } };
}

/** Replaces what was there: the newest run knows best, and a plan that was made keeps its predictions. */
export async function writeCostModel(control: ObjectStore, jobs: PlannedJob[], model: CostModel, signal?: AbortSignal): Promise<void> {
  await control.write(nameOf(jobs), jsonBytes(model), { contentType: "application/json", ...(signal && { signal }) });
}

function nameOf(jobs: PlannedJob[]): string {
  return controlNames.cost(digestOf(jobs.map((job) => job.digest).sort()));
}
