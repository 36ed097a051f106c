import type { DuckDBConnection, DuckDBType } from "@duckdb/node-api";
import { DuckDBListType, DuckDBStructType, DuckDBTypeId } from "@duckdb/node-api";
import { tableDescription, viewDescription, type ActualSchema, type Change } from "./differences.ts";
import { createTableSql, duckdbType, identifier, literal } from "./duckdb-sql.ts";
import { type Column, type Table, tables } from "./tables.ts";
import { viewSql } from "./views.ts";

const tableNames = { images: "images", runs: "runs" };

/** Which load brought which rows: evidence for people, and the next attempt's number. */
const loadsSql = `CREATE TABLE IF NOT EXISTS _loads
  (load_id VARCHAR NOT NULL, run_id VARCHAR NOT NULL, "rows" BIGINT NOT NULL, files BIGINT NOT NULL,
   loaded_at TIMESTAMP WITH TIME ZONE NOT NULL)`;

export async function readSchema(connection: DuckDBConnection): Promise<ActualSchema> {
  const found = await connection.runAndReadAll("SELECT table_name, coalesce(comment, '') FROM duckdb_tables() WHERE schema_name = 'main'");
  const views = await connection.runAndReadAll(
    "SELECT view_name, coalesce(comment, '') FROM duckdb_views() WHERE NOT internal AND schema_name = 'main'",
  );
  const actual: ActualSchema = { tables: new Map(), views: new Map() };
  for (const [name, description] of views.getRows()) actual.views.set(String(name), { description: String(description) });
  for (const [name, description] of found.getRows()) {
    const ours = tables.some((table) => table.name === name);
    const columns = ours ? await readColumns(connection, String(name)) : [];
    actual.tables.set(String(name), { columns, description: String(description) });
  }
  return actual;
}

async function readColumns(connection: DuckDBConnection, table: string): Promise<Column[]> {
  const reader = await connection.runAndReadAll(`SELECT * FROM ${identifier(table)} LIMIT 0`);
  const strict = await connection.runAndReadAll(
    "SELECT column_name FROM duckdb_columns() WHERE schema_name = 'main' AND table_name = $table AND NOT is_nullable",
    { table },
  );
  const required = new Set(strict.getRows().map(([name]) => String(name)));
  const columns = reader.columnNames().map((name, index) => columnOf(name, reader.columnType(index)));
  for (const column of columns) if (column.mode === "NULLABLE" && required.has(column.name)) column.mode = "REQUIRED";
  return columns;
}

function columnOf(name: string, type: DuckDBType): Column {
  if (type instanceof DuckDBListType) return { ...columnOf(name, type.valueType), mode: "REPEATED" };
  const plain: Pick<Column, "name" | "mode" | "description"> = { name, mode: "NULLABLE", description: "" };
  if (type instanceof DuckDBStructType) {
    const fields = type.entryNames.map((field, index) => columnOf(field, type.entryTypes[index]!));
    return { ...plain, type: "RECORD", fields };
  }
  return { ...plain, type: columnTypes.get(type.typeId) ?? (type.toString() as Column["type"]) };
}

/** Anything else shows under DuckDB's own name and is a conflict. */
const columnTypes = new Map<DuckDBTypeId, Column["type"]>([
  [DuckDBTypeId.VARCHAR, "STRING"],
  [DuckDBTypeId.BIGINT, "INT64"],
  [DuckDBTypeId.DOUBLE, "FLOAT64"],
  [DuckDBTypeId.BOOLEAN, "BOOL"],
  [DuckDBTypeId.DATE, "DATE"],
  [DuckDBTypeId.TIMESTAMP_TZ, "TIMESTAMP"],
]);

export async function applyChanges(connection: DuckDBConnection, changes: Change[]): Promise<void> {
  await connection.run(loadsSql);
  const rebuilt = new Set<Table>();
  for (const change of changes) {
    if (change.kind === "create-table") await createTable(connection, change.table);
    if (change.kind === "tag-table") await describeTable(connection, change.table);
    if (change.kind === "put-view") {
      const name = identifier(change.view.name);
      await connection.run(`CREATE OR REPLACE VIEW ${name} AS ${viewSql(change.view, "duckdb", tableNames)}`);
      await connection.run(`COMMENT ON VIEW ${name} IS ${literal(viewDescription(change.view, "duckdb"))}`);
    }
    if (change.kind === "relax-column" && change.path.length === 1) {
      await connection.run(`ALTER TABLE ${identifier(change.table.name)} ALTER COLUMN ${identifier(change.path[0]!)} DROP NOT NULL`);
    }
    if (change.kind === "add-column") await addColumn(connection, change, rebuilt);
  }
}

async function createTable(connection: DuckDBConnection, table: Table): Promise<void> {
  await connection.run(createTableSql(table));
  await describeTable(connection, table);
  for (const column of table.columns) await describeColumn(connection, table, column);
}

async function describeTable(connection: DuckDBConnection, table: Table): Promise<void> {
  await connection.run(`COMMENT ON TABLE ${identifier(table.name)} IS ${literal(tableDescription(table))}`);
}

async function describeColumn(connection: DuckDBConnection, table: Table, column: Column): Promise<void> {
  await connection.run(`COMMENT ON COLUMN ${identifier(table.name)}.${identifier(column.name)} IS ${literal(column.description)}`);
}

async function addColumn(connection: DuckDBConnection, change: Change & { kind: "add-column" }, rebuilt: Set<Table>): Promise<void> {
  const { table, path, column } = change;
  if (path.length === 1) {
    await connection.run(`ALTER TABLE ${identifier(table.name)} ADD COLUMN ${identifier(column.name)} ${duckdbType(column)}`);
    await describeColumn(connection, table, column);
  } else if (!rebuilt.has(table)) {
    rebuilt.add(table);
    await rebuildRecords(connection, table);
  }
}

/**
 * Copies the table with its records at their new type. DuckDB 1.5 could alter a nested field in place, but a process
 * killed before the next checkpoint then leaves a log that no DuckDB can replay: the database would not open again.
 */
async function rebuildRecords(connection: DuckDBConnection, table: Table): Promise<void> {
  const actual = await readColumns(connection, table.name);
  const present = new Set(actual.map((column) => column.name));
  const records = table.columns.filter((column) => column.type === "RECORD" && present.has(column.name));
  const casts = records.map((column) => `CAST(${identifier(column.name)} AS ${duckdbType(column)}) AS ${identifier(column.name)}`);
  const next = identifier(`${table.name}__next`);
  await connection.run(`CREATE TABLE ${next} AS SELECT * REPLACE (${casts.join(", ")}) FROM ${identifier(table.name)}`);
  for (const column of actual) {
    if (column.mode === "REQUIRED") await connection.run(`ALTER TABLE ${next} ALTER COLUMN ${identifier(column.name)} SET NOT NULL`);
  }
  await connection.run(`DROP TABLE ${identifier(table.name)}`);
  await connection.run(`ALTER TABLE ${next} RENAME TO ${identifier(table.name)}`);
  await describeTable(connection, table);
  for (const column of table.columns) if (present.has(column.name)) await describeColumn(connection, table, column);
}
