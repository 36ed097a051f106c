import { inParallel } from "../../core/parallel.ts";
import { printable } from "../../core/names.ts";
import type { ImageRow, OutputRow } from "../../core/rows.ts";
import type { Commit } from "../../core/types.ts";
import { isStoreError, type ObjectInfo, type ObjectStore } from "../../storage/store.ts";
import { archivedName } from "../archived.ts";
import { copiesOf } from "../sealing.ts";
import type { Audit } from "./audit.ts";

const looksInFlight = 16;
const dayMs = 86_400_000;

/** Every output that a row names is in the archive as the row says, or has lived its days. */
export async function auditOutputs(audit: Audit, commit: Commit, rows: ImageRow[]): Promise<void> {
  const expired = isExpired(audit, commit);
  const outputs = rows.flatMap((row) => row.outputs.map((output) => ({ row, output })));
  await inParallel(outputs, looksInFlight, async ({ row, output }) => auditOutput(audit, row, output, expired));
  if (audit.records.seal === undefined) return;
  for (const { file, name } of copiesOf(audit.plan, commit)) await auditCopy(audit, name, file, expired);
}

/** The lifecycle may have taken what this commit names: outputs are older than their commit. */
function isExpired({ driver, plan }: Audit, commit: Commit): boolean {
  return driver.host.clock.now() >= Date.parse(commit.endedAt) + plan.policy.archive.days * dayMs;
}

async function auditOutput(audit: Audit, row: ImageRow, output: OutputRow, expired: boolean): Promise<void> {
  const { archive, findings, plan, signal } = audit;
  const what = `output ${output.job}/${output.variant} of "${printable(row.name)}"`;
  audit.checked.outputs += 1;
  const name = archivedName(plan, row, output, archive);
  if (name === undefined)
    return findings.add("OUTPUT_MISPLACED", `${what} is said to be at ${printable(output.uri)}, where this run writes nothing`);
  const found = await archive.stat(name, { signal });
  if (found === undefined)
    return expired ? void (audit.expiredOutputs += 1) : findings.add("OUTPUT_MISSING", `${what} is not at ${printable(output.uri)}`);
  // A member is recorded as itself, not as the tar it is in, which was copied at seal.
  if (output.member !== null) return undefined;
  if (found.generation !== output.generation || found.sizeBytes !== output.size_bytes) {
    return findings.add(
      "OUTPUT_CHANGED",
      `${what} was replaced: ${found.sizeBytes} bytes at generation ${found.generation}, not ${output.size_bytes} at ${output.generation}`,
    );
  }
  const crc32c = await crc32cOf(archive, found, signal);
  if (crc32c !== output.crc32c) findings.add("DIGEST_DIFFERS", `${what} has crc32c ${crc32c ?? "unknown"}, its row says ${output.crc32c}`);
  if (output.job === "source" && row.crc32c !== output.crc32c) {
    findings.add("DIGEST_DIFFERS", `the archived copy of "${printable(row.name)}" is not what was processed`);
  }
  return undefined;
}

async function auditCopy(audit: Audit, name: string, of: { sizeBytes: number; crc32c: string }, expired: boolean): Promise<void> {
  const { archive, findings, signal } = audit;
  const found = await archive.stat(name, { signal });
  if (found === undefined) return expired ? undefined : findings.add("COPY_MISSING", `${archive.uri(name)} is not there`);
  if (found.sizeBytes !== of.sizeBytes || (await crc32cOf(archive, found, signal)) !== of.crc32c) {
    findings.add("COPY_CHANGED", `${archive.uri(name)} is not the copy of what the shard's attempt made`);
  }
  return undefined;
}

/** Of the bytes, where the store does not list it. */
async function crc32cOf(store: ObjectStore, found: ObjectInfo, signal: AbortSignal): Promise<string | undefined> {
  if (found.crc32c !== undefined) return found.crc32c;
  try {
    return (await store.read(found.name, { generation: found.generation, signal })).info.crc32c;
  } catch (error) {
    // Deleted or replaced this moment.
    if (isStoreError(error, "NOT_FOUND")) return undefined;
    throw error;
  }
}
