import type { TableField, TableMetadata } from "@google-cloud/bigquery";
import { codeOf, ImagemillError } from "../core/errors.ts";
import { inParallel } from "../core/parallel.ts";
import type { BigqueryAccess } from "./bigquery-client.ts";
import { tableDescription, viewDescription, type ActualSchema, type Change } from "./differences.ts";
import { tables, type Column, type Table } from "./tables.ts";
import { readViews, viewSql, type View } from "./views.ts";

/** Undefined where there is no dataset. Without views where only the tables are asked for. */
export async function readSchema(access: BigqueryAccess, parts: "tables" | "all", signal?: AbortSignal): Promise<ActualSchema | undefined> {
  if ((await access.location(signal)) === undefined) return undefined;
  const names = [...tables, ...(parts === "all" ? readViews() : [])].map(({ name }) => name);
  const found = await Promise.all(names.map(async (name) => ({ name, metadata: await readTable(access, name, signal) })));
  const actual: ActualSchema = { tables: new Map(), views: new Map() };
  for (const { name, metadata } of found) {
    if (metadata === undefined) continue;
    const description = metadata.description ?? "";
    if (metadata.type === "TABLE") actual.tables.set(name, { columns: columnsOf(metadata.schema?.fields), description });
    else actual.views.set(name, { description });
  }
  return actual;
}

async function readTable(access: BigqueryAccess, name: string, signal?: AbortSignal): Promise<TableMetadata | undefined> {
  const table = access.dataset.table(name);
  return access.calls.find(`read table ${name}`, async () => (await table.getMetadata())[0] as TableMetadata, signal);
}

function columnsOf(fields: TableField[] = []): Column[] {
  return fields.map(({ name = "", type = "", mode = "NULLABLE", description = "", fields: nested }) => {
    const column = { name, type: typeNames[type] ?? type, mode: mode as Column["mode"], description } as Column;
    return nested === undefined ? column : Object.assign(column, { fields: columnsOf(nested) });
  });
}

/** The service answers in its older names. */
const typeNames: Record<string, Column["type"]> = { INTEGER: "INT64", FLOAT: "FLOAT64", BOOLEAN: "BOOL", STRUCT: "RECORD" };

function fieldsOf(columns: Column[]): TableField[] {
  return columns.map(({ name, type, mode, description, fields }) =>
    fields === undefined ? { name, type, mode, description } : { name, type, mode, description, fields: fieldsOf(fields) },
  );
}

const changesAtOnce = 4;

/** Makes the dataset where it is missing; changes one table in one request, however many columns it gains. */
export async function applyChanges(
  access: BigqueryAccess,
  changes: Change[],
  location: string | undefined,
  signal: AbortSignal | undefined,
): Promise<void> {
  if ((await access.location(signal)) === undefined) await createDataset(access, location, signal);
  await inParallel(changes, changesAtOnce, async (change) => {
    if (change.kind === "create-table") await createTable(access, change.table, signal);
  });
  for (const table of tables) await changeTable(access, table, changes, signal);
  await inParallel(changes, changesAtOnce, async (change) => {
    if (change.kind === "put-view") await putView(access, change.view, signal);
  });
}

async function createDataset(access: BigqueryAccess, location: string | undefined, signal: AbortSignal | undefined): Promise<void> {
  const metadata = { description: "imagemill: one row per source object, one per run.", ...(location !== undefined && { location }) };
  await unlessThere(access, `create dataset ${access.datasetId}`, () => access.client.createDataset(access.datasetId, metadata), signal);
}

async function createTable(access: BigqueryAccess, table: Table, signal: AbortSignal | undefined): Promise<void> {
  const metadata: TableMetadata = {
    description: tableDescription(table),
    schema: { fields: fieldsOf(table.columns) },
    ...(table.partitionBy !== undefined && { timePartitioning: { type: "DAY", field: table.partitionBy } }),
    ...(table.clusterBy !== undefined && { clustering: { fields: table.clusterBy } }),
  };
  await unlessThere(access, `create table ${table.name}`, () => access.dataset.createTable(table.name, metadata), signal);
}

async function putView(access: BigqueryAccess, view: View, signal: AbortSignal | undefined): Promise<void> {
  const name = (table: string): string => `\`${access.project}.${access.datasetId}.${table}\``;
  const query = viewSql(view, "bigquery", { images: name("images"), runs: name("runs") });
  const metadata = { description: viewDescription(view, "bigquery"), view: { query, useLegacySql: false } };
  const made = await unlessThere(access, `create view ${view.name}`, () => access.dataset.createTable(view.name, metadata), signal);
  if (made) return;
  await access.calls.call(`replace view ${view.name}`, () => access.dataset.table(view.name).setMetadata(metadata), signal);
}

async function changeTable(access: BigqueryAccess, table: Table, changes: Change[], signal: AbortSignal | undefined): Promise<void> {
  const own = changes.filter((change) => "table" in change && change.table === table && change.kind !== "create-table");
  if (own.length === 0) return;
  const metadata = await readTable(access, table.name, signal);
  const fields = changedFields(metadata?.schema?.fields ?? [], own);
  const patch = { description: tableDescription(table), schema: { fields } };
  await access.calls.call(`change table ${table.name}`, () => access.dataset.table(table.name).setMetadata(patch), signal);
}

function changedFields(fields: TableField[], changes: Change[]): TableField[] {
  const changed = structuredClone(fields);
  for (const change of changes) {
    if (change.kind !== "add-column" && change.kind !== "relax-column") continue;
    const siblings = change.path.slice(0, -1).reduce((level, name) => (named(level, name).fields ??= []), changed);
    if (change.kind === "relax-column") named(siblings, change.column.name).mode = "NULLABLE";
    else siblings.push(...fieldsOf([change.column]).map(optional));
  }
  return changed;
}

function named(fields: TableField[], name: string): TableField {
  return fields.find((field) => field.name?.toLowerCase() === name.toLowerCase())!;
}

/** Rows that are there already have no value. */
function optional(field: TableField): TableField {
  return field.mode === "REQUIRED" ? { ...field, mode: "NULLABLE" } : field;
}

/** False where it is there already: another driver may have made it a moment ago. */
async function unlessThere(
  access: BigqueryAccess,
  what: string,
  act: () => Promise<unknown>,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  try {
    await access.calls.call(what, act, signal);
    return true;
  } catch (error) {
    if (error instanceof ImagemillError && codeOf(error.cause) === "409") return false;
    throw error;
  }
}
