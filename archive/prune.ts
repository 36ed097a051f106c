import { ImagemillError } from "../core/errors.ts";
import { inParallel } from "../core/parallel.ts";
import { isStoreError, type ListOptions, type ObjectInfo, type ObjectStore } from "../storage/store.ts";
import { controlDays } from "./lifecycle.ts";

export interface PruneOptions {
  /** Milliseconds since the epoch. */
  now: number;
  signal?: AbortSignal;
  /** Count only. */
  dryRun?: boolean;
  /** Stops after so many deletions, with `more: true`; the next call goes on. Default: a million. */
  maxObjects?: number;
}

export interface PruneResult {
  /** Deleted, or with `dryRun` what would be. */
  objects: number;
  bytes: number;
  /** Run ids of which something was deleted, the first hundred. */
  runs: string[];
  /** Objects of an expired run that stay: too young, or replaced while we looked. */
  kept: number;
  /** `maxObjects` was reached. */
  more: boolean;
}

const dayMs = 86_400_000;
const deletesInFlight = 8;
const maxRunsNamed = 100;

/**
 * Does for a folder what the lifecycle rule does for a bucket: deletes objects under `<run date>/<runId>/` once both the
 * run date and the object itself are `days` full days old. Nothing else in the folder is touched. Holds no state:
 * stopped anywhere, the next call continues.
 */
export async function pruneArchive(store: ObjectStore, options: PruneOptions & { days: number }): Promise<PruneResult> {
  refuseLifecycle(store);
  return pruneExpired(store, archiveRuns(store, options.signal), options.days, options);
}

/** The same for `runs/` and `quarantine/` of a control folder, after 200 days; never the ledger. */
export async function pruneControl(store: ObjectStore, options: PruneOptions): Promise<PruneResult> {
  refuseLifecycle(store);
  return pruneExpired(store, controlRuns(store, options.signal), controlDays, options);
}

function refuseLifecycle(store: ObjectStore): void {
  if (!store.capabilities.lifecycle) return;
  throw new ImagemillError("LIFECYCLE_BY_SERVICE", `${store.url} deletes by its own lifecycle rule`, {
    hint: "Nothing to prune here; `imagemill init` sets the rule and `imagemill doctor` checks it.",
  });
}

interface RunPrefix {
  prefix: string;
  runId: string;
  runDate: string;
}

async function* archiveRuns(store: ObjectStore, signal: AbortSignal | undefined): AsyncGenerator<RunPrefix> {
  for await (const date of prefixesOf(store, "", signal)) {
    if (/^\d{4}-\d{2}-\d{2}\/$/.test(date)) yield* runsUnder(store, date, signal, date.slice(0, -1));
  }
}

async function* controlRuns(store: ObjectStore, signal: AbortSignal | undefined): AsyncGenerator<RunPrefix> {
  yield* runsUnder(store, "quarantine/", signal);
  yield* runsUnder(store, "runs/", signal);
}

async function* runsUnder(store: ObjectStore, prefix: string, signal: AbortSignal | undefined, date?: string): AsyncGenerator<RunPrefix> {
  for await (const runPrefix of prefixesOf(store, prefix, signal)) {
    const runId = runPrefix.slice(prefix.length, -1);
    const runDate = /^(\d{4}-\d{2}-\d{2})-[0-9a-f]{12}$/.exec(runId)?.[1];
    if (runDate !== undefined && runDate === (date ?? runDate)) yield { prefix: runPrefix, runId, runDate };
  }
}

async function* prefixesOf(store: ObjectStore, prefix: string, signal: AbortSignal | undefined): AsyncGenerator<string> {
  for await (const page of store.list(listOptions({ prefix, delimiter: "/" }, signal))) yield* page.prefixes;
}

async function pruneExpired(store: ObjectStore, runs: AsyncIterable<RunPrefix>, days: number, options: PruneOptions): Promise<PruneResult> {
  const bornBefore = options.now - days * dayMs;
  const result: PruneResult = { objects: 0, bytes: 0, runs: [], kept: 0, more: false };
  for await (const run of runs) {
    // `>` is false for a date that is none, such as 2026-13-45: what cannot be judged stays.
    if (!(Date.parse(run.runDate) <= bornBefore)) continue;
    const before = result.objects;
    await pruneRun(store, run.prefix, bornBefore, options, result);
    if (result.objects > before && result.runs.length < maxRunsNamed) result.runs.push(run.runId);
    if (result.more) break;
  }
  return result;
}

async function pruneRun(store: ObjectStore, prefix: string, bornBefore: number, options: PruneOptions, result: PruneResult): Promise<void> {
  const limit = options.maxObjects ?? 1_000_000;
  for await (const page of store.list(listOptions({ prefix }, options.signal))) {
    const expired = page.objects.filter((object) => object.createdAt !== undefined && Date.parse(object.createdAt) <= bornBefore);
    const room = limit - result.objects;
    result.kept += page.objects.length - expired.length;
    result.more = expired.length > room;
    await deleteAll(store, expired.slice(0, room), options, result);
    if (result.more) return;
  }
}

async function deleteAll(store: ObjectStore, objects: ObjectInfo[], options: PruneOptions, result: PruneResult): Promise<void> {
  await inParallel(objects, deletesInFlight, async (object) => {
    options.signal?.throwIfAborted();
    if (options.dryRun !== true && !(await deleteOne(store, object, options.signal, result))) return;
    result.objects += 1;
    result.bytes += object.sizeBytes;
  });
}

/** Deletes the generation that was judged and no other. */
async function deleteOne(store: ObjectStore, object: ObjectInfo, signal: AbortSignal | undefined, result: PruneResult): Promise<boolean> {
  try {
    return await store.delete(object.name, { ifGeneration: object.generation, ...(signal && { signal }) });
  } catch (error) {
    if (!isStoreError(error, "PRECONDITION_FAILED")) throw error;
    result.kept += 1;
    return false;
  }
}

function listOptions(options: ListOptions, signal: AbortSignal | undefined): ListOptions {
  return signal === undefined ? options : { ...options, signal };
}
