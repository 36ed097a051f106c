import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { DuckDBConnection } from "@duckdb/node-api";
import { messageOf } from "../core/errors.ts";
import { inParallel } from "../core/parallel.ts";
import { columnNames, readRowsSql } from "./duckdb-sql.ts";
import { adopted, decideLoad, readSealed } from "./load.ts";
import { findBadLine, loadRejected } from "./rows.ts";
import { imagesTable } from "./tables.ts";
import type { LoadRequest, LoadResult } from "./warehouse.ts";

export interface StagedFiles extends AsyncDisposable {
  /** Local, in the order of the request. */
  paths: string[];
}

const readsAtOnce = 8;

/** Checks each file against the seal and puts it where DuckDB can read it: in place where it is local already. */
export async function stageFiles(request: LoadRequest, signal?: AbortSignal): Promise<StagedFiles> {
  const folder = await mkdtemp(join(tmpdir(), "imagemill-load-"));
  const staged: StagedFiles = { paths: [], [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
  const stage = async (index: number): Promise<void> => {
    const file = request.files[index]!;
    const bytes = await readSealed(request, file, signal);
    const uri = request.store.uri(file.name);
    if (uri.startsWith("file:")) {
      staged.paths[index] = fileURLToPath(uri);
    } else {
      staged.paths[index] = join(folder, `${index}.ndjson.gz`);
      await writeFile(staged.paths[index], bytes, signal === undefined ? {} : { signal });
    }
  };
  try {
    await inParallel(request.files.keys(), readsAtOnce, stage);
    return staged;
  } catch (error) {
    await staged[Symbol.asyncDispose]();
    throw error;
  }
}

export async function countRun(connection: DuckDBConnection, runId: string, runDate: string): Promise<number> {
  const sql = "SELECT count(*) FROM images WHERE run_id = $runId AND run_date = CAST($runDate AS DATE)";
  const reader = await connection.runAndReadAll(sql, { runId, runDate });
  return Number(reader.value(0, 0));
}

/** Inside a transaction: the rows, and which load brought them, or nothing. */
export async function insertRows(
  connection: DuckDBConnection,
  request: LoadRequest,
  staged: StagedFiles,
  loadedAt: string,
): Promise<LoadResult> {
  if (decideLoad(request, await countRun(connection, request.runId, request.runDate)) === "adopt") return adopted(request);
  const inserted = await insertFiles(connection, request, staged.paths);
  const rows = await countRun(connection, request.runId, request.runDate);
  if (rows !== request.rows || inserted !== request.rows) {
    throw loadRejected(undefined, `the files hold ${inserted} rows, ${rows} of them of this run, and the seal says ${request.rows}`);
  }
  return { loadIds: [await recordLoad(connection, request, loadedAt)], rows, adopted: false };
}

/** DuckDB keeps about 10 kB of each file of a statement until its end. */
const filesTogether = 2000;

async function insertFiles(connection: DuckDBConnection, request: LoadRequest, paths: string[]): Promise<number> {
  const columns = columnNames(imagesTable);
  try {
    // Keeping the files' order would hold rows in memory until their turn comes.
    await connection.run("SET preserve_insertion_order = false");
    let inserted = 0;
    for (let start = 0; start < paths.length; start += filesTogether) {
      const files = readRowsSql(imagesTable, paths.slice(start, start + filesTogether));
      const result = await connection.run(`INSERT INTO images (${columns}) SELECT ${columns} FROM ${files}`);
      inserted += result.rowsChanged;
    }
    return inserted;
  } catch (error) {
    if (!/^(Invalid Input|Conversion|Constraint) Error|not a GZIP/i.test(messageOf(error))) throw error;
    throw loadRejected(await findBadLine(imagesTable, request.files, request.store), messageOf(error), error);
  }
}

async function recordLoad(connection: DuckDBConnection, request: LoadRequest, loadedAt: string): Promise<string> {
  const { loadId, runId, rows, files } = request;
  const before = await connection.runAndReadAll("SELECT count(*) FROM _loads WHERE run_id = $runId", { runId });
  const id = `${loadId}_r${Number(before.value(0, 0)) + 1}`;
  await connection.run("INSERT INTO _loads VALUES ($id, $runId, $rows, $files, CAST($loadedAt AS TIMESTAMP WITH TIME ZONE))", {
    id,
    runId,
    rows,
    files: files.length,
    loadedAt,
  });
  return id;
}
