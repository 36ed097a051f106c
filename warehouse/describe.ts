import { tables, type Column, type Table } from "./tables.ts";
import { readViews } from "./views.ts";

/** docs/warehouse.md: `node warehouse/describe.ts > docs/warehouse.md`. */
export function warehouseMarkdown(): string {
  return [
    "# The warehouse",
    "",
    "DuckDB and BigQuery hold the same tables and views. This page is made from `warehouse/tables.ts` and `warehouse/views/`",
    "(`node warehouse/describe.ts > docs/warehouse.md`).",
    "",
    ...tables.flatMap(tableSection),
    ...readViews().map((view) => `## View \`${view.name}\`\n\n${view.about.join("\n")}\n`),
  ].join("\n");
}

function tableSection(table: Table): string[] {
  const partition = table.partitionBy === undefined ? "" : ` BigQuery partitions it by \`${table.partitionBy}\``;
  const cluster = table.clusterBy === undefined ? "" : ` and clusters it by \`${table.clusterBy.join("`, `")}\``;
  const layout = partition === "" ? "" : `${partition}${cluster}.`;
  return [`## Table \`${table.name}\``, "", `${table.description}${layout}`, "", ...columnLines(table.columns, ""), ""];
}

function columnLines(columns: Column[], indent: string): string[] {
  return columns.flatMap((column) => [
    `${indent}- \`${column.name}\` ${column.type}, ${column.mode.toLowerCase()}: ${column.description}`,
    ...columnLines(column.fields ?? [], `${indent}  `),
  ]);
}

if (import.meta.main) process.stdout.write(warehouseMarkdown());
