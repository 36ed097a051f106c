import { parseRunId } from "../core/ids.ts";
import type { Commit } from "../core/types.ts";
import { inParallel } from "../core/parallel.ts";
import { newFindings } from "./audit/findings.ts";
import { auditLedger, expectInLedger } from "./audit/ledger.ts";
import { newMultiset, type Multiset } from "./audit/multiset.ts";
import { createOutputAudit, type OutputAudit } from "./audit/outputs.ts";
import { auditManifest, auditPlan, auditShard } from "./audit/plan.ts";
import { auditRows } from "./audit/rows.ts";
import { auditSeal } from "./audit/seal.ts";
import { auditWarehouse } from "./audit/warehouse.ts";
import { openSpool } from "../partitioner/spool.ts";
import { existing } from "./finish.ts";
import { newProgress, noteCommits, progressEvent } from "./progress.ts";
import { readCommits, readRecords } from "./records.ts";
import { stateOf } from "./state.ts";
import { cancelled } from "./stop.ts";
import type { Audit } from "./audit/audit.ts";
import type { Driver } from "./driver.ts";
import type { VerifyResult } from "./summary.ts";

const shardsInFlight = 4;

/**
 * Audits the invariants of a run against stores and warehouse, as far as the run has come. Reads and never writes; holds
 * a few shards and a few listings in memory, whatever the size of the run: names of outputs wait on the local disk.
 */
export async function verifyRun(driver: Driver, runId: string): Promise<VerifyResult> {
  parseRunId(runId);
  try {
    const audit = await openAudit(driver, runId);
    auditPlan(audit);
    auditSeal(audit);
    await auditShards(audit);
    await auditWarehouse(audit);
    return resultOf(audit);
  } catch (error) {
    throw driver.host.signal.aborted ? cancelled() : error;
  }
}

async function openAudit(driver: Driver, runId: string): Promise<Audit> {
  const { control, host } = driver;
  const read = await readRecords(control, runId, host.signal);
  const plan = existing(read, driver);
  const commits = new Map<string, Commit>();
  await readCommits(control, runId, commits, host.signal);
  return {
    driver,
    signal: host.signal,
    plan,
    records: { ...read, commits },
    commits: [...commits.values()],
    control,
    archive: await driver.store(plan.stores.archive),
    findings: newFindings(),
    checked: { shards: 0, rows: 0, outputs: 0, warehouseRows: 0 },
    expiredOutputs: 0,
  };
}

/** Each manifest entry is unchanged or in exactly one shard; each entry of a committed shard has exactly one row. */
async function auditShards(audit: Audit): Promise<void> {
  const { plan, records, findings, driver } = audit;
  const [toDo, inShards, expected] = [newMultiset(), newMultiset(), newMultiset()];
  await using spool = await openSpool(audit.signal);
  const outputs = createOutputAudit(audit, spool);
  await auditManifest(audit, toDo);
  const progress = newProgress(plan, new Map());
  await inParallel(plan.shards, shardsInFlight, async (shard) => {
    const entries = await auditShard(audit, shard, inShards);
    audit.checked.shards += 1;
    const commit = records.commits.get(shard.id);
    if (commit === undefined || entries === undefined) return;
    for (const row of (await auditCommit(audit, outputs, commit, entries)) ?? []) expectInLedger(expected, row);
    noteCommits(progress, new Map([[shard.id, commit]]));
    driver.host.emit(progressEvent(progress, { state: "running" }));
  });
  await outputs.compare();
  if (!toDo.equals(inShards)) findings.add("PARTITION_BROKEN", partitionMessage(toDo, inShards));
  if (records.done !== undefined) await auditLedger(audit, expected);
}

async function auditCommit(
  audit: Audit,
  outputs: OutputAudit,
  commit: Commit,
  entries: Parameters<typeof auditRows>[2],
): Promise<Awaited<ReturnType<typeof auditRows>>> {
  const rows = await auditRows(audit, commit, entries);
  if (rows !== undefined) await outputs.expect(commit, rows);
  return rows;
}

function partitionMessage(toDo: Multiset, inShards: Multiset): string {
  const same = toDo.size === inShards.size ? ", but not the same ones" : "";
  return `${toDo.size} objects of the manifest are to be done, ${inShards.size} are in shards${same}`;
}

function resultOf({ plan, records, findings, expiredOutputs, checked }: Audit): VerifyResult {
  const violations = findings.violations();
  return { runId: plan.runId, holds: violations.length === 0, violations, expiredOutputs, state: stateOf(records), checked };
}
