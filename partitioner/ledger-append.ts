import type { LedgerEntry } from "../core/types.ts";
import { createOrReadJson } from "../storage/objects.ts";
import type { ObjectStore } from "../storage/store.ts";
import {
  childrenOf,
  ledgerBelow,
  listMerged,
  mergeWidth,
  readRanges,
  readSegment,
  segmentRange,
  writeParts,
  type LedgerSegment,
  type SegmentRange,
} from "./ledger-segments.ts";
import { sortByName } from "./sort.ts";
import { openSpool } from "./spool.ts";

export interface LedgerAppend {
  runId: string;
  /** `ledgerBelow` of the run's plan: what the run appended earlier has this number or a later one. */
  from: number;
  signal: AbortSignal;
}

/**
 * Appends what a run has done, in any order, each name once; `unchanged` and `source_changed` are left out. Once a run:
 * called again, by whomever, it finds the run's segment and writes nothing. Gives the number of the segment; undefined
 * where there was nothing to append. Streams; holds a few thousand entries.
 */
export async function appendLedger(
  control: ObjectStore,
  key: string,
  entries: AsyncIterable<LedgerEntry[]>,
  append: LedgerAppend,
): Promise<number | undefined> {
  const below = await ledgerBelow(control, key, append.signal);
  const number = (await findOwn(control, key, below, append)) ?? (await appendSegment(control, key, entries, { ...append, from: below }));
  await mergeSegments(control, key, append.signal);
  return number;
}

async function findOwn(
  control: ObjectStore,
  key: string,
  below: number,
  { runId, from, signal }: LedgerAppend,
): Promise<number | undefined> {
  for (let number = from; number < below; number++) {
    const segment = await readSegment(control, segmentRange(key, number, number + 1), signal);
    if (segment?.runId === runId) return number;
  }
  return undefined;
}

/** Takes the first free number from `from` on, unless the run's own segment turns up first: a racing driver's. */
async function appendSegment(
  control: ObjectStore,
  key: string,
  entries: AsyncIterable<LedgerEntry[]>,
  { runId, from, signal }: LedgerAppend,
): Promise<number | undefined> {
  await using spool = await openSpool(signal);
  const written = await writeParts(control, key, sortByName(worthKeeping(entries), spool), signal);
  if (written.entries === 0) return undefined;
  const segment: LedgerSegment = { ...written, runId };
  for (let number = from; ; number++) {
    const { file } = segmentRange(key, number, number + 1);
    const { value } = await createOrReadJson(control, file, segment, signal);
    if (value.runId === runId) return number;
  }
}

/** An answer that says nothing about this generation of the object does not replace one that does. */
async function* worthKeeping(entries: AsyncIterable<LedgerEntry[]>): AsyncGenerator<LedgerEntry[]> {
  for await (const batch of entries) yield batch.filter(({ reason }) => reason !== "unchanged" && reason !== "source_changed");
}

/** Makes the merged segments that are due, those that an earlier process left undone included. */
async function mergeSegments(control: ObjectStore, key: string, signal: AbortSignal): Promise<void> {
  const below = await ledgerBelow(control, key, signal);
  if (below < mergeWidth) return;
  const merged = new Set((await listMerged(control, key, signal)).map((range) => range.file));
  for (const range of dueMerges(key, below)) {
    if (!merged.has(range.file)) await mergeRange(control, key, range, signal);
  }
}

/** All that segments [0, below) allow, the narrow ones first: the wider ones are made of them. */
function* dueMerges(key: string, below: number): Generator<SegmentRange> {
  for (let width = mergeWidth; width <= below; width *= mergeWidth) {
    for (let from = 0; from + width <= below; from += width) yield segmentRange(key, from, from + width);
  }
}

/** A function of segments that never change: racing writers write the same. */
async function mergeRange(control: ObjectStore, key: string, range: SegmentRange, signal: AbortSignal): Promise<void> {
  const entries = readRanges(control, childrenOf(key, range), signal);
  await createOrReadJson(control, range.file, await writeParts(control, key, entries, signal), signal);
}
