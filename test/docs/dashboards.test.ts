import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dataStudioSources } from "../../analysis/data-studio.ts";
import { systemClock, systemRandom } from "../../core/clock.ts";
import { silentLogger } from "../../core/log.ts";
import { openWarehouse } from "../../warehouse/open.ts";
import { tables } from "../../warehouse/tables.ts";
import type { Warehouse } from "../../warehouse/warehouse.ts";

const text = readFileSync(new URL("../../docs/dashboards.md", import.meta.url), "utf8");

type Row = Record<string, string>;

/** The tables of the page that name a source, a record by head for each row. */
function sourceTables(): Row[][] {
  return text
    .split(/\n(?!\|)/)
    .map((block) => block.split("\n").filter((line) => line.startsWith("|")))
    .filter((lines) => lines.length > 2)
    .map((lines) =>
      lines.map((line) =>
        line
          .slice(1, -1)
          .split("|")
          .map((cell) => cell.trim()),
      ),
    )
    .map(([heads, , ...rows]) => rows.map((cells) => Object.fromEntries(cells.map((cell, index) => [heads![index]!, cell]))))
    .filter(([row]) => row !== undefined && "source" in row);
}

function codesIn(cell: string | undefined): string[] {
  return [...(cell ?? "").matchAll(/`([^`]+)`/g)].map((match) => match[1]!);
}

const rows = sourceTables().flat();
const calculated = rows.filter((row) => row["formula"] !== undefined);
const sourceOf = (row: Row): string => codesIn(row["source"])[0] ?? "";

describe("docs/dashboards.md", () => {
  let folder: string;
  let warehouse: Warehouse;
  /** Columns by table or view, those of records as `record.field`. */
  const columns = new Map<string, Set<string>>();

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "imagemill-dashboards-"));
    const context = { log: silentLogger, clock: systemClock, random: systemRandom, lockTimeoutMs: 5000 };
    warehouse = await openWarehouse(`duckdb://${join(folder, "w.duckdb")}`, context);
    await warehouse.ensure();
    const found = (await warehouse.query("SELECT table_name, column_name FROM information_schema.columns")) as Record<string, string>[];
    for (const { table_name: table, column_name: column } of found) {
      columns.set(table!, (columns.get(table!) ?? new Set()).add(column!));
    }
    for (const table of tables) {
      for (const { name, fields = [] } of table.columns) for (const field of fields) columns.get(table.name)!.add(`${name}.${field.name}`);
    }
  });
  after(async () => {
    await warehouse.close();
    await rm(folder, { recursive: true });
  });

  it("has a table of sources, types, formulas, controls, and of the charts of four pages", () => {
    assert.equal(sourceTables().length, 8);
    assert.ok(rows.filter((row) => row["chart"] !== undefined).length > 25);
    const named = new Set(rows.map(sourceOf));
    assert.deepEqual([...named].sort(), [...dataStudioSources].sort());
    for (const row of rows.filter((candidate) => candidate["alias"] !== undefined)) assert.equal(codesIn(row["alias"])[0], sourceOf(row));
  });

  it("names no column that its source lacks", () => {
    const fields = ["field", "date range dimension", "dimension", "breakdown", "metric (aggregation)", "sort"];
    const missing = rows.flatMap((row) => {
      const own = calculated.filter((other) => sourceOf(other) === sourceOf(row)).map((other) => codesIn(other["field"])[0]);
      const known = new Set([...columns.get(sourceOf(row))!, ...own, "Record Count"]);
      const filters = codesIn(row["filter"]).slice(0, 1);
      const used = [...fields.flatMap((head) => codesIn(row[head])), ...filters];
      return used.filter((name) => !known.has(name)).map((name) => `${sourceOf(row)}.${name}`);
    });
    assert.deepEqual(missing, []);
  });

  it("sorts by what a chart shows", () => {
    const charts = rows.filter((row) => codesIn(row["sort"]).length > 0);
    assert.ok(charts.length > 10);
    for (const row of charts) {
      const shown = [...codesIn(row["dimension"]), ...codesIn(row["metric (aggregation)"])];
      assert.ok(shown.includes(codesIn(row["sort"])[0]!), `${row["chart"]} sorts by ${row["sort"]}`);
    }
  });

  it("has formulas that the warehouse can compute, of columns that there are", async () => {
    assert.ok(calculated.length > 10);
    for (const row of calculated) {
      const formula = codesIn(row["formula"])[0]!;
      // The one function that only Data Studio has.
      const sql = formula.replace(/^HYPERLINK\((.*), name\)$/, "$1");
      await warehouse.query(`SELECT ${sql} AS value FROM ${sourceOf(row)}`);
      for (const word of formula.replaceAll(/'[^']*'/g, "").match(/\b[a-z][a-z0-9_.]*\b/g) ?? []) {
        assert.ok(columns.get(sourceOf(row))!.has(word), `${row["field"]} uses ${word}`);
      }
    }
  });
});
