import { gunzipSync } from "node:zlib";
import { digestOf, sha256Hex } from "../../core/digest.ts";
import { codeOf, messageOf } from "../../core/errors.ts";
import { requestDigestOf, runIdOf } from "../../core/ids.ts";
import { controlNames } from "../../core/layout.ts";
import { compareNames, printable } from "../../core/names.ts";
import { decodeNdjson } from "../../core/ndjson.ts";
import type { ManifestEntry, ShardEntry, ShardSummary } from "../../core/types.ts";
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
  const { plan, findings } = audit;
  let [objects, bytes, unchanged] = [0, 0, 0];
  let last: string | undefined;
  for (const part of plan.manifest.parts) {
    for (const entry of (await readPart<ManifestEntry>(audit, part, "MANIFEST")) ?? []) {
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
  const { manifest } = plan;
  if (objects === manifest.objects && bytes === manifest.bytes && unchanged === manifest.unchanged) return;
  findings.add(
    "MANIFEST_COUNTS",
    `the manifest has ${objects} objects, ${bytes} bytes, ${unchanged} unchanged; plan.json says ${manifest.objects}, ${manifest.bytes}, ${manifest.unchanged}`,
  );
}

/** The entries of a shard, added to `inShards`; undefined where they cannot be read. */
export async function auditShard(audit: Audit, shard: ShardSummary, inShards: Multiset): Promise<ShardEntry[] | undefined> {
  const entries = await readPart<ShardEntry>(audit, controlNames.shard(audit.plan.runId, shard.id), "SHARD");
  if (entries === undefined) return undefined;
  for (const entry of entries) inShards.add(entry.name, entry.generation);
  const bytes = entries.reduce((sum, entry) => sum + entry.sizeBytes, 0);
  if (entries.length !== shard.objects || bytes !== shard.bytes) {
    audit.findings.add(
      "SHARD_COUNTS",
      `shard ${shard.id} has ${entries.length} objects, ${bytes} bytes; plan.json says ${shard.objects}, ${shard.bytes}`,
    );
  }
  return entries;
}

/** A file whose name ends with the digest of its text. */
async function readPart<T>({ control, findings, signal }: Audit, name: string, kind: "MANIFEST" | "SHARD"): Promise<T[] | undefined> {
  try {
    const { bytes } = await control.read(name, { signal });
    const values = decodeNdjson<T>(bytes, control.uri(name));
    const digest = sha256Hex(gunzipSync(bytes));
    const named = /-([0-9a-f]+)\.ndjson\.gz$/.exec(name)?.[1];
    if (named === undefined || !digest.startsWith(named)) findings.add(`${kind}_CHANGED`, `${name} is not what its name was made of`);
    return values;
  } catch (error) {
    if (isStoreError(error, "NOT_FOUND")) findings.add(`${kind}_MISSING`, error.message);
    else if (codeOf(error) === "CORRUPT_FILE") findings.add(`${kind}_CHANGED`, messageOf(error));
    else throw error;
    return undefined;
  }
}
