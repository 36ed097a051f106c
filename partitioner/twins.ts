import type { LedgerEntry, LedgerTwin } from "../core/types.ts";
import { contentKey, createKeyCollector, type KeySet } from "./content-keys.ts";
import { createSorter } from "./sort.ts";
import type { Spool } from "./spool.ts";

/** More objects of one key are not looked at: their content is told apart by too little. */
const maxTwinsOfKey = 64;

export type Twin = LedgerTwin & { sizeBytes: number; crc32c: string };

/** Objects of earlier runs that new ones may be duplicates of. */
export interface Twins {
  keys: KeySet;
  /** Must be asked in ascending order of keys. */
  of(key: number): Promise<Twin[]>;
}

export const noTwins: Twins = { keys: { has: () => false }, of: async () => [] };

interface Keyed {
  key: number;
  twin: Twin;
}

/** From what the ledger has: of any number of entries only those are kept whose key is one of `wanted`. */
export async function findTwins(entries: AsyncIterable<LedgerEntry[]>, wanted: KeySet, spool: Spool): Promise<Twins> {
  const keys = createKeyCollector();
  const sorter = createSorter<Keyed>({
    spool,
    compare: (a, b) => a.key - b.key,
    encode: (item) => JSON.stringify(item),
    decode: (line) => JSON.parse(line) as Keyed,
  });
  for await (const batch of entries) {
    for (const entry of batch) {
      for (const key of [contentKey(entry.sizeBytes, entry.crc32c), contentKey(entry.sizeBytes, undefined)]) {
        if (!wanted.has(key)) continue;
        keys.add(key);
        await sorter.add({ key, twin: twinOf(entry) });
      }
    }
  }
  return { keys: keys.all(), of: ascendingLookup(sorter.sorted()) };
}

function twinOf({ name, generation, sha256, runId, sizeBytes, crc32c }: LedgerEntry): Twin {
  return { name, generation, sha256, runId, sizeBytes, crc32c };
}

function ascendingLookup(sorted: AsyncGenerator<Keyed[]>): (key: number) => Promise<Twin[]> {
  let batch: Keyed[] = [];
  let index = 0;
  let last: { key: number; twins: Twin[] } | undefined;
  const peek = async (): Promise<Keyed | undefined> => {
    while (index >= batch.length) {
      const next = await sorted.next();
      if (next.done === true) return undefined;
      [batch, index] = [next.value, 0];
    }
    return batch[index];
  };
  return async (key) => {
    if (last?.key === key) return last.twins;
    const twins: Twin[] = [];
    for (let item = await peek(); item !== undefined && item.key <= key; item = await peek()) {
      if (item.key === key && twins.length < maxTwinsOfKey) twins.push(item.twin);
      index++;
    }
    last = { key, twins };
    return twins;
  };
}
