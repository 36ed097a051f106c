import { ImagemillError, codeOf, exitCodes, messageOf } from "../core/errors.ts";
import { jobsLabel } from "../core/ids.ts";
import { archiveNames } from "../core/layout.ts";
import type { Plan } from "../core/types.ts";
import { createOrReadJson } from "../storage/objects.ts";
import { isStoreError } from "../storage/store.ts";
import type { Driver } from "./driver.ts";

/**
 * Before the first worker starts: the archive takes an object, the warehouse has its tables or lets us make them. Hours
 * of work would otherwise end at what is wrong now. The object tells people what the folder is.
 */
export async function preflight(driver: Driver, plan: Plan, signal: AbortSignal): Promise<void> {
  if (plan.shards.length === 0) return;
  await Promise.all([markArchive(driver, plan, signal), prepareWarehouse(driver, plan, signal)]);
}

async function markArchive(driver: Driver, plan: Plan, signal: AbortSignal): Promise<void> {
  const { runId, planId, runDate, request, stores } = plan;
  const mark = { runId, planId, runDate, jobs: jobsLabel(request.jobs), source: stores.source, control: stores.control };
  try {
    await createOrReadJson(await driver.store(stores.archive), archiveNames.mark(plan), mark, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (isStoreError(error, "UNAVAILABLE")) throw error;
    throw new ImagemillError("ARCHIVE_UNWRITABLE", `the archive ${stores.archive} takes no objects: ${messageOf(error)}`, {
      exitCode: exitCodes.precondition,
      hint: hintOf(error) ?? "Check `archive` in the config, or --archive; `imagemill doctor` says what is missing.",
      cause: error,
    });
  }
}

function hintOf(error: unknown): string | undefined {
  return error instanceof ImagemillError ? error.hint : undefined;
}

async function prepareWarehouse(driver: Driver, plan: Plan, signal: AbortSignal): Promise<void> {
  const warehouse = await driver.warehouse(plan.stores.warehouse);
  try {
    for (const change of await warehouse.ensure(signal)) {
      if (change.applicable) continue;
      driver.host.emit({ type: "notice", level: "warn", text: `${warehouse.url} differs from what this version expects: ${change.what}` });
    }
  } catch (error) {
    // Somebody else has it open now; it is not needed before the load.
    if (codeOf(error) !== "WAREHOUSE_BUSY") throw error;
    driver.host.log.info("warehouse-busy", { warehouse: warehouse.url });
  }
}
