import { exitCodes, ImagemillError } from "../core/errors.ts";
import { schemaVersion, tables, type Column, type Table } from "./tables.ts";
import { readViews, viewTag, type View } from "./views.ts";
import type { Dialect } from "./dialect.ts";
import type { SchemaChange } from "./warehouse.ts";

/** What a warehouse has, in the words of `tables.ts`. */
export interface ActualSchema {
  tables: Map<string, { columns: Column[]; description: string }>;
  views: Map<string, { description: string }>;
}

export type Change = SchemaChange &
  (
    | { kind: "create-dataset" }
    | { kind: "create-table"; table: Table }
    /** `path` leads to the column, records on the way included. */
    | { kind: "add-column"; table: Table; path: string[]; column: Column }
    | { kind: "relax-column"; table: Table; path: string[]; column: Column }
    | { kind: "tag-table"; table: Table }
    | { kind: "put-view"; view: View }
    | { kind: "conflict" }
  );

/** What is missing, in an order in which it can be applied. Columns and tables of others are left alone. */
export function differencesOf(actual: ActualSchema, dialect: Dialect): Change[] {
  return [...tables.flatMap((table) => tableChanges(table, actual)), ...readViews().flatMap((view) => viewChanges(view, actual, dialect))];
}

function tableChanges(table: Table, actual: ActualSchema): Change[] {
  if (actual.views.has(table.name)) return [conflict(`${table.name} is a view, not a table`)];
  const found = actual.tables.get(table.name);
  if (found === undefined) return [{ kind: "create-table", what: `create table ${table.name}`, applicable: true, table }];
  const changes = columnChanges(table, table.columns, found.columns, []);
  if (schemaVersionOf(found.description) === schemaVersion) return changes;
  return [...changes, { kind: "tag-table", what: `note schema ${schemaVersion} on table ${table.name}`, applicable: true, table }];
}

function columnChanges(table: Table, expected: Column[], actual: Column[], parents: string[]): Change[] {
  const byName = new Map(actual.map((column) => [column.name.toLowerCase(), column]));
  return expected.flatMap((column): Change[] => {
    const path = [...parents, column.name];
    const label = `${table.name}.${path.join(".")}`;
    const found = byName.get(column.name.toLowerCase());
    if (found === undefined) return [{ kind: "add-column", what: `add column ${label}`, applicable: true, table, path, column }];
    if (found.type !== column.type || (found.mode === "REPEATED") !== (column.mode === "REPEATED")) {
      return [conflict(`column ${label} is ${typeLabel(found)} and should be ${typeLabel(column)}`)];
    }
    const relax: Change[] =
      found.mode === "REQUIRED" && column.mode === "NULLABLE"
        ? [{ kind: "relax-column", what: `let column ${label} be null`, applicable: true, table, path, column }]
        : [];
    return [...relax, ...columnChanges(table, column.fields ?? [], found.fields ?? [], path)];
  });
}

function typeLabel(column: Column): string {
  return column.mode === "REPEATED" ? `repeated ${column.type}` : column.type;
}

function viewChanges(view: View, actual: ActualSchema, dialect: Dialect): Change[] {
  if (actual.tables.has(view.name)) return [conflict(`${view.name} is a table, not a view`)];
  const found = actual.views.get(view.name);
  if (found !== undefined && tagOf(found.description) === viewTag(view, dialect)) return [];
  return [{ kind: "put-view", what: `${found === undefined ? "create" : "replace"} view ${view.name}`, applicable: true, view }];
}

function conflict(what: string): Change {
  return { kind: "conflict", what, applicable: false };
}

/** Descriptions carry what the definition was, so that any reader of the warehouse can tell. */
export function tableDescription(table: Table): string {
  return `${table.description} (imagemill schema ${schemaVersion})`;
}

export function viewDescription(view: View, dialect: Dialect): string {
  return `${view.question} (imagemill definition ${viewTag(view, dialect)})`;
}

/** The schema, unless a newer program made it: this one would not know what its columns mean. */
export function notNewer(url: string, actual: ActualSchema): ActualSchema {
  const found = Math.max(0, ...tables.map(({ name }) => schemaVersionOf(actual.tables.get(name)?.description ?? "")));
  if (found <= schemaVersion) return actual;
  throw new ImagemillError("WAREHOUSE_NEWER", `${url} has schema ${found}; this imagemill knows ${schemaVersion}`, {
    hint: "Use the imagemill that made it, or a newer one; or name another warehouse with --warehouse.",
    exitCode: exitCodes.precondition,
  });
}

/** 0 where the description says nothing. */
function schemaVersionOf(description: string): number {
  return Number(/\(imagemill schema (\d+)\)$/.exec(description)?.[1] ?? 0);
}

function tagOf(description: string): string | undefined {
  return /\(imagemill definition ([0-9a-f]+)\)$/.exec(description)?.[1];
}

export function schemaChanges(changes: Change[]): SchemaChange[] {
  return changes.map(({ what, applicable }) => ({ what, applicable }));
}

/** All of the changes, or, where one is not applicable, only those that are not: a warehouse is never half new. */
export function withoutHalves(changes: Change[]): Change[] {
  const conflicts = changes.filter(({ applicable }) => !applicable);
  return conflicts.length > 0 ? conflicts : changes;
}
