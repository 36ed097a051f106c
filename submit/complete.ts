import { utcInstant } from "../core/clock.ts";
import { controlNames } from "../core/layout.ts";
import type { Commit, LoadRecord, Plan, Seal } from "../core/types.ts";
import { writeReport } from "../analysis/report/write.ts";
import { pruneArchive } from "../archive/prune.ts";
import { createOrReadJson, readJson } from "../storage/objects.ts";
import { isStoreError } from "../storage/store.ts";
import { examplesKept } from "./reasons.ts";
import { rememberRun } from "./remember.ts";
import { runRowOf, type DoneRecord, type Worked } from "./done.ts";
import { fleetOf } from "./fleet.ts";
import { moveSources } from "./move.ts";
import { loadIdOf, inSealOrder, sealDigest } from "./seal.ts";
import { sealRun } from "./sealing.ts";
import type { RunNumbers } from "../analysis/report/numbers.ts";
import type { Driver } from "./driver.ts";
import type { RunRecords } from "./state.ts";
import type { RunSummary } from "./summary.ts";

/**
 * Seal, load, ledger, deletion of moved sources, the row of `runs`, the report, and last done.json. The gate is open.
 * Each step adopts what an earlier process left, so that stopping anywhere costs nothing but time.
 */
export async function completeRun(
  driver: Driver,
  plan: Plan,
  commits: ReadonlyMap<string, Commit>,
  records: RunRecords,
  signal: AbortSignal,
): Promise<DoneRecord> {
  const { emit } = driver.host;
  const { runId } = plan;
  emit({ type: "state", runId, state: "committed" });
  const seal = records.seal ?? (await sealRun(driver, plan, commits, signal));
  emit({ type: "state", runId, state: "sealed" });
  const load = records.load ?? (await loadRows(driver, plan, seal, signal));
  emit({ type: "state", runId, state: "loaded" });

  const ordered = inSealOrder(commits.values());
  await rememberRun(driver.control, plan, ordered, signal);
  const moved = await moveSources(driver, plan, ordered, signal);
  const row = runRowOf(plan, seal, load, ordered, workedBy(driver, plan, records.submit?.engine ?? driver.config.engine));
  await (await driver.warehouse(plan.stores.warehouse)).putRun(row, signal);
  const reasons = await report(driver, plan, signal);
  const done: DoneRecord = {
    format: 1,
    runId,
    planId: plan.planId,
    row,
    rowsLoaded: load.rows,
    reasons,
    moved,
    report: controlNames.reportPage(runId),
  };
  await prune(driver, plan, signal);
  const { value } = await createOrReadJson(driver.control, controlNames.done(runId), done, signal);
  emit({ type: "state", runId, state: "done" });
  return value;
}

function workedBy({ config, host, sizing }: Driver, plan: Plan, engine: string): Worked {
  return { engine, fleet: fleetOf(config, engine, sizing(), plan), prices: config.prices, startedAtMs: host.startedAtMs };
}

async function loadRows(driver: Driver, plan: Plan, seal: Seal, signal: AbortSignal): Promise<LoadRecord> {
  const warehouse = await driver.warehouse(plan.stores.warehouse);
  // Another machine may have done the work; and what a busy warehouse kept us from then is due now.
  await warehouse.ensure(signal);
  const { loadIds, rows, adopted } = await warehouse.load(
    {
      runId: seal.runId,
      runDate: seal.runDate,
      loadId: loadIdOf(seal),
      files: seal.commits.map((commit) => commit.rows),
      store: driver.control,
      rows: seal.load.rows,
    },
    signal,
  );
  const record: LoadRecord = {
    format: 1,
    runId: seal.runId,
    sealDigest: sealDigest(seal),
    loadIds,
    rows,
    adopted,
    loadedAt: utcInstant(driver.host.clock.now()),
  };
  const { value } = await createOrReadJson(driver.control, controlNames.load(seal.runId), record, signal);
  return value;
}

async function report(driver: Driver, plan: Plan, signal: AbortSignal): Promise<RunSummary["reasons"]> {
  const archive = await driver.store(plan.stores.archive);
  await writeReport({ runId: plan.runId, control: driver.control, archive, signal });
  const numbers = await readJson<RunNumbers>(driver.control, controlNames.report(plan.runId), signal);
  return (numbers?.reasons ?? []).map(({ reason, objects, examples }) => ({
    reason,
    count: objects,
    examples: examples.slice(0, examplesKept).map((example) => example.name),
  }));
}

/** What a lifecycle rule does by itself where there is one. */
async function prune(driver: Driver, plan: Plan, signal: AbortSignal): Promise<void> {
  const archive = await driver.store(plan.stores.archive);
  if (archive.capabilities.lifecycle) return;
  const { days } = plan.policy.archive;
  const pruned = await pruneArchive(archive, { days, now: driver.host.clock.now(), signal }).catch((error: unknown) => {
    // Nothing was ever archived in this folder.
    if (isStoreError(error, "NOT_FOUND")) return undefined;
    throw error;
  });
  if (pruned === undefined || pruned.objects === 0) return;
  driver.host.emit({
    type: "notice",
    level: "info",
    text: `${pruned.objects} archived objects older than ${days} days were deleted`,
  });
}
