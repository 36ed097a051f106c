import type { DuckDBResultReader, DuckDBType, DuckDBValue } from "@duckdb/node-api";
import {
  BIGINT,
  DOUBLE,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBListValue,
  DuckDBStructValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  VARCHAR,
} from "@duckdb/node-api";
import type { QueryRow, QueryValue } from "./warehouse.ts";

export function queryRows(reader: DuckDBResultReader): QueryRow[] {
  const names = reader.deduplicatedColumnNames();
  return reader.getRows().map((row) => Object.fromEntries(row.map((value, index) => [names[index]!, queryValue(value)])));
}

function queryValue(value: DuckDBValue): QueryValue {
  if (value === null || typeof value === "string" || typeof value === "number" || typeof value === "boolean") return value;
  if (typeof value === "bigint") return safeNumber(value);
  if (value instanceof DuckDBListValue) return value.items.map(queryValue);
  if (value instanceof DuckDBStructValue) {
    return Object.fromEntries(Object.entries(value.entries).map(([name, member]) => [name, queryValue(member)]));
  }
  if (value instanceof DuckDBTimestampTZValue || value instanceof DuckDBTimestampValue) return isoInstant(value.micros);
  if (value instanceof DuckDBDateValue) return value.toString();
  if (value instanceof DuckDBDecimalValue) return value.toDouble();
  return String(value);
}

function safeNumber(value: bigint): number | string {
  return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : String(value);
}

function isoInstant(micros: bigint): string {
  return new Date(Number(micros / 1000n)).toISOString();
}

/** Integers bind as integers, so that `LIMIT @n` and comparisons with counts mean what they say. */
export function bindTypes(parameters: Record<string, string | number>): Record<string, DuckDBType> {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => [
      name,
      typeof value === "string" ? VARCHAR : Number.isSafeInteger(value) ? BIGINT : DOUBLE,
    ]),
  );
}

export function bindValues(parameters: Record<string, string | number>): Record<string, DuckDBValue> {
  return Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, Number.isSafeInteger(value) ? BigInt(value) : value]));
}
