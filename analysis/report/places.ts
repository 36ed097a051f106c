import { archiveNames, controlNames } from "../../core/layout.ts";
import { parseWarehouseUrl } from "../../warehouse/open.ts";
import { addDays } from "../page/format.ts";
import { markup, nameOf, type Content, type Markup } from "../page/markup.ts";
import type { RunNumbers } from "./numbers.ts";
import { section, table } from "./table.ts";

export function placesSection({ runId, runDate, stores, archiveDays, counts, rowsLoaded }: RunNumbers): Markup {
  const rows: Content[][] = [
    ["Source", place(stores.source), "read, never written"],
    ["Outputs", place(join(stores.archive, archiveNames.run(runDate, runId))), `deleted from ${addDays(runDate, archiveDays)} on`],
    ["Rows", markup`<code>${nameOf(stores.warehouse)}</code>`, rowsLoaded === null ? "not loaded yet" : "tables images and runs"],
    ["Plan, rows files, commits", place(join(stores.control, controlNames.run(runId))), "kept 200 days"],
  ];
  if (counts.quarantined > 0) {
    rows.push(["Quarantined sources", place(join(stores.control, `quarantine/${runId}/`)), `kept until ${addDays(runDate, 200)}`]);
  }
  return section("places", "Where things are", table("Places", [{ head: "what" }, { head: "where" }, { head: "note" }], rows, "rows only"));
}

function join(root: string, name: string): string {
  return `${root.replace(/\/+$/, "")}/${name}`;
}

function place(url: string): Markup {
  return url.startsWith("file:///") ? markup`<a href="${url}"><code>${nameOf(url)}</code></a>` : markup`<code>${nameOf(url)}</code>`;
}

export function sqlSection(numbers: RunNumbers): Markup {
  const queries = queriesOf(numbers);
  return section(
    "sql",
    "SQL to try",
    markup`<p>${clientHint(numbers.stores.warehouse)}</p>`,
    queries.map(
      ({ title, sql }) =>
        markup`<h3>${title}</h3>
          <pre tabindex="0"><code>${sql}</code></pre>`,
    ),
  );
}

function clientHint(warehouse: string): Markup {
  const path = duckdbPath(warehouse);
  return path === undefined
    ? markup`With <code>bq query --use_legacy_sql=false</code> or in the console of BigQuery:`
    : markup`With <code>duckdb -readonly ${quoted(path)}</code>, or any other client of DuckDB:`;
}

function duckdbPath(warehouse: string): string | undefined {
  const location = parseWarehouseUrl(warehouse);
  return location.dialect === "duckdb" ? location.path : undefined;
}

function quoted(path: string): string {
  return /^[\w./@:+-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}

/** Queries about this run, in the dialect of its warehouse. */
export function queriesOf({ runId, runDate, stores }: Pick<RunNumbers, "runId" | "runDate" | "stores">): { title: string; sql: string }[] {
  const location = parseWarehouseUrl(stores.warehouse);
  const duckdb = location.dialect === "duckdb";
  const nameOfTable = (name: string): string => (duckdb ? name : `\`${location.project}.${location.dataset}.${name}\``);
  const run = `run_date = date '${runDate}' and run_id = '${runId}'`;
  const outputs = duckdb ? "unnest(outputs) as made(output)" : "unnest(outputs) as output";
  return [
    {
      title: "Why images were quarantined",
      sql: `select reason, format, objects, example_name, example_message
from ${nameOfTable("quarantine_top")}
where ${run}
order by position`,
    },
    {
      title: "Every output, with its place",
      sql: `select name, output.job, output.variant, output.width, output.height, output.uri
from ${nameOfTable("images")}, ${outputs}
where ${run}
order by name, output.job, output.variant
limit 100`,
    },
    {
      title: "What takes the time",
      sql: `select format, count(*) as images, round(sum(megapixels), 1) as megapixels,
  round(avg(timings.read_ms), 1) as read_ms, round(avg(timings.process_ms), 1) as process_ms
from ${nameOfTable("images")}
where ${run}
group by format
order by images desc`,
    },
    {
      title: "Cameras",
      sql: `select coalesce(camera_model, 'unknown') as camera, count(*) as images,
  min(taken_at) as first_photo, max(taken_at) as last_photo
from ${nameOfTable("images")}
where ${run} and outcome = 'ok'
group by camera
order by images desc
limit 20`,
    },
    {
      title: "This run beside earlier ones",
      sql: `select run_id, objects, ok, skipped, quarantined, images_per_second
from ${nameOfTable("run_summary")}
order by started_at desc
limit 10`,
    },
  ];
}
