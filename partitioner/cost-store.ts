import { digestOf } from "../core/digest.ts";
import { controlNames } from "../core/layout.ts";
import type { PlannedJob } from "../core/types.ts";
import { jsonBytes, readJson } from "../storage/objects.ts";
import type { ObjectStore } from "../storage/store.ts";
import { defaultCostModel, type CostModel, type Family, type FamilyCost } from "./cost.ts";

/** What runs of these jobs taught; the default before the first, and for what is no cost: a guess is no reason to stop. */
export async function readCostModel(control: ObjectStore, jobs: PlannedJob[], signal?: AbortSignal): Promise<CostModel> {
  const stored = await readJson<Partial<CostModel>>(control, nameOf(jobs), signal);
  const families = Object.entries(defaultCostModel.families).map(([family, byDefault]) => {
    const cost = stored?.families?.[family as Family];
    return [family, cost !== undefined && isCost(cost) ? cost : byDefault];
  });
  return { format: 1, families: Object.fromEntries(families) as CostModel["families"] };
}

function isCost(cost: FamilyCost): boolean {
  const { fixedMs, msPerMegabyte, msPerMegapixel, megapixelsPerMegabyte, samples } = cost;
  const isEach = [fixedMs, msPerMegabyte, msPerMegapixel, megapixelsPerMegabyte, samples].every(
    (value) => Number.isFinite(value) && value >= 0,
  );
  return isEach && fixedMs + msPerMegabyte + msPerMegapixel > 0;
}

/** Replaces what was there: the newest run knows best, and a plan that was made keeps its predictions. */
export async function writeCostModel(control: ObjectStore, jobs: PlannedJob[], model: CostModel, signal?: AbortSignal): Promise<void> {
  await control.write(nameOf(jobs), jsonBytes(model), { contentType: "application/json", ...(signal && { signal }) });
}

function nameOf(jobs: PlannedJob[]): string {
  return controlNames.cost(digestOf(jobs.map((job) => job.digest).sort()));
}
