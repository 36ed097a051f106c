import { followLinks } from "../configs/load.ts";
import { configValues, originText, type ConfigValue } from "../configs/origins.ts";
import { usageError } from "../core/errors.ts";
import { parseRunId } from "../core/ids.ts";
import { controlNames } from "../core/layout.ts";
import type { Plan } from "../core/types.ts";
import { readJson } from "../storage/objects.ts";
import type { Driver } from "./driver.ts";

export type FixedPlace = "source" | "archive" | "warehouse";

/**
 * Says where this command names other places than the plan of a run does, which are the run's for good: refuses a flag
 * (USAGE), and tells of a configuration that has changed since. Of a run without a plan nothing is said.
 */
export async function heedPlaces(driver: Driver, runId: string, fixed: readonly FixedPlace[]): Promise<void> {
  parseRunId(runId);
  const plan = await readJson<Plan>(driver.control, controlNames.plan(runId), driver.host.signal);
  if (plan === undefined) return;
  for (const { key, value, origin } of await otherPlaces(driver, plan, fixed)) {
    const what = `the ${key} of run ${runId} is ${plan.stores[key]}, not ${String(value)} (${originText(origin)})`;
    if (origin.kind === "flag") throw usageError(what, `Leave ${origin.flag} out: where a run has its files is in its plan.`);
    // A source changes from run to run; archive and warehouse are where one looks for results.
    if (key !== "source") driver.host.emit({ type: "notice", level: "warn", text: `${what}: the run's own is used` });
  }
}

type OtherPlace = ConfigValue & { key: FixedPlace };

async function otherPlaces({ config }: Driver, plan: Plan, fixed: readonly FixedPlace[]): Promise<OtherPlace[]> {
  const source = config.source.replaceAll("{run_date}", plan.runDate);
  const [asked, own] = await Promise.all([followLinks({ ...config, source }), followLinks(plan.stores)]);
  return configValues(config).flatMap((said) => {
    const key = fixed.find((one) => one === said.key);
    return key === undefined || said.origin.kind === "default" || asked[key] === own[key] ? [] : [{ ...said, key }];
  });
}
