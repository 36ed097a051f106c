import { controlNames } from "../core/layout.ts";
import { compareNames } from "../core/names.ts";
import { gzipNdjson } from "../core/ndjson.ts";
import type { LedgerEntry } from "../core/types.ts";
import { createOnce, readJson, readNdjson } from "../storage/objects.ts";
import { isStoreError, type ObjectStore } from "../storage/store.ts";
import { assertFormat } from "./format.ts";
import { createLines, digestOfLines } from "./lines.ts";
import { mergeSorted } from "./merge.ts";

/** `ledger/<key>/<n>.json` and `ledger/<key>/merged/<from>-<to>.json`: names the parts, sorted by name over all of them. */
export interface LedgerSegment {
  format: 1;
  /** The run that appended it; absent in a merged segment. */
  runId?: string;
  entries: number;
  parts: string[];
  /** The latest day on which outputs of an entry expire; absent where none has outputs. */
  outputsExpire?: string;
}

/** Segments [from, to), as one file. */
export interface SegmentRange {
  from: number;
  to: number;
  file: string;
}

/** A merged segment covers so many of the level below: a ledger of 4,000 runs is read as at most 45 files. */
export const mergeWidth = 16;
const partEntries = 5_000;
const partsAhead = 3;

/** The first number that is not taken. */
export async function ledgerBelow(control: ObjectStore, key: string, signal?: AbortSignal): Promise<number> {
  const numbers = await listNumbers(control, controlNames.ledger(key), /^(\d+)\.json$/, signal);
  return numbers.reduce((next, [number]) => Math.max(next, number! + 1), 0);
}

/** The fewest files that together hold the segments [0, below), oldest first. */
export async function coveringSegments(control: ObjectStore, key: string, below: number, signal?: AbortSignal): Promise<SegmentRange[]> {
  if (below === 0) return [];
  const merged = await listMerged(control, key, signal);
  const ranges: SegmentRange[] = [];
  for (let from = 0; from < below;) {
    const widest = merged.filter((range) => range.from === from && range.to <= below).reduce(wider, segmentRange(key, from, from + 1));
    ranges.push(widest);
    from = widest.to;
  }
  return ranges;
}

function wider(a: SegmentRange, b: SegmentRange): SegmentRange {
  return b.to > a.to ? b : a;
}

export async function listMerged(control: ObjectStore, key: string, signal?: AbortSignal): Promise<SegmentRange[]> {
  const found = await listNumbers(control, controlNames.ledgerMerges(key), /^(\d+)-(\d+)\.json$/, signal);
  return found.map(([from, to]) => segmentRange(key, from!, to!));
}

/** The numbers in the names directly below a prefix. */
async function listNumbers(control: ObjectStore, prefix: string, pattern: RegExp, signal?: AbortSignal): Promise<number[][]> {
  const found: number[][] = [];
  try {
    for await (const { objects } of control.list({ prefix, delimiter: "/", ...(signal && { signal }) })) {
      for (const { name } of objects) {
        const match = pattern.exec(name.slice(prefix.length));
        if (match !== null) found.push(match.slice(1).map(Number));
      }
    }
  } catch (error) {
    // A control store that nobody has written to yet.
    if (!isStoreError(error, "NOT_FOUND")) throw error;
  }
  return found;
}

/** The segments of the level below that a merged one was made of. */
export function childrenOf(key: string, { from, to }: SegmentRange): SegmentRange[] {
  const step = (to - from) / mergeWidth;
  return Array.from({ length: mergeWidth }, (_, index) => segmentRange(key, from + index * step, from + (index + 1) * step));
}

export function segmentRange(key: string, from: number, to: number): SegmentRange {
  return { from, to, file: to - from === 1 ? controlNames.ledgerSegment(key, from) : controlNames.ledgerMerge(key, from, to) };
}

/** Undefined where somebody has deleted it: what it held is then done again. */
export async function readSegment(control: ObjectStore, range: SegmentRange, signal?: AbortSignal): Promise<LedgerSegment | undefined> {
  const segment = await readJson<LedgerSegment>(control, range.file, signal);
  if (segment !== undefined) assertFormat(segment, control.uri(range.file));
  return segment;
}

/** The entries of some ranges, oldest first: sorted by name, the newest answer a name. Holds a few parts of each range. */
export async function* readRanges(control: ObjectStore, ranges: SegmentRange[], signal?: AbortSignal): AsyncGenerator<LedgerEntry[]> {
  const streams = ranges.map((range) => entriesOf(control, range, signal));
  let held: LedgerEntry | undefined;
  for await (const batch of mergeSorted(streams, (a, b) => compareNames(a.name, b.name))) {
    const newest: LedgerEntry[] = [];
    for (const entry of batch) {
      if (held !== undefined && held.name !== entry.name) newest.push(held);
      held = entry;
    }
    if (newest.length > 0) yield newest;
  }
  if (held !== undefined) yield [held];
}

async function* entriesOf(control: ObjectStore, range: SegmentRange, signal?: AbortSignal): AsyncGenerator<LedgerEntry[]> {
  const segment = await readSegment(control, range, signal);
  if (segment !== undefined) yield* readParts(control, segment.parts, signal);
}

/** The entries of a segment, part by part; the next parts are fetched meanwhile. */
export async function* readParts(control: ObjectStore, parts: readonly string[], signal?: AbortSignal): AsyncGenerator<LedgerEntry[]> {
  const ahead: Promise<LedgerEntry[]>[] = [];
  let next = 0;
  try {
    while (next < parts.length || ahead.length > 0) {
      while (next < parts.length && ahead.length < partsAhead) ahead.push(readNdjson<LedgerEntry>(control, parts[next++]!, signal));
      const part = await ahead[0]!;
      void ahead.shift();
      yield part;
    }
  } finally {
    await Promise.allSettled(ahead);
  }
}

/** Writes sorted entries as parts and gives the segment that names them; until that is stored, they are nobody's. */
export async function writeParts(
  control: ObjectStore,
  key: string,
  entries: AsyncIterable<LedgerEntry[]>,
  signal?: AbortSignal,
): Promise<LedgerSegment> {
  const segment: LedgerSegment = { format: 1, entries: 0, parts: [] };
  for await (const part of inParts(entries)) {
    using lines = createLines();
    for (const entry of part) lines.add(JSON.stringify(entry));
    const name = controlNames.ledgerPart(key, digestOfLines(lines));
    await createOnce(control, name, await gzipNdjson(lines.bytes()), signal);
    segment.parts.push(name);
    segment.entries += part.length;
    for (const { outputsExpire } of part) {
      if (outputsExpire !== undefined && outputsExpire > (segment.outputsExpire ?? "")) segment.outputsExpire = outputsExpire;
    }
  }
  return segment;
}

async function* inParts(entries: AsyncIterable<LedgerEntry[]>): AsyncGenerator<LedgerEntry[]> {
  let part: LedgerEntry[] = [];
  for await (const batch of entries) {
    for (const entry of batch) {
      part.push(entry);
      if (part.length < partEntries) continue;
      yield part;
      part = [];
    }
  }
  if (part.length > 0) yield part;
}
