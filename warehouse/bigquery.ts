import { codeOf, ImagemillError } from "../core/errors.ts";
import type { RunRow } from "../core/rows.ts";
import { reasonOf } from "./bigquery-calls.ts";
import { bigqueryAccess, type BigqueryPlace } from "./bigquery-client.ts";
import { loadFiles } from "./bigquery-load.ts";
import { applyChanges, readSchema } from "./bigquery-schema.ts";
import { parameterTypes, queryRows } from "./bigquery-values.ts";
import { differencesOf, notNewer, schemaChanges, withoutHalves, type Change } from "./differences.ts";
import { inDialect } from "./dialect.ts";
import { adopted, assertRunRow, decideLoad, notReady } from "./load.ts";
import { checkParameters, queryFailed } from "./parameters.ts";
import { runsTable, tables } from "./tables.ts";
import type { QueryRow, Warehouse } from "./warehouse.ts";

export interface BigqueryOptions extends BigqueryPlace {
  /** How long `load` waits for its jobs. Default: an hour. */
  loadTimeoutMs?: number;
  /** Default: what BigQuery allows. */
  maxUrisPerJob?: number;
  /** A query that would read more fails without cost. Default: 100 GiB. */
  maxBytesBilled?: number;
}

const queryTimeoutMs = 15 * 60_000;

/** A warehouse in one BigQuery dataset; `project` of its URL also pays for jobs and queries. */
export function bigqueryWarehouse(options: BigqueryOptions): Warehouse {
  const { url, loadTimeoutMs = 3_600_000, maxUrisPerJob = 10_000, maxBytesBilled = 100 * 2 ** 30 } = options;
  const access = bigqueryAccess(options);
  const { calls, client } = access;

  const changes = async (signal?: AbortSignal): Promise<Change[]> => {
    const actual = await readSchema(access, "all", signal);
    if (actual !== undefined) return differencesOf(notNewer(url, actual), "bigquery");
    const create: Change = { kind: "create-dataset", what: `create dataset ${options.dataset}`, applicable: true };
    return [create, ...differencesOf({ tables: new Map(), views: new Map() }, "bigquery")];
  };

  /** Before a write: all tables are there, and as this program knows them or older. Gives the jobs' location. */
  const readyLocation = async (signal?: AbortSignal): Promise<string> => {
    const actual = await readSchema(access, "tables", signal);
    const location = await access.location(signal);
    if (actual === undefined || location === undefined) throw notReady(url);
    notNewer(url, actual);
    if (!tables.every(({ name }) => actual.tables.has(name))) throw notReady(url);
    return location;
  };

  const run = async (
    sql: string,
    parameters: Record<string, unknown>,
    types: Record<string, string>,
    signal?: AbortSignal,
  ): Promise<QueryRow[]> => {
    const location = await access.location(signal);
    if (location === undefined) throw notReady(url);
    const request = {
      query: sql,
      params: parameters,
      types,
      location,
      useLegacySql: false,
      defaultDataset: { projectId: options.project, datasetId: options.dataset },
      maximumBytesBilled: String(maxBytesBilled),
      // A count decides about a load: never one from before.
      useQueryCache: false,
      wrapIntegers: true,
    };
    const [rows] = await calls.call("query", () => client.query(request), signal, queryTimeoutMs);
    return queryRows(rows as Record<string, unknown>[]);
  };

  const countRows: Warehouse["countRows"] = async (runId, runDate, signal) => {
    const sql = "SELECT COUNT(*) AS n FROM images WHERE run_date = CAST(@runDate AS DATE) AND run_id = @runId";
    try {
      const [row] = await run(sql, { runId, runDate }, { runId: "STRING", runDate: "STRING" }, signal);
      return Number(row?.n);
    } catch (error) {
      if (codeOf(error) === "WAREHOUSE_NOT_READY") return 0;
      throw error;
    }
  };

  return {
    url,
    dialect: "bigquery",
    difference: async (signal) => schemaChanges(await changes(signal)),
    ensure: async (signal) => {
      const wanted = withoutHalves(await changes(signal));
      if (wanted.some(({ applicable }) => applicable)) await applyChanges(access, wanted, options.location, signal);
      return schemaChanges(wanted);
    },
    location: async (signal) => access.location(signal),
    countRows,
    load: async (request, signal) => {
      const location = await readyLocation(signal);
      if (decideLoad(request, await countRows(request.runId, request.runDate, signal)) === "adopt") return adopted(request);
      if (request.rows === 0) return { loadIds: [], rows: 0, adopted: false };
      const count = (signalOfCount?: AbortSignal): Promise<number> => countRows(request.runId, request.runDate, signalOfCount);
      const result = await loadFiles(access, request, { location, maxUrisPerJob, deadlineMs: loadTimeoutMs, countRows: count }, signal);
      const counted = await count(signal);
      if (counted === request.rows) return result;
      throw new ImagemillError(
        "LOAD_INCONSISTENT",
        `job ${result.loadIds.join(", ")} is done, but the run has ${counted} of ${request.rows} rows`,
        {
          hint: `Rows were deleted or added since; nothing was changed now. Compare: imagemill verify ${request.runId}`,
        },
      );
    },
    putRun: async (row, signal) => {
      await readyLocation(signal);
      assertRunRow(row);
      const { sql, types } = mergeRun();
      await run(sql, row as unknown as Record<string, unknown>, types, signal);
    },
    query: async (sql, parameters = {}, signal) => {
      checkParameters(sql, parameters);
      try {
        return await run(inDialect("bigquery", sql), parameters, parameterTypes(parameters), signal);
      } catch (error) {
        throw asQueryError(error);
      }
    },
    close: () => Promise.resolve(),
  };
}

/** One statement: DML is atomic and does not count against the 1,500 table operations of a day, as a load job would. */
function mergeRun(): { sql: string; types: Record<keyof RunRow, string> } {
  const names = runsTable.columns.map(({ name }) => name);
  const values = runsTable.columns.map(({ name, type }) => `CAST(@${name} AS ${type}) AS ${name}`);
  const updates = names.map((name) => `${name} = found.${name}`);
  const sql = `MERGE INTO runs AS known USING (SELECT ${values.join(", ")}) AS found ON known.run_id = found.run_id
    WHEN MATCHED THEN UPDATE SET ${updates.join(", ")}
    WHEN NOT MATCHED THEN INSERT (${names.join(", ")}) VALUES (${names.map((name) => `found.${name}`).join(", ")})`;
  const types = Object.fromEntries(
    runsTable.columns.map(({ name, type }) => [name, type === "INT64" || type === "FLOAT64" ? type : "STRING"]),
  ) as Record<keyof RunRow, string>;
  return { sql, types };
}

function asQueryError(error: unknown): unknown {
  if (!(error instanceof ImagemillError)) return error;
  if (codeOf(error.cause) !== "400") return error;
  const hint = reasonOf(error.cause) === "bytesBilledLimitExceeded" ? "Name a run_date, so that fewer partitions are read." : undefined;
  return queryFailed(error.message, error.cause, hint);
}
