import type { Column, ScalarType, Table } from "./tables.ts";

const scalarTypes: Record<ScalarType, string> = {
  STRING: "VARCHAR",
  INT64: "BIGINT",
  FLOAT64: "DOUBLE",
  BOOL: "BOOLEAN",
  DATE: "DATE",
  TIMESTAMP: "TIMESTAMP WITH TIME ZONE",
};

export function duckdbType(column: Column): string {
  const one = column.type === "RECORD" ? structType(column.fields ?? []) : scalarTypes[column.type];
  return column.mode === "REPEATED" ? `${one}[]` : one;
}

function structType(fields: Column[]): string {
  return `STRUCT(${fields.map((field) => `${identifier(field.name)} ${duckdbType(field)}`).join(", ")})`;
}

export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

export function createTableSql(table: Table): string {
  const columns = table.columns.map(
    (column) => `${identifier(column.name)} ${duckdbType(column)}${column.mode === "NULLABLE" ? "" : " NOT NULL"}`,
  );
  return `CREATE TABLE ${identifier(table.name)} (${columns.join(", ")})`;
}

/** `columns` given, so that DuckDB guesses nothing: what does not fit fails. */
export function readRowsSql(table: Table, files: string[]): string {
  const columns = table.columns.map((column) => `${identifier(column.name)}: ${literal(duckdbType(column))}`);
  return (
    `read_json([${files.map(literal).join(", ")}], format = 'newline_delimited', compression = 'gzip', ` +
    `ignore_errors = false, maximum_object_size = ${maxRowBytes}, columns = {${columns.join(", ")}})`
  );
}

/** DuckDB holds a few buffers of this size per thread. */
const maxRowBytes = 16 << 20;

export function columnNames(table: Table): string {
  return table.columns.map((column) => identifier(column.name)).join(", ");
}
