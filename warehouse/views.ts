import { readFileSync } from "node:fs";
import { digestOf } from "../core/digest.ts";
import { inDialect, type Dialect } from "./dialect.ts";
import { tables } from "./tables.ts";

export interface View {
  name: string;
  /** The question it answers: the first line of its file. */
  question: string;
  /** The whole comment at the head of its file, a line each. */
  about: string[];
  /** With the words of `dialect.ts` still in it. */
  sql: string;
}

/** In the order in which they are created. */
const viewNames = ["image_latest", "run_summary", "quarantine_top", "throughput", "capacity", "dashboard_images"] as const;

export function readViews(): View[] {
  return viewNames.map((name) => {
    const text = readFileSync(new URL(`./views/${name}.sql`, import.meta.url), "utf8");
    const lines = text.trimEnd().split("\n");
    const about = lines.filter((line) => line.startsWith("--")).map((line) => line.slice(3));
    return { name, question: about[0]!, about, sql: lines.filter((line) => !line.startsWith("--")).join("\n") };
  });
}

/** Names the definition, the columns under it included: a view with another tag is replaced. */
export function viewTag(view: View, dialect: Dialect): string {
  const columns = tables.map((table) => table.columns);
  return digestOf({ sql: inDialect(dialect, view.sql, { images: "images", runs: "runs" }), columns }, 12);
}

export function viewSql(view: View, dialect: Dialect, tableNames: Record<string, string>): string {
  return inDialect(dialect, view.sql, tableNames);
}
