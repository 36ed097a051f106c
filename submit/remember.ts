import { utcDate } from "../core/clock.ts";
import type { ImageRow } from "../core/rows.ts";
import type { Commit, LedgerEntry, Plan } from "../core/types.ts";
import { readCostModel, writeCostModel } from "../partitioner/cost-store.ts";
import { createCostSampler, fitCost, type CostSample } from "../partitioner/fit.ts";
import { ledgerKeyOf } from "../partitioner/ledger.ts";
import { appendLedger } from "../partitioner/ledger-append.ts";
import { readNdjson } from "../storage/objects.ts";
import type { ObjectStore } from "../storage/store.ts";

const dayMs = 86_400_000;

/** What later runs know of this one: its ledger segment, and what its images cost. Once a run, however often called. */
export async function rememberRun(control: ObjectStore, plan: Plan, commits: Commit[], signal: AbortSignal): Promise<void> {
  const sampler = createCostSampler();
  let sampled = 0;
  async function* entries(): AsyncGenerator<LedgerEntry[]> {
    for (const { rows } of commits) {
      const read = await readNdjson<ImageRow>(control, rows.name, signal);
      for (const row of read) {
        const sample = sampleOf(row);
        if (sample === undefined) continue;
        sampler.add(sample);
        sampled += 1;
      }
      yield read.map((row) => ledgerEntryOf(row, plan));
    }
  }
  await appendLedger(control, ledgerKeyOf(plan), entries(), { runId: plan.runId, from: plan.ledgerBelow, signal });
  if (sampled === 0) return;
  const { jobs } = plan.request;
  await writeCostModel(control, jobs, fitCost(sampler.samples(), await readCostModel(control, jobs, signal)), signal);
}

function ledgerEntryOf(row: ImageRow, plan: Plan): LedgerEntry {
  return {
    name: row.name,
    generation: row.generation,
    sizeBytes: row.size_bytes,
    crc32c: row.crc32c ?? "",
    sha256: row.sha256 ?? "",
    outcome: row.outcome,
    ...(row.reason !== null && { reason: row.reason }),
    runId: row.run_id,
    ...(row.outputs.length > 0 && { outputsExpire: utcDate(Date.parse(row.processed_at) + plan.policy.archive.days * dayMs) }),
  };
}

/** Only an image that was processed says what processing costs. */
function sampleOf(row: ImageRow): CostSample | undefined {
  if (row.outcome !== "ok") return undefined;
  return {
    name: row.name,
    sizeBytes: row.size_bytes,
    ms: row.timings.process_ms,
    ...(row.content_type !== null && { contentType: row.content_type }),
    ...(row.width !== null && row.height !== null && { pixels: row.width * row.height }),
  };
}
