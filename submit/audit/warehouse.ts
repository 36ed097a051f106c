import { codeOf } from "../../core/errors.ts";
import { compareNames, printable } from "../../core/names.ts";
import type { ImageRow } from "../../core/rows.ts";
import { readNdjson } from "../../storage/objects.ts";
import { isStoreError } from "../../storage/store.ts";
import type { QueryRow, Warehouse } from "../../warehouse/warehouse.ts";
import { inSealOrder } from "../seal.ts";
import type { Audit } from "./audit.ts";

const pageRows = 20_000;
/** What is compared of each row, besides its key. */
const compared = ["attempt", "outcome", "reason", "sha256", "crc32c", "size_bytes"] as const;

type KeyedRow = Pick<ImageRow, "shard" | "name" | "generation">;

/** rows(run) is 0 or N, and the N are the sealed ones. */
export async function auditWarehouse(audit: Audit): Promise<void> {
  const { plan, records, driver, findings, checked, signal } = audit;
  const warehouse = await driver.warehouse(plan.stores.warehouse);
  const counted = await warehouse.countRows(plan.runId, plan.runDate, signal);
  checked.warehouseRows = counted;
  const sealed = records.seal?.load.rows ?? 0;
  const allowed = records.load === undefined ? [0, sealed] : [sealed];
  if (!allowed.includes(counted)) {
    findings.add("WAREHOUSE_COUNT", `${warehouse.url} has ${counted} rows of the run, and ${allowed.join(" or ")} were expected`);
  }
  if (counted > 0) await compareRows(audit, warehouse);
  if (records.done !== undefined) await auditRunRow(audit, warehouse);
}

async function auditRunRow({ plan, findings, signal }: Audit, warehouse: Warehouse): Promise<void> {
  const rows = await warehouse.query("SELECT objects FROM runs WHERE run_id = @run", { run: plan.runId }, signal);
  const objects = plan.shards.reduce((sum, shard) => sum + shard.objects, 0);
  if (rows.length === 1 && rows[0]!["objects"] === objects) return;
  findings.add("RUN_ROW", `${warehouse.url} has ${rows.length} rows of the run in \`runs\`, and one with ${objects} objects was expected`);
}

/** Both sides in the order of shard, name and generation, side by side. */
async function compareRows(audit: Audit, warehouse: Warehouse): Promise<void> {
  const loaded = loadedRows(audit, warehouse);
  let next = await loaded.next();
  for await (const row of sealedRows(audit)) {
    for (; next.done !== true && compareKeys(next.value, row) < 0; next = await loaded.next()) foreign(audit, next.value);
    if (next.done !== true && compareKeys(next.value, row) === 0) {
      compareRow(audit, row, next.value);
      next = await loaded.next();
    } else audit.findings.add("WAREHOUSE_ROW_MISSING", `the warehouse has no row of ${nameOf(row)}`);
  }
  for (; next.done !== true; next = await loaded.next()) foreign(audit, next.value);
}

function foreign({ findings }: Audit, row: KeyedRow): void {
  findings.add("WAREHOUSE_ROW_FOREIGN", `the warehouse has a row of ${nameOf(row)} that no commit has, or has it twice`);
}

function compareRow({ findings }: Audit, row: ImageRow, loaded: QueryRow): void {
  const differing = compared.filter((column) => row[column] !== loaded[column]);
  if (differing.length > 0)
    findings.add("WAREHOUSE_ROW_DIFFERS", `the row of ${nameOf(row)} differs from its commit's in ${differing.join(", ")}`);
}

function nameOf({ shard, name, generation }: KeyedRow): string {
  return `"${printable(name)}"@${generation} of shard ${shard}`;
}

function compareKeys(a: KeyedRow, b: KeyedRow): number {
  return compareNames(a.shard, b.shard) || compareNames(a.name, b.name) || compareNames(a.generation, b.generation);
}

/** One rows file in memory at a time. One that cannot be read was reported when it was audited. */
async function* sealedRows({ control, commits, signal }: Audit): AsyncGenerator<ImageRow> {
  for (const { rows } of inSealOrder(commits)) {
    try {
      const read = await readNdjson<ImageRow>(control, rows.name, signal);
      yield* read.sort(compareKeys);
    } catch (error) {
      if (!isStoreError(error, "NOT_FOUND") && codeOf(error) !== "CORRUPT_FILE") throw error;
    }
  }
}

async function* loadedRows({ plan, signal }: Audit, warehouse: Warehouse): AsyncGenerator<QueryRow & KeyedRow, undefined> {
  const columns = ["shard", "name", "generation", ...compared].join(", ");
  const after = "shard > @shard OR (shard = @shard AND (name > @name OR (name = @name AND generation > @generation)))";
  const sql = `SELECT ${columns} FROM images WHERE run_id = @run AND run_date = CAST(@date AS DATE) AND (${after}) ORDER BY shard, name, generation LIMIT ${pageRows}`;
  let last: KeyedRow = { shard: "", name: "", generation: "" };
  for (;;) {
    const { shard, name, generation } = last;
    const page = await warehouse.query(sql, { run: plan.runId, date: plan.runDate, shard, name, generation }, signal);
    yield* page as unknown as (QueryRow & KeyedRow)[];
    if (page.length < pageRows) return undefined;
    last = page.at(-1) as unknown as KeyedRow;
  }
}
