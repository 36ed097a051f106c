import { createHash } from "node:crypto";
import type { Clock } from "../core/clock.ts";
import type { OutputRow, Timings, TwinRef } from "../core/rows.ts";
import type { ImageResult } from "../jobs/process.ts";
import { crc32cBase64 } from "../storage/checksum.ts";
import type { ObjectStore } from "../storage/store.ts";
import type { ImageTask, PoolSetup, TaskResult } from "./channel.ts";
import { archiveSource, writeOutput, type ArchivePlace } from "./outputs.ts";
import { cut, noTimings, quarantined, type QuarantineContext } from "./quarantine.ts";
import type { ReadSource } from "./read.ts";
import type { Computed } from "./thread.ts";

export interface ImageStores {
  source: ObjectStore;
  archive: ObjectStore;
  control: ObjectStore;
}

export interface ImageContext extends QuarantineContext {
  setup: PoolSetup;
  stores: ImageStores;
}

/** An image that was read and waits for a thread, is in one, or is being written. */
export interface ReadImage {
  task: ImageTask;
  source: ReadSource;
  /** Known early for candidates only. */
  sha256?: string;
  decodedBytes: number;
  timings: Timings;
  readyAtMs: number;
}

/** To the hundredth: rows are read by people, too. */
export function elapsedMs(clock: Clock, sinceMs: number): number {
  return Math.round((clock.monotonicMs() - sinceMs) * 100) / 100;
}

export function sha256Of(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

export function twinRef(context: ImageContext, task: ImageTask): TwinRef {
  return { run_id: context.setup.runId, name: task.entry.name, generation: task.entry.generation };
}

/** An earlier run's object of the same content whose outputs still live. */
export function ledgerTwin(task: ImageTask, sha256: string): TwinRef | undefined {
  const twin = task.entry.twins?.find((candidate) => candidate.sha256 === sha256);
  return twin && { run_id: twin.runId, name: twin.name, generation: twin.generation };
}

export function skipped(context: ImageContext, reason: "source_changed" | "duplicate", known: Partial<TaskResult>): TaskResult {
  return { warnings: [], timings: noTimings, outputs: [], ...known, outcome: "skipped", reason, processedAt: instant(context) };
}

/** What the thread found, made durable: outputs and the source's copy in the archive, or the copy in quarantine. */
export async function settled(context: ImageContext, image: ReadImage, { result: found, bytes }: Computed): Promise<TaskResult> {
  const { task, source } = image;
  const known = {
    sha256: found.sha256,
    crc32c: source.crc32c,
    warnings: found.warnings.map(cut),
    timings: image.timings,
    ...(source.contentType !== undefined && { contentType: source.contentType }),
    ...(found.header !== undefined && { header: found.header }),
    facts: found.facts,
  };
  if (found.failure !== undefined) {
    return quarantined(context, task.entry, { ...found.failure, known, origin: source.origin });
  }
  const startedMs = context.clock.monotonicMs();
  const outputs = await archived(context, image, found, bytes);
  if (outputs === undefined) return skipped(context, "source_changed", known);
  image.timings.write_ms = elapsedMs(context.clock, startedMs);
  return { ...known, outcome: "ok", processedAt: instant(context), outputs };
}

async function archived(
  context: ImageContext,
  { task, source }: ReadImage,
  found: ImageResult,
  bytes: Uint8Array,
): Promise<OutputRow[] | undefined> {
  const { setup, stores, signal } = context;
  const place: ArchivePlace = { archive: stores.archive, runDate: setup.runDate, runId: setup.runId, durable: setup.durable };
  const writes: Promise<OutputRow | undefined>[] = found.outputs.map(async (output) => writeOutput(place, task.entry, output, signal));
  if (setup.archiveSources && found.header !== undefined) {
    // A job that changed its input, which it must not, does not change the archive.
    const origin = crc32cBase64(bytes) === source.crc32c ? { ...source.origin, bytes } : source.origin;
    writes.push(archiveSource(place, task.entry, origin, found.header, source.crc32c, signal));
  }
  const rows = await Promise.all(writes);
  return rows.every((row) => row !== undefined) ? rows : undefined;
}

function instant(context: ImageContext): string {
  return new Date(context.clock.now()).toISOString();
}
