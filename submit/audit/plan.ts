import { digestOf } from "../../core/digest.ts";
import { requestDigestOf, runIdOf } from "../../core/ids.ts";
import { controlNames } from "../../core/layout.ts";
import { compareNames, printable } from "../../core/names.ts";
import type { ShardEntry, ShardSummary } from "../../core/types.ts";
import { readManifest } from "../../partitioner/plan-files.ts";
import { readNdjson } from "../../storage/objects.ts";
import { isStoreError } from "../../storage/store.ts";
import type { Audit } from "./audit.ts";
import type { Multiset } from "./multiset.ts";

/** The plan says what its own digests say. */
export function auditPlan({ plan, findings }: Audit): void {
  const { planId, ...content } = plan;
  if (digestOf(content) !== planId) findings.add("PLAN_CHANGED", `plan.json is not what its id ${planId} was made of`);
  if (requestDigestOf(plan.request, plan.policy, plan.stores) !== plan.requestDigest) {
    findings.add("PLAN_CHANGED", "plan.json has another request, policy or stores than its requestDigest was made of");
  }
  if (runIdOf(plan.runDate, plan.request) !== plan.runId) findings.add("PLAN_CHANGED", `plan.json does not belong to run ${plan.runId}`);
}

/** The manifest is in order and adds up; what is not unchanged goes into `toDo`. */
export async function auditManifest(audit: Audit, toDo: Multiset): Promise<void> {
  const { plan, control, findings, signal } = audit;
  let [objects, bytes, unchanged] = [0, 0, 0];
  let last: string | undefined;
  try {
    for await (const batch of readManifest(control, plan, signal)) {
      for (const entry of batch) {
        if (last !== undefined && compareNames(last, entry.name) >= 0) {
          findings.add("MANIFEST_ORDER", `"${printable(entry.name)}" comes after "${printable(last)}" in the manifest`);
        }
        last = entry.name;
        objects += 1;
        bytes += entry.sizeBytes;
        if (entry.unchanged === true) unchanged += 1;
        else toDo.add(entry.name, entry.generation);
      }
    }
  } catch (error) {
    if (!isStoreError(error, "NOT_FOUND")) throw error;
    findings.add("MANIFEST_MISSING", error.message);
    return;
  }
  const { manifest } = plan;
  if (objects === manifest.objects && bytes === manifest.bytes && unchanged === manifest.unchanged) return;
  findings.add(
    "MANIFEST_COUNTS",
    `the manifest has ${objects} objects, ${bytes} bytes, ${unchanged} unchanged; plan.json says ${manifest.objects}, ${manifest.bytes}, ${manifest.unchanged}`,
  );
}

/** The entries of a shard, added to `inShards`; undefined where they cannot be read. */
export async function auditShard(audit: Audit, shard: ShardSummary, inShards: Multiset): Promise<ShardEntry[] | undefined> {
  const { plan, control, findings, signal } = audit;
  try {
    const entries = await readNdjson<ShardEntry>(control, controlNames.shard(plan.runId, shard.id), signal);
    for (const entry of entries) inShards.add(entry.name, entry.generation);
    const bytes = entries.reduce((sum, entry) => sum + entry.sizeBytes, 0);
    if (entries.length !== shard.objects || bytes !== shard.bytes) {
      findings.add(
        "SHARD_COUNTS",
        `shard ${shard.id} has ${entries.length} objects, ${bytes} bytes; plan.json says ${shard.objects}, ${shard.bytes}`,
      );
    }
    return entries;
  } catch (error) {
    if (!isStoreError(error, "NOT_FOUND")) throw error;
    findings.add("SHARD_MISSING", error.message);
    return undefined;
  }
}
