import { controlNames } from "../../core/layout.ts";
import { jsonBytes } from "../../storage/objects.ts";
import { isStoreError, type ObjectStore } from "../../storage/store.ts";
import { illustrate } from "./illustrate.ts";
import type { RunNumbers } from "./numbers.ts";
import { render } from "./page.ts";
import { readRows, readRun } from "./read.ts";
import { summarise } from "./summarise.ts";

export interface ReportRequest {
  runId: string;
  control: ObjectStore;
  archive: ObjectStore;
  signal?: AbortSignal;
}

export interface Report {
  /** URIs of what was written. */
  page: string;
  json: string;
  numbers: RunNumbers;
}

/**
 * Writes `report.json` and `report.markup` of a run, finished or not, into the control store. Reads nothing but the run's
 * own files, so that any machine can do it again; what is there already is not written again.
 */
export async function writeReport({ runId, control, archive, signal }: ReportRequest): Promise<Report> {
  const files = await readRun(control, runId, signal);
  const numbers = await summarise(files, readRows(control, files.commits, signal));
  const pictures = await illustrate({ numbers, control, archive, ...(signal && { signal }) });
  const [json, page] = [controlNames.report(runId), controlNames.reportPage(runId)];
  await replace(control, json, jsonBytes(numbers), "application/json", signal);
  await replace(control, page, Buffer.from(render(numbers, pictures)), "text/html; charset=utf-8", signal);
  return { page: control.uri(page), json: control.uri(json), numbers };
}

async function replace(
  store: ObjectStore,
  name: string,
  bytes: Uint8Array,
  contentType: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (await holds(store, name, bytes, signal)) return;
  await store.write(name, bytes, { contentType, ...(signal && { signal }) });
}

async function holds(store: ObjectStore, name: string, bytes: Uint8Array, signal: AbortSignal | undefined): Promise<boolean> {
  try {
    const there = await store.read(name, signal === undefined ? {} : { signal });
    return Buffer.compare(there.bytes, bytes) === 0;
  } catch (error) {
    if (isStoreError(error, "NOT_FOUND")) return false;
    throw error;
  }
}
