import { addCounts, emptyCounts } from "../../core/events.ts";
import { printable } from "../../core/names.ts";
import { decodeNdjson } from "../../core/ndjson.ts";
import type { ImageRow } from "../../core/rows.ts";
import { quarantineReasons, type Commit, type Counts, type ShardEntry } from "../../core/types.ts";
import { codeOf, messageOf } from "../../core/errors.ts";
import { isStoreError } from "../../storage/store.ts";
import type { Audit } from "./audit.ts";

/** The rows of a commit, checked against its shard's entries; undefined where they cannot be read. */
export async function auditRows(audit: Audit, commit: Commit, entries: ShardEntry[]): Promise<ImageRow[] | undefined> {
  const rows = await readRows(audit, commit);
  if (rows === undefined) return undefined;
  audit.checked.rows += rows.length;
  const { findings } = audit;
  const open = new Map(entries.map((entry) => [keyOf(entry), entry]));
  const twice = new Set<string>();
  for (const row of rows) {
    const key = keyOf(row);
    const entry = open.get(key);
    const where = `"${printable(row.name)}" of shard ${commit.shard}`;
    if (entry !== undefined) auditRow(audit, commit, entry, row, where);
    else
      findings.add(
        twice.has(key) ? "ROW_TWICE" : "ROW_FOREIGN",
        `${where} has ${twice.has(key) ? "a second row" : "a row, but is not in the shard"}`,
      );
    open.delete(key);
    twice.add(key);
  }
  for (const entry of open.values()) findings.add("ROW_MISSING", `"${printable(entry.name)}" of shard ${commit.shard} has no row`);
  auditCounts(audit, commit, rows);
  auditTwins(audit, rows, commit);
  return rows;
}

function keyOf({ name, generation }: { name: string; generation: string }): string {
  return `${generation}/${name}`;
}

async function readRows({ control, findings, signal }: Audit, commit: Commit): Promise<ImageRow[] | undefined> {
  const { name, sizeBytes, crc32c } = commit.rows;
  try {
    const { info, bytes } = await control.read(name, { signal });
    if (info.sizeBytes !== sizeBytes || info.crc32c !== crc32c) {
      findings.add(
        "ROWS_CHANGED",
        `${name} has ${info.sizeBytes} bytes and crc32c ${info.crc32c ?? "unknown"}; its commit says ${sizeBytes} and ${crc32c}`,
      );
    }
    return decodeNdjson<ImageRow>(bytes, control.uri(name));
  } catch (error) {
    if (isStoreError(error, "NOT_FOUND")) findings.add("ROWS_MISSING", error.message);
    else if (codeOf(error) === "CORRUPT_FILE") findings.add("ROWS_CHANGED", messageOf(error));
    else throw error;
    return undefined;
  }
}

function auditRow({ findings, plan }: Audit, commit: Commit, entry: ShardEntry, row: ImageRow, where: string): void {
  if (row.run_id !== plan.runId || row.run_date !== plan.runDate || row.shard !== commit.shard || row.attempt !== commit.attempt) {
    findings.add("ROW_FOREIGN", `${where}: its row says run ${row.run_id}, shard ${row.shard}, attempt ${row.attempt}`);
  }
  if (!isOutcome(row)) findings.add("OUTCOME_INVALID", `${where} is ${row.outcome} for the reason ${row.reason ?? "none"}`);
  if (row.outcome !== "ok" && row.outputs.length > 0) findings.add("OUTCOME_INVALID", `${where} is ${row.outcome}, yet has outputs`);
  if (entry.crc32c !== undefined && row.crc32c !== null && row.crc32c !== entry.crc32c) {
    findings.add("DIGEST_DIFFERS", `${where}: crc32c ${row.crc32c} was read, ${entry.crc32c} was listed`);
  }
  if (row.sha256 !== null && row.size_bytes !== entry.sizeBytes) {
    findings.add("DIGEST_DIFFERS", `${where}: ${row.size_bytes} bytes were read, ${entry.sizeBytes} were listed`);
  }
}

function isOutcome({ outcome, reason, twin }: ImageRow): boolean {
  switch (outcome) {
    case "ok":
      return reason === null;
    case "skipped":
      return reason === "source_changed" || (reason === "duplicate" && twin !== null);
    case "quarantined":
      return quarantineReasons.some((one) => one === reason);
    default:
      return false;
  }
}

function auditCounts({ findings }: Audit, commit: Commit, rows: ImageRow[]): void {
  const counted = rows.map(countsOf).reduce(addCounts, emptyCounts());
  const differing = (["objects", "ok", "skipped", "quarantined", "outputs"] as const).filter(
    (what) => counted[what] !== commit.counts[what],
  );
  if (differing.length === 0) return;
  const said = differing.map((what) => `${what} ${commit.counts[what]} (rows: ${counted[what]})`);
  findings.add("COUNTS_DIFFER", `commit ${commit.shard} counts ${said.join(", ")}`);
}

function countsOf(row: ImageRow): Counts {
  const is = (outcome: ImageRow["outcome"]): number => (row.outcome === outcome ? 1 : 0);
  const outputs = row.outputs.length;
  return { ...emptyCounts(), objects: 1, ok: is("ok"), skipped: is("skipped"), quarantined: is("quarantined"), outputs };
}

/** A twin of the same run is an `ok` row of the same file; of an earlier run, its ledger said so. */
function auditTwins({ findings, plan }: Audit, rows: ImageRow[], commit: Commit): void {
  const processed = new Map(rows.filter((row) => row.outcome === "ok").map((row) => [keyOf(row), row]));
  for (const { name, twin, sha256 } of rows) {
    if (twin === null || twin.run_id !== plan.runId) continue;
    const found = processed.get(keyOf(twin));
    if (found?.sha256 !== sha256) {
      findings.add(
        "TWIN_MISSING",
        `"${printable(name)}" of shard ${commit.shard} is a duplicate of "${printable(twin.name)}", which is not there or differs`,
      );
    }
  }
}
