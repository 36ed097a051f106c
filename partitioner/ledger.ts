import { ledgerKey } from "../core/ids.ts";
import { compareNames } from "../core/names.ts";
import type { LedgerEntry, RunRequest, SourceObject, StoreUrls } from "../core/types.ts";
import type { ObjectStore } from "../storage/store.ts";
import { childrenOf, coveringSegments, readParts, readRanges, readSegment } from "./ledger-segments.ts";

/** Of a plan or of what will be one. With `{run_date}` in the source, every date has its own root and its own ledger. */
export function ledgerKeyOf({ stores, request }: { stores: StoreUrls; request: RunRequest }): string {
  return ledgerKey(stores.source, request.jobs);
}

export interface LedgerRead {
  /** Segments with numbers below it: `ledgerBelow` of the plan. */
  below: number;
  signal?: AbortSignal;
}

/** What is known under a ledger key, sorted by name, the newest answer a name. Holds a few parts of each segment. */
export async function* readLedger(control: ObjectStore, key: string, { below, signal }: LedgerRead): AsyncGenerator<LedgerEntry[]> {
  yield* readRanges(control, await coveringSegments(control, key, below, signal), signal);
}

/**
 * Objects whose outputs live until the end of `aliveOn` (YYYY-MM-DD) or longer: what new objects may be duplicates of.
 * In no order. Reads only segments that have some, which are those of the last days.
 */
export async function* readAlive(
  control: ObjectStore,
  key: string,
  { below, aliveOn, signal }: LedgerRead & { aliveOn: string },
): AsyncGenerator<LedgerEntry[]> {
  const pending = (await coveringSegments(control, key, below, signal)).toReversed();
  for (let range = pending.pop(); range !== undefined; range = pending.pop()) {
    const segment = await readSegment(control, range, signal);
    const isMerged = range.to - range.from > 1;
    if (segment === undefined ? !isMerged : !isAlive(segment, aliveOn)) continue;
    if (isMerged) pending.push(...childrenOf(key, range).toReversed());
    else {
      for await (const batch of readParts(control, segment!.parts, signal)) {
        yield batch.filter((entry) => entry.outcome === "ok" && isAlive(entry, aliveOn));
      }
    }
  }
}

function isAlive({ outputsExpire }: { outputsExpire?: string }, aliveOn: string): boolean {
  return outputsExpire !== undefined && outputsExpire > aliveOn;
}

/** The object needs no more work: it has an answer that trying again would not change. */
export function isDone(entry: LedgerEntry): boolean {
  return entry.reason !== "unreadable" && entry.reason !== "source_changed";
}

/** Both sorted by name. An object is unchanged when the ledger has exactly this generation of it as done. */
export async function* markUnchanged<T extends SourceObject>(
  entries: AsyncIterable<T[]>,
  ledger: AsyncIterable<LedgerEntry[]>,
): AsyncGenerator<(T & { unchanged?: true })[]> {
  const source = ledger[Symbol.asyncIterator]();
  let known: LedgerEntry[] = [];
  let index = 0;
  let isOver = false;
  try {
    for await (const batch of entries) {
      const marked: (T & { unchanged?: true })[] = [];
      for (const entry of batch) {
        while (!isOver && (index >= known.length || compareNames(known[index]!.name, entry.name) < 0)) {
          if (++index < known.length) continue;
          const next = await source.next();
          [known, index, isOver] = next.done === true ? [[], 0, true] : [next.value, 0, false];
        }
        const found = known[index];
        const isUnchanged = found?.name === entry.name && found.generation === entry.generation && isDone(found);
        marked.push(isUnchanged ? { ...entry, unchanged: true } : entry);
      }
      yield marked;
    }
  } finally {
    await source.return?.();
  }
}
