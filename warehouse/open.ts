import { resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Clock, Random } from "../core/clock.ts";
import { codeOf, exitCodes, ImagemillError, usageError } from "../core/errors.ts";
import type { Logger } from "../core/log.ts";
import type { Warehouse } from "./warehouse.ts";

export type WarehouseLocation =
  { dialect: "duckdb"; url: string; path: string } | { dialect: "bigquery"; url: string; project: string; dataset: string };

export interface WarehouseContext {
  log: Logger;
  clock: Clock;
  random: Random;
  /** How long to wait for a database that another process has open. */
  lockTimeoutMs: number;
  /** Hears who has it when the wait is longer than two seconds. */
  onWait?: (text: string) => void;
  /** Where BigQuery answers, if not at its usual address: `http://127.0.0.1:9050` or `host:port`. */
  endpoint?: string;
  /** Of a BigQuery dataset that `ensure` creates, e.g. `EU`. */
  location?: string;
}

const forms = "Write duckdb:///absolute/path.duckdb, duckdb:relative/path.duckdb or bigquery://project/dataset.";

/** Opens nothing yet: neither a file nor a connection. Each dialect's client is loaded only when it is asked for. */
export async function openWarehouse(url: string, context: WarehouseContext): Promise<Warehouse> {
  const location = parseWarehouseUrl(url);
  if (location.dialect === "duckdb") {
    const { duckdbWarehouse } = await import("./duckdb.ts").catch((error: unknown) => {
      throw codeOf(error) === "ERR_MODULE_NOT_FOUND" ? duckdbMissing(error) : error;
    });
    return duckdbWarehouse({ ...location, ...context });
  }
  const { bigqueryWarehouse } = await import("./bigquery.ts");
  return bigqueryWarehouse({ ...location, ...context });
}

/** The archive for nodes of a cluster comes without it. */
function duckdbMissing(cause: unknown): Error {
  return new ImagemillError("NOT_INSTALLED", "DuckDB is not part of this runtime", {
    exitCode: exitCodes.usage,
    hint: "Where runs are driven from a cluster, the warehouse is BigQuery: --warehouse bigquery://project/dataset.",
    cause,
  });
}

/** `url` of the result is the one form that equal places share. Relative paths start from `folder`. */
export function parseWarehouseUrl(url: string, folder: string = process.cwd()): WarehouseLocation {
  if (url.startsWith("duckdb:")) return duckdbLocation(url, folder);
  if (url.startsWith("bigquery:")) return bigqueryLocation(url);
  const guess = /\.(duckdb|db)$/.test(url) ? `Did you mean duckdb:${url}? ` : "";
  throw usageError(`"${url}" is not the URL of a warehouse`, `${guess}${forms}`);
}

function duckdbLocation(url: string, folder: string): WarehouseLocation {
  const rest = url.slice("duckdb:".length);
  if (rest === "" || rest.endsWith("/")) throw usageError(`"${url}" names no database file`, forms);
  if (rest.startsWith("//") && !rest.startsWith("///")) {
    throw usageError(`"${url}" has a host where a path should start`, `For a relative path: duckdb:${rest.slice(2)}. ${forms}`);
  }
  if (rest.includes("\0") || rest.includes("?") || rest.includes("#")) throw usageError(`"${url}" has more in it than a path`, forms);
  const path = rest.startsWith("///") ? absolutePath(url, rest) : resolve(folder, rest);
  return { dialect: "duckdb", url: pathToFileURL(path).href.replace(/^file:/, "duckdb:"), path };
}

function absolutePath(url: string, rest: string): string {
  try {
    return fileURLToPath(`file:${rest}`);
  } catch {
    throw usageError(`"${url}" is not a well-formed URL`, "Write % as %25 in it.");
  }
}

function bigqueryLocation(url: string): WarehouseLocation {
  const match = /^bigquery:\/\/([a-z0-9][a-z0-9.:-]*)\/([A-Za-z0-9_]{1,1024})\/?$/.exec(url);
  if (match === null) throw usageError(`"${url}" does not name a project and a dataset`, "Write bigquery://project/dataset.");
  const [, project = "", dataset = ""] = match;
  return { dialect: "bigquery", url: `bigquery://${project}/${dataset}`, project, dataset };
}
