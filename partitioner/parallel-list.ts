import { compareNames } from "../core/names.ts";
import type { ListPage, ObjectInfo, ObjectStore } from "../storage/store.ts";
import { createBell } from "../core/bell.ts";
import { createPageBuffer, type PageBuffer } from "./page-buffer.ts";
import { createAlphabet, cutBeyond, cutsAfter } from "./split.ts";
import type { Spool } from "./spool.ts";

export interface ParallelListOptions<T> {
  signal: AbortSignal;
  spool: Spool;
  /** What is kept of an object; undefined = nothing. Must survive JSON. */
  take: (object: ObjectInfo) => T | undefined;
  onPage: (objects: ObjectInfo[]) => void;
  /** Ranges listed at a time. */
  lanes: number;
  /** Pages after which the other lanes start. */
  crossoverPages: number;
}

/** Names up to `end`, which is excluded, listed from the front by one lane, while others cut off the back. */
interface Range<T> {
  end: string | undefined;
  /** The last name listed; "" before the first. */
  cursor: string;
  pagesSinceCut: number;
  isBeingCut: boolean;
  isDone: boolean;
  buffer: PageBuffer<T>;
}

/** A listing that has begun: its first page is not empty. */
interface Begun {
  start: string;
  first: ListPage;
  rest: AsyncIterator<ListPage>;
}

/** What is worth being divided: behind a cut there may be much or next to nothing. */
const minPagesBetweenCuts = 4;

/**
 * Lists disjoint ranges of names side by side and gives them in the order of names. Nothing needs to be known of the
 * names: one lane starts at the front; another one takes over the back of a range that is being listed, from a name on
 * that could follow what was seen so far. To find that name it asks for the page behind it: if there is one, it is the
 * first of the new range; if there is none, the old range ends there. What comes before its turn waits on disk.
 */
export async function* listRanges<T>(source: ObjectStore, options: ParallelListOptions<T>): AsyncGenerator<T[]> {
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  const listing = createListing(source, { ...options, signal });
  const settled = listing.run((error) => stop.abort(error));
  try {
    for (let index = 0; index < listing.ranges.length; index++) {
      yield* listing.ranges[index]!.buffer.read();
      stop.signal.throwIfAborted();
    }
    await settled;
    stop.signal.throwIfAborted();
  } finally {
    stop.abort(new Error("nobody reads the listing any more"));
    listing.endAll();
    await settled;
  }
}

interface Listing<T> {
  /** In the order of names; a new one is inserted behind the one that it was cut off. */
  ranges: Range<T>[];
  /** Resolves when every lane has ended, whatever happened to one of them. */
  run(onFailure: (error: unknown) => void): Promise<void>;
  endAll(): void;
}

function createListing<T>(source: ObjectStore, options: ParallelListOptions<T>): Listing<T> {
  const { signal, spool, take, onPage, lanes, crossoverPages } = options;
  const alphabet = createAlphabet();
  const progress = createBell();
  const newRange = (end: string | undefined): Range<T> => {
    const buffer = createPageBuffer<T>(spool);
    return { end, cursor: "", pagesSinceCut: 0, isBeingCut: false, isDone: false, buffer };
  };
  const ranges = [newRange(undefined)];

  const open = (start: string | undefined, end: string | undefined): AsyncIterator<ListPage> => {
    const pages = source.list({ ...(start !== undefined && { startOffset: start }), ...(end !== undefined && { endOffset: end }), signal });
    return pages[Symbol.asyncIterator]();
  };

  const begin = async (start: string, end: string | undefined): Promise<Begun | undefined> => {
    const rest = open(start, end);
    for (let page = await rest.next(); page.done !== true; page = await rest.next()) {
      if (page.value.objects.length > 0) return { start, first: page.value, rest };
    }
    return undefined;
  };

  /** Takes a page into a range and says whether more may follow. Between two awaits: no cut can come between. */
  const accept = (range: Range<T>, { objects }: ListPage): { kept: T[]; isLast: boolean } => {
    const own = before(objects, range.end);
    if (own.length > 0) {
      range.cursor = own.at(-1)!.name;
      range.pagesSinceCut++;
      alphabet.add(own[0]!.name);
      alphabet.add(range.cursor);
      onPage(own);
    }
    return { kept: own.map(take).filter((item) => item !== undefined), isLast: own.length < objects.length };
  };

  const listRange = async (range: Range<T>, pages: AsyncIterator<ListPage>, first?: ListPage): Promise<void> => {
    try {
      for (let page = first ?? (await nextPage(pages)); page !== undefined; page = await nextPage(pages)) {
        const { kept, isLast } = accept(range, page);
        progress.ring();
        await range.buffer.push(kept);
        if (isLast) break;
      }
    } finally {
      range.isDone = true;
      range.buffer.end();
      progress.ring();
      await pages.return?.();
    }
  };

  /** [cut, end) of the range holds nothing: there it ends, unless it was listed beyond meanwhile. */
  const shorten = (range: Range<T>, cut: string): void => {
    if (compareNames(range.cursor, cut) < 0) range.end = cut;
  };

  /** Binary search: what lies behind a nearer cut includes what lies behind a farther one. */
  const farthestCut = async (range: Range<T>, cuts: string[]): Promise<Begun | undefined> => {
    let found: Begun | undefined;
    let low = 0;
    let high = cuts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const begun = await begin(cuts[middle]!, range.end);
      if (begun === undefined) {
        shorten(range, cuts[middle]!);
        high = middle;
      } else {
        await found?.rest.return?.();
        found = begun;
        low = middle + 1;
      }
    }
    return found;
  };

  const findCut = async (range: Range<T>): Promise<Begun | undefined> => {
    let found = await farthestCut(range, cutsAfter(range.cursor, range.end));
    if (found === undefined) return undefined;
    for (let cut = cutBeyond(found.start, range.end, alphabet); cut !== undefined; cut = cutBeyond(found.start, range.end, alphabet)) {
      const begun = await begin(cut, range.end);
      if (begun === undefined) {
        shorten(range, cut);
        if (range.end !== cut) break;
      } else {
        await found.rest.return?.();
        found = begun;
        break;
      }
    }
    return found;
  };

  /** The back of a range as a range of its own; undefined where the lane that lists it has come too far meanwhile. */
  const cutOff = async (range: Range<T>): Promise<{ range: Range<T>; begun: Begun } | undefined> => {
    range.isBeingCut = true;
    range.pagesSinceCut = 0;
    try {
      const begun = await findCut(range);
      if (begun === undefined) return undefined;
      if (range.isDone || compareNames(range.cursor, begun.start) >= 0) {
        await begun.rest.return?.();
        return undefined;
      }
      const back = newRange(range.end);
      range.end = begun.start;
      ranges.splice(ranges.indexOf(range) + 1, 0, back);
      return { range: back, begun };
    } finally {
      range.isBeingCut = false;
    }
  };

  const divisible = (): Range<T> | undefined =>
    ranges
      .filter((range) => !range.isDone && !range.isBeingCut && range.pagesSinceCut >= minPagesBetweenCuts)
      .reduce<Range<T> | undefined>(
        (most, range) => (most === undefined || range.pagesSinceCut > most.pagesSinceCut ? range : most),
        undefined,
      );

  const lane = async (): Promise<void> => {
    while (ranges.some((range) => !range.isDone)) {
      const range = divisible();
      if (range === undefined) {
        await progress.next();
        continue;
      }
      const back = await cutOff(range);
      if (back !== undefined) await listRange(back.range, back.begun.rest, back.begun.first);
    }
  };

  const crossover = async (): Promise<void> => {
    const [first] = ranges;
    while (!first!.isDone && first!.pagesSinceCut < crossoverPages) await progress.next();
  };

  const endAll = (): void => {
    for (const range of ranges) {
      range.isDone = true;
      range.buffer.end();
    }
    progress.ring();
  };

  const front = async (): Promise<void> => {
    await listRange(ranges[0]!, open(undefined, undefined));
    await lane();
  };

  const other = async (): Promise<void> => {
    await crossover();
    await lane();
  };

  return {
    ranges,
    endAll,
    run: async (onFailure) => {
      const guarded = async (work: () => Promise<void>): Promise<void> =>
        work().catch((error: unknown) => {
          onFailure(error);
          endAll();
        });
      await Promise.all([guarded(front), ...Array.from({ length: lanes - 1 }, async () => guarded(other))]);
    },
  };
}

async function nextPage(pages: AsyncIterator<ListPage>): Promise<ListPage | undefined> {
  const next = await pages.next();
  return next.done === true ? undefined : next.value;
}

function before(objects: ObjectInfo[], end: string | undefined): ObjectInfo[] {
  if (end === undefined || objects.length === 0 || compareNames(objects.at(-1)!.name, end) < 0) return objects;
  return objects.filter(({ name }) => compareNames(name, end) < 0);
}
