import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { Clock } from "../../core/clock.ts";
import { messageOf, preconditionError } from "../../core/errors.ts";
import { controlNames } from "../../core/layout.ts";
import { printable } from "../../core/names.ts";
import type { ObjectStore } from "../../storage/store.ts";
import type { Warehouse } from "../../warehouse/warehouse.ts";
import { encodeTable } from "./encode.ts";
import { illustrate } from "./illustrate.ts";
import { imageColumns, runColumns } from "./model/columns.ts";
import { render } from "./page.ts";
import { readDashboard, type Extent, type ReadLimits } from "./read.ts";
import { clientScript } from "./script.ts";

export interface DashboardRequest {
  warehouse: Warehouse;
  /** Keeps the copies of quarantined images. */
  control: ObjectStore;
  limits: ReadLimits;
  /** ISO 4217, of the prices in `runs`. */
  currency: string;
  /** Path of the page. */
  to: string;
  clock: Clock;
  signal?: AbortSignal;
}

export interface Dashboard {
  extent: Extent;
  runs: number;
  images: number;
  pictures: number;
  bytes: number;
}

/** Queries the warehouse and writes the page: whole, or not at all. */
export async function writeDashboard({ warehouse, control, limits, currency, to, clock, signal }: DashboardRequest): Promise<Dashboard> {
  const data = await readDashboard(warehouse, limits, signal);
  const [images, runs, script, pictures] = await Promise.all([
    encodeTable(imageColumns, data.images),
    encodeTable(runColumns, data.runs),
    clientScript(),
    illustrate(data, control, signal),
  ]);
  const facts = {
    warehouse: warehouse.url,
    extent: data.extent,
    limits,
    runPage: runPageOf(control),
    currency,
    madeAt: clock.now(),
  };
  const page = Buffer.from(render({ facts, images, runs, pictures, script }));
  await replaceFile(to, page);
  return { extent: data.extent, runs: data.runs.length, images: data.images.length, pictures: pictures.length, bytes: page.length };
}

/** With `{run}` in the place of an id, which stores do not write as they write others. */
function runPageOf(control: ObjectStore): string {
  const standIn = "0000-00-00-000000000000";
  return control.uri(controlNames.reportPage(standIn)).replace(standIn, "{run}");
}

async function replaceFile(path: string, bytes: Uint8Array): Promise<void> {
  const partial = `${path}.${process.pid}`;
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(partial, bytes);
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true }).catch(() => undefined);
    throw preconditionError(
      "PAGE_UNWRITABLE",
      `cannot write ${printable(path)}: ${messageOf(error)}`,
      "Name a file in a folder that may be written: imagemill report --to FILE",
    );
  }
}
