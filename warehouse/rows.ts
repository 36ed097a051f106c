import { constants, gunzipSync } from "node:zlib";
import type { ObjectStore } from "../storage/store.ts";
import type { StoredFile } from "../core/types.ts";
import { ImagemillError, messageOf } from "../core/errors.ts";
import { printable } from "../core/names.ts";
import type { Column, Table } from "./tables.ts";

/** Why a warehouse would not take this value as a row of the table; undefined when it would. */
export function rowProblem(table: Table, row: unknown): string | undefined {
  return recordProblem(table.columns, row, "the row");
}

function recordProblem(columns: Column[], value: unknown, where: string): string | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return `${where} is no record`;
  const record = value as Record<string, unknown>;
  for (const column of columns) {
    const problem = columnProblem(column, record[column.name]);
    if (problem !== undefined) return problem;
  }
  const known = new Set(columns.map((column) => column.name));
  const unknown = Object.keys(record).find((name) => !known.has(name));
  return unknown === undefined ? undefined : `${where} has a column ${JSON.stringify(unknown)} that the table has not`;
}

function columnProblem(column: Column, value: unknown): string | undefined {
  if (column.mode === "REPEATED") {
    if (!Array.isArray(value)) return `${column.name} is no list`;
    return value.map((element: unknown) => valueProblem(column, element)).find((problem) => problem !== undefined);
  }
  if (value === undefined || value === null) return column.mode === "REQUIRED" ? `${column.name} is missing` : undefined;
  return valueProblem(column, value);
}

function valueProblem(column: Column, value: unknown): string | undefined {
  if (column.type === "RECORD") return recordProblem(column.fields ?? [], value, column.name);
  return fits[column.type](value) ? undefined : `${column.name} is ${shown(value)}, not a ${column.type}`;
}

const fits: Record<Exclude<Column["type"], "RECORD">, (value: unknown) => boolean> = {
  STRING: (value) => typeof value === "string" && value.isWellFormed(),
  INT64: (value) => Number.isSafeInteger(value),
  FLOAT64: (value) => Number.isFinite(value),
  BOOL: (value) => typeof value === "boolean",
  DATE: (value) => typeof value === "string" && /^\d{4}-\d\d-\d\d$/.test(value) && isTime(`${value}T00:00:00Z`),
  TIMESTAMP: (value) =>
    typeof value === "string" && /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)?$/.test(value) && isTime(value),
};

/** A date that there is, in years 1 to 9999; `Date` alone would turn February 31 into March. */
function isTime(text: string): boolean {
  const day = text.slice(0, 10);
  const date = new Date(`${day}T00:00:00Z`);
  return !text.startsWith("0000") && !Number.isNaN(Date.parse(text)) && date.toISOString().startsWith(day);
}

function shown(value: unknown): string {
  return printable((JSON.stringify(value) ?? String(value)).slice(0, 80));
}

export interface BadLine {
  file: string;
  line: number;
  problem: string;
}

/** The first line that is no row of the table, if any; after a warehouse said that there is one. */
export async function findBadLine(
  table: Table,
  files: StoredFile[],
  store: ObjectStore,
  signal?: AbortSignal,
): Promise<BadLine | undefined> {
  for (const file of files) {
    const { bytes } = await store.read(file.name, signal === undefined ? {} : { signal });
    const found = firstProblem(table, bytes);
    if (found !== undefined) return { file: store.uri(file.name), ...found };
  }
  return undefined;
}

function firstProblem(table: Table, bytes: Uint8Array): { line: number; problem: string } | undefined {
  const { text, problem } = inflate(bytes);
  const lines = text.split("\n");
  for (const [index, line] of lines.entries()) {
    const last = index === lines.length - 1;
    if (line === "" && last) break;
    const found = lineProblem(table, line);
    if (found !== undefined) return { line: index + 1, problem: last && problem !== undefined ? problem : found };
  }
  return problem === undefined ? undefined : { line: lines.length, problem };
}

/**
 * The text of a rows file and how many rows it holds, all of this run; LOAD_REJECTED otherwise. Only a line that does not
 * begin as workers write it is parsed: a million rows take seconds.
 */
export function readRows(
  table: Table,
  bytes: Uint8Array,
  run: { runId: string; runDate: string },
  uri: string,
): { text: Buffer; rows: number } {
  const text = inflateWhole(table, bytes, uri);
  const usual = Buffer.from(`{"run_id":${JSON.stringify(run.runId)},"run_date":${JSON.stringify(run.runDate)},`);
  let rows = 0;
  for (let start = 0; start < text.length; rows++) {
    const newline = text.indexOf(0x0a, start);
    const end = newline === -1 ? text.length : newline;
    if (text.compare(usual, 0, usual.length, start, Math.min(end, start + usual.length)) !== 0) {
      const problem = ownRowProblem(table, text.toString("utf8", start, end), run);
      if (problem !== undefined) throw loadRejected({ file: uri, line: rows + 1, problem }, problem);
    }
    start = end + 1;
  }
  return { text, rows };
}

function ownRowProblem(table: Table, line: string, run: { runId: string; runDate: string }): string | undefined {
  const problem = lineProblem(table, line);
  if (problem !== undefined) return problem;
  const row = JSON.parse(line) as { run_id: string; run_date: string };
  const own = row.run_id === run.runId && row.run_date === run.runDate;
  return own ? undefined : `it is a row of run ${shown(row.run_id)} of ${shown(row.run_date)}`;
}

function inflateWhole(table: Table, bytes: Uint8Array, uri: string): Buffer {
  try {
    return gunzipSync(bytes);
  } catch (error) {
    const bad = firstProblem(table, bytes) ?? { line: 1, problem: messageOf(error) };
    throw loadRejected({ file: uri, ...bad }, bad.problem, error);
  }
}

/** As much text as there is, and what is wrong with the rest. */
function inflate(bytes: Uint8Array): { text: string; problem?: string } {
  try {
    return { text: gunzipSync(bytes).toString("utf8") };
  } catch (error) {
    const problem = `the gzip stream is damaged: ${messageOf(error)}`;
    try {
      return { text: gunzipSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH }).toString("utf8"), problem };
    } catch {
      return { text: "", problem };
    }
  }
}

function lineProblem(table: Table, line: string): string | undefined {
  try {
    return rowProblem(table, JSON.parse(line));
  } catch (error) {
    return `not JSON: ${messageOf(error)}`;
  }
}

/** The whole load fails: rows(run) stays 0. `bad` is what our own reading found, `said` what the warehouse reported. */
export function loadRejected(bad: BadLine | undefined, said: string, cause?: unknown): ImagemillError {
  const what = bad === undefined ? said : `${bad.file}, line ${bad.line}: ${bad.problem}`;
  return new ImagemillError("LOAD_REJECTED", `a rows file does not fit the table: ${printable(what)}`, {
    hint: 'Nothing was loaded. The file was damaged, or made by other code; see docs/operations.md, "A rows file is rejected".',
    cause,
  });
}
