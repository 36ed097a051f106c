import { Buffer } from "node:buffer";
import { BigQueryDate, BigQueryDatetime, BigQueryInt, BigQueryTime, BigQueryTimestamp } from "@google-cloud/bigquery";
import type { QueryRow, QueryValue } from "./warehouse.ts";

export function queryRows(rows: Record<string, unknown>[]): QueryRow[] {
  return rows.map((row) => queryValue(row) as QueryRow);
}

function queryValue(value: unknown): QueryValue {
  if (value === null || value === undefined) return null;
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return value;
  if (value instanceof BigQueryInt) return Number.isSafeInteger(Number(value.value)) ? Number(value.value) : value.value;
  if (value instanceof BigQueryTimestamp) return new Date(value.value).toISOString();
  if (value instanceof BigQueryDate || value instanceof BigQueryDatetime || value instanceof BigQueryTime) return value.value;
  if (Array.isArray(value)) return value.map(queryValue);
  if (Buffer.isBuffer(value)) return value.toString("base64");
  if (isDecimal(value)) return value.toNumber();
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, queryValue(member)]));
}

/** NUMERIC and BIGNUMERIC, as the client's big.js holds them. */
function isDecimal(value: object): value is { toNumber(): number } {
  return "toNumber" in value && typeof value.toNumber === "function";
}

/** A string parameter stays one even where it looks like a date. */
export function parameterTypes(parameters: Record<string, string | number>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => [
      name,
      typeof value === "string" ? "STRING" : Number.isSafeInteger(value) ? "INT64" : "FLOAT64",
    ]),
  );
}
