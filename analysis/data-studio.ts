import { usageError } from "../core/errors.ts";
import { parseWarehouseUrl } from "../warehouse/open.ts";

/**
 * What the charts of docs/dashboards.md are made of, the main one first. The names are those of tables and views, and of
 * the sources of a template (its aliases).
 */
export const dataStudioSources = ["run_summary", "quarantine_top", "throughput", "capacity", "images"] as const;

export interface DataStudioRequest {
  /** `bigquery://project/dataset` */
  warehouse: string;
  /** Project that pays for the queries; the warehouse's by default. */
  billingProject?: string;
  /** Id of a report that is copied with its charts; its sources have the names above as aliases. */
  template?: string;
}

export interface DataStudioLink {
  /** The tables or views that the new report reads. */
  sources: string[];
  url: string;
}

const create = "https://datastudio.google.com/reporting/create";

/**
 * Links of Data Studio's Linking API: whoever follows one gets a report of their own on our tables and views. Without a
 * template the API takes one source a report, and no alias: a link for each. Throws USAGE for a DuckDB warehouse.
 */
export function dataStudioLinks({ warehouse, billingProject, template }: DataStudioRequest): DataStudioLink[] {
  const location = parseWarehouseUrl(warehouse);
  if (location.dialect === "duckdb") {
    throw usageError(
      "Data Studio reads BigQuery, and this warehouse is a DuckDB file",
      "imagemill report --open shows the same on this machine; --warehouse bigquery://project/dataset names one that Data Studio can read.",
    );
  }
  const { project, dataset } = location;
  const sourceOf = (tableId: string): Record<string, string> => ({
    connector: "bigQuery",
    type: "TABLE",
    projectId: project,
    datasetId: dataset,
    tableId,
    billingProjectId: billingProject ?? project,
  });
  const control = { "c.mode": "edit", "r.reportName": `imagemill ${project}.${dataset}` };
  if (template === undefined) {
    return dataStudioSources.map((source) => ({
      sources: [source],
      url: linkOf({ ...control, ...prefixed("ds", { ...sourceOf(source), datasourceName: source }) }),
    }));
  }
  // The template's names, types and calculated fields stay: the columns are the same in every dataset.
  const kept = { keepDatasourceName: "true", refreshFields: "false" };
  const aliased = dataStudioSources.map((source) => prefixed(`ds.${source}`, { ...sourceOf(source), ...kept }));
  return [{ sources: [...dataStudioSources], url: linkOf({ "c.reportId": template, ...control, ...Object.assign({}, ...aliased) }) }];
}

function prefixed(prefix: string, parameters: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(parameters).map(([name, value]) => [`${prefix}.${name}`, value]));
}

/** Spaces as `%20`: a `+` is read as itself by some. */
function linkOf(parameters: Record<string, string>): string {
  const pairs = Object.entries(parameters).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  return `${create}?${pairs.join("&")}`;
}
