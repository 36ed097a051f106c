import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import type { Clock, Random } from "../core/clock.ts";
import { messageOf } from "../core/errors.ts";
import type { RunRow } from "../core/rows.ts";
import { differencesOf, notNewer, schemaChanges, withoutHalves, type ActualSchema, type Change } from "./differences.ts";
import { duckdbFile } from "./duckdb-file.ts";
import { countRun, insertRows, stageFiles } from "./duckdb-load.ts";
import { applyChanges, readSchema } from "./duckdb-schema.ts";
import { columnNames, duckdbType } from "./duckdb-sql.ts";
import { bindTypes, bindValues, queryRows } from "./duckdb-values.ts";
import { inDialect } from "./dialect.ts";
import { adopted, assertRunRow, decideLoad, notReady } from "./load.ts";
import { checkParameters, dollarParameters, queryFailed } from "./parameters.ts";
import { runsTable, tables } from "./tables.ts";
import type { Warehouse } from "./warehouse.ts";

export interface DuckdbOptions {
  url: string;
  /** Absolute. */
  path: string;
  clock: Clock;
  random: Random;
  lockTimeoutMs: number;
  onWait?: ((text: string) => void) | undefined;
}

/** A warehouse in one DuckDB file, open only while a call works on it. */
export function duckdbWarehouse(options: DuckdbOptions): Warehouse {
  const { url, path, clock } = options;
  const file = duckdbFile(options);

  const readKnown = async (connection: DuckDBConnection): Promise<ActualSchema> => notNewer(url, await readSchema(connection));
  const readChanges = async (connection: DuckDBConnection): Promise<Change[]> => differencesOf(await readKnown(connection), "duckdb");
  const differences = (signal?: AbortSignal): Promise<Change[]> =>
    file.exists() ? file.read(readChanges, signal) : Promise.resolve(differencesOf({ tables: new Map(), views: new Map() }, "duckdb"));

  /** Before a write: all tables are there, and as this program knows them or older. */
  const assertReady = async (connection: DuckDBConnection): Promise<void> => {
    const found = await readKnown(connection);
    if (!tables.every((table) => found.tables.has(table.name)) || !found.tables.has("_loads")) throw notReady(url);
  };
  const whereTables = async <T>(work: (connection: DuckDBConnection) => Promise<T>, signal?: AbortSignal): Promise<T> => {
    if (!file.exists()) throw notReady(url);
    return file.read(async (connection) => {
      await assertReady(connection);
      return work(connection);
    }, signal);
  };

  const warehouse: Warehouse = {
    url,
    dialect: "duckdb",
    difference: async (signal) => schemaChanges(await differences(signal)),
    ensure: async (signal) => {
      // A look first: where nothing is to do, the file is neither locked for writing nor touched.
      const wanted = withoutHalves(await differences(signal));
      if (!wanted.some(({ applicable }) => applicable)) return schemaChanges(wanted);
      await mkdir(dirname(path), { recursive: true });
      return file.write(async (connection) => {
        const changes = withoutHalves(await readChanges(connection));
        await applyChanges(connection, changes);
        return schemaChanges(changes);
      }, signal);
    },
    countRows: async (runId, runDate, signal) => {
      if (!file.exists()) return 0;
      return file.read(async (connection) => {
        const found = await readSchema(connection);
        return found.tables.has("images") ? countRun(connection, runId, runDate) : 0;
      }, signal);
    },
    load: async (request, signal) => {
      const counted = await whereTables((connection) => countRun(connection, request.runId, request.runDate), signal);
      if (decideLoad(request, counted) === "adopt") return adopted(request);
      if (request.rows === 0) return { loadIds: [], rows: 0, adopted: false };
      await using staged = await stageFiles(request, signal);
      const loadedAt = new Date(clock.now()).toISOString();
      return await file.write((connection) => insertRows(connection, request, staged, loadedAt), signal);
    },
    putRun: async (row, signal) => {
      assertRunRow(row);
      await whereTables(async () => undefined, signal);
      await file.write((connection) => replaceRun(connection, row), signal);
    },
    query: async (sql, parameters = {}, signal) => {
      checkParameters(sql, parameters);
      if (!file.exists()) throw notReady(url);
      return file.read(async (connection) => {
        const text = dollarParameters(inDialect("duckdb", sql));
        try {
          return queryRows(await connection.runAndReadAll(text, bindValues(parameters), bindTypes(parameters)));
        } catch (error) {
          throw wrongSql(error) ? queryFailed(messageOf(error), error) : error;
        }
      }, signal);
    },
    close: () => Promise.resolve(),
  };
  return warehouse;
}

/** As against a full disk or an interrupted query. */
function wrongSql(error: unknown): boolean {
  return /^(Parser|Binder|Catalog|Conversion|Invalid Input|Not implemented|Out of Range) Error/.test(messageOf(error));
}

async function replaceRun(connection: DuckDBConnection, row: RunRow): Promise<void> {
  const values = row as unknown as Record<string, string | number | null>;
  await connection.run("DELETE FROM runs WHERE run_id = $runId", { runId: row.run_id });
  const places = runsTable.columns.map((column) => `CAST($${column.name} AS ${duckdbType(column)})`);
  const bound = Object.fromEntries(runsTable.columns.map((column) => [column.name, values[column.name]!]));
  await connection.run(`INSERT INTO runs (${columnNames(runsTable)}) VALUES (${places.join(", ")})`, bound);
}
