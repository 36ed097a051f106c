import { compareNames } from "../core/names.ts";
import { mergeSorted } from "./merge.ts";
import type { Spool, SpoolFile } from "./spool.ts";

export interface SortOptions<T> {
  compare: (a: T, b: T) => number;
  /** To one line without a line break, and back. */
  encode: (item: T) => string;
  decode: (line: string) => T;
  spool: Spool;
  /** Items in memory at a time. Default: 20,000. */
  runItems?: number;
}

/** Runs that are merged at a time; more are merged in rounds, so that open files stay bounded. */
const fanIn = 64;

export interface Sorter<T> {
  /** Resolves at once but for every few thousandth item. */
  add(item: T): Promise<void> | undefined;
  /** Ends adding. */
  sorted(): AsyncGenerator<T[]>;
}

/**
 * Sorts any number of items in bounded memory; equal items keep their order. What fits into one run never touches the
 * disk, and what is added in order already is one run: it is written and read once, not merged.
 */
export function createSorter<T>(options: SortOptions<T>): Sorter<T> {
  const { compare, encode, decode, spool, runItems = 20_000 } = options;
  const runs: { file: SpoolFile; last: T }[] = [];
  let buffer: T[] = [];

  const spill = async (): Promise<void> => {
    const items = buffer.sort(compare);
    buffer = [];
    const open = runs.at(-1);
    const continues = open !== undefined && compare(open.last, items[0]!) <= 0;
    const file = continues ? open.file : spool.file();
    await appendAll(file, items, encode);
    if (continues) open.last = items.at(-1)!;
    else runs.push({ file, last: items.at(-1)! });
  };

  async function* sorted(): AsyncGenerator<T[]> {
    if (runs.length === 0) {
      if (buffer.length > 0) yield buffer.sort(compare);
      return;
    }
    if (buffer.length > 0) await spill();
    const decoded = runs.map((run) => decodeRun(run.file, decode));
    yield* mergeSorted(await reduceRuns(decoded, options), compare);
  }

  return {
    add: (item) => {
      buffer.push(item);
      return buffer.length < runItems ? undefined : spill();
    },
    sorted,
  };
}

export async function* externalSort<T>(items: AsyncIterable<T[]>, options: SortOptions<T>): AsyncGenerator<T[]> {
  const sorter = createSorter(options);
  for await (const batch of items) {
    for (const item of batch) {
      const pending = sorter.add(item);
      if (pending !== undefined) await pending;
    }
  }
  yield* sorter.sorted();
}

async function appendAll<T>(file: SpoolFile, items: T[], encode: (item: T) => string): Promise<void> {
  for (const item of items) {
    const pending = file.append(encode(item));
    if (pending !== undefined) await pending;
  }
}

async function* decodeRun<T>(file: SpoolFile, decode: (line: string) => T): AsyncGenerator<T[]> {
  for await (const lines of file.read()) yield lines.map(decode);
}

async function reduceRuns<T>(runs: AsyncIterable<T[]>[], options: SortOptions<T>): Promise<AsyncIterable<T[]>[]> {
  let left = runs;
  while (left.length > fanIn) {
    const merged: AsyncIterable<T[]>[] = [];
    for (let start = 0; start < left.length; start += fanIn) {
      const file = options.spool.file();
      for await (const batch of mergeSorted(left.slice(start, start + fanIn), options.compare)) {
        await appendAll(file, batch, options.encode);
      }
      merged.push(decodeRun(file, options.decode));
    }
    left = merged;
  }
  return left;
}

/** By the UTF-8 bytes of the name. */
export function sortByName<T extends { name: string }>(items: AsyncIterable<T[]>, spool: Spool): AsyncGenerator<T[]> {
  return externalSort(items, {
    spool,
    compare: (a, b) => compareNames(a.name, b.name),
    encode: (item) => JSON.stringify(item),
    decode: (line) => JSON.parse(line) as T,
  });
}
