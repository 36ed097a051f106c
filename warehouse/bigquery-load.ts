import { createWriteStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import type { TableMetadata } from "@google-cloud/bigquery";
import { digestOf } from "../core/digest.ts";
import { inParallel } from "../core/parallel.ts";
import type { StoredFile } from "../core/types.ts";
import type { BigqueryAccess, JobConfiguration } from "./bigquery-client.ts";
import { JobFailure, runJob, type JobLimits, type JobRequest, type JobResult } from "./bigquery-jobs.ts";
import { assertRows, readSealed } from "./load.ts";
import { findBadLine, loadRejected, readRows } from "./rows.ts";
import { imagesTable } from "./tables.ts";
import type { LoadRequest, LoadResult } from "./warehouse.ts";

export interface LoadOptions extends JobLimits {
  location: string;
  /** URIs a load job may have. */
  maxUrisPerJob: number;
  /** Rows of the run in the table. */
  countRows: (signal?: AbortSignal) => Promise<number>;
}

const readsAtOnce = 8;
const loadsAtOnce = 4;
/** Staging tables go by themselves, should their deletion fail. */
const stagingLifeMs = 7 * 24 * 3_600_000;

/**
 * Brings the rows in. A load job cannot be undone, so every file is read first: the sealed one, its rows the run's,
 * all together as many as the seal says. Files in a bucket are then loaded where they are, others are sent along.
 */
export async function loadFiles(
  access: BigqueryAccess,
  request: LoadRequest,
  options: LoadOptions,
  signal?: AbortSignal,
): Promise<LoadResult> {
  const uris = request.files.map((file) => request.store.uri(file.name));
  try {
    const result = uris.every((uri) => uri.startsWith("gs://"))
      ? await loadObjects(access, request, uris, options, signal)
      : await sendRows(access, request, options, signal);
    return { loadIds: [result.id], rows: request.rows, adopted: result.adopted };
  } catch (error) {
    if (!(error instanceof JobFailure) || error.reason !== "invalid") throw error;
    throw loadRejected(await findBadLine(imagesTable, request.files, request.store, signal), error.message, error);
  }
}

async function loadObjects(
  access: BigqueryAccess,
  request: LoadRequest,
  uris: string[],
  options: LoadOptions,
  signal: AbortSignal | undefined,
): Promise<JobResult> {
  let rows = 0;
  await inParallel(request.files, readsAtOnce, async (file) => {
    const read = await readChecked(request, file, signal);
    rows += read.rows;
  });
  assertRows(request, rows);
  if (uris.length > options.maxUrisPerJob) return loadThroughStaging(access, request, uris, options, signal);
  const configuration = loadConfiguration(access, imagesTable.name, "WRITE_APPEND", uris);
  return runJob(access, { ...jobOf(request, options), id: request.loadId, configuration }, options, signal);
}

async function sendRows(access: BigqueryAccess, request: LoadRequest, options: LoadOptions, signal?: AbortSignal): Promise<JobResult> {
  const folder = await mkdtemp(join(tmpdir(), "imagemill-load-"));
  try {
    const upload = join(folder, "rows.ndjson.gz");
    let rows = 0;
    const texts = async function* (): AsyncGenerator<Buffer> {
      for (const file of request.files) {
        const read = await readChecked(request, file, signal);
        rows += read.rows;
        yield read.text;
      }
    };
    await pipeline(Readable.from(texts()), createGzip({ level: 1 }), createWriteStream(upload), signal === undefined ? {} : { signal });
    assertRows(request, rows);
    const configuration = loadConfiguration(access, imagesTable.name, "WRITE_APPEND");
    return await runJob(access, { ...jobOf(request, options), id: request.loadId, configuration, upload }, options, signal);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function readChecked(request: LoadRequest, file: StoredFile, signal?: AbortSignal): Promise<{ text: Buffer; rows: number }> {
  return readRows(imagesTable, await readSealed(request, file, signal), request, request.store.uri(file.name));
}

/** More URIs than one job takes: each group into a table of its own, then all of these in one atomic copy. */
async function loadThroughStaging(
  access: BigqueryAccess,
  request: LoadRequest,
  uris: string[],
  options: LoadOptions,
  signal: AbortSignal | undefined,
): Promise<JobResult> {
  const { dataset, calls } = access;
  const groups = Array.from({ length: Math.ceil(uris.length / options.maxUrisPerJob) }, (_, index) => ({
    table: `_load_${request.loadId.replaceAll(/\W/g, "_")}_${index}`,
    id: `${request.loadId}_g${index}`,
    uris: uris.slice(index * options.maxUrisPerJob, (index + 1) * options.maxUrisPerJob),
  }));
  const like = (await calls.call("read table images", () => dataset.table(imagesTable.name).getMetadata(), signal))[0] as TableMetadata;
  let rows = 0;
  await inParallel(groups, loadsAtOnce, async (group) => {
    await createLike(access, like, group.table, signal);
    const configuration = loadConfiguration(access, group.table, "WRITE_TRUNCATE", group.uris);
    const stillThere = (): Promise<boolean> => hasRows(access, group.table, signal);
    const { job } = await runJob(access, { ...jobOf(request, options), id: group.id, configuration, stillThere }, options, signal);
    rows += Number(job.statistics?.load?.outputRows);
  });
  assertRows(request, rows);
  const result = await runJob(
    access,
    { ...jobOf(request, options), id: request.loadId, configuration: copyConfiguration(access, groups) },
    options,
    signal,
  );
  await inParallel(groups, loadsAtOnce, async ({ table }) => {
    await calls.find(`delete table ${table}`, () => dataset.table(table).delete(), signal);
  });
  return result;
}

async function createLike(access: BigqueryAccess, like: TableMetadata, table: string, signal: AbortSignal | undefined): Promise<void> {
  const { schema, timePartitioning, clustering } = like;
  const metadata = { schema, timePartitioning, clustering, expirationTime: String(access.clock.now() + stagingLifeMs) } as TableMetadata;
  const existing = await access.calls.find(`read table ${table}`, () => access.dataset.table(table).getMetadata(), signal);
  if (existing !== undefined) return;
  await access.calls.call(`create table ${table}`, () => access.dataset.createTable(table, metadata), signal);
}

async function hasRows(access: BigqueryAccess, table: string, signal: AbortSignal | undefined): Promise<boolean> {
  const [metadata] = await access.calls.call(`read table ${table}`, () => access.dataset.table(table).getMetadata(), signal);
  return Number((metadata as TableMetadata).numRows) > 0;
}

function jobOf(request: LoadRequest, options: LoadOptions): Pick<JobRequest, "location" | "content" | "stillThere"> {
  const files = request.files.map(({ name, sizeBytes, crc32c }: StoredFile) => ({ name, sizeBytes, crc32c }));
  const stillThere = async (signal?: AbortSignal): Promise<boolean> => (await options.countRows(signal)) > 0;
  return { location: options.location, content: digestOf(files), stillThere };
}

function loadConfiguration(access: BigqueryAccess, table: string, writeDisposition: string, sourceUris?: string[]): JobConfiguration {
  const load = {
    destinationTable: tableReference(access, table),
    sourceFormat: "NEWLINE_DELIMITED_JSON",
    // The table and its columns are there already: a load never makes or changes them.
    createDisposition: "CREATE_NEVER",
    writeDisposition,
    maxBadRecords: 0,
    ignoreUnknownValues: false,
  };
  return { load: sourceUris === undefined ? load : { ...load, sourceUris } };
}

function copyConfiguration(access: BigqueryAccess, groups: { table: string }[]): JobConfiguration {
  return {
    copy: {
      sourceTables: groups.map(({ table }) => tableReference(access, table)),
      destinationTable: tableReference(access, imagesTable.name),
      createDisposition: "CREATE_NEVER",
      writeDisposition: "WRITE_APPEND",
    },
  };
}

function tableReference(
  { project, datasetId }: BigqueryAccess,
  tableId: string,
): { projectId: string; datasetId: string; tableId: string } {
  return { projectId: project, datasetId, tableId };
}
