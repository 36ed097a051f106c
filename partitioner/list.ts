import { preconditionError } from "../core/errors.ts";
import { compareNames, printable } from "../core/names.ts";
import { isStoreError, StoreError, type ObjectInfo, type ObjectStore } from "../storage/store.ts";
import { listRanges } from "./parallel-list.ts";
import type { Spool } from "./spool.ts";

export interface ListingOptions<T> {
  signal: AbortSignal;
  spool: Spool;
  /** What is kept of an object; undefined = it is not selected. */
  take: (object: ObjectInfo) => T | undefined;
  /** So far: objects and bytes listed, selected or not. Called once a page. */
  onListing?: (objects: number, bytes: number) => void;
  /** Only the first objects are wanted: listing ahead would be for nothing. */
  isCut?: boolean;
}

/** Ranges of names that are listed side by side, where the store is faster that way. */
const parallelLanes = 8;
/**
 * A listing is divided when it turns out to be longer: 16 pages are 16,000 objects. The first cuts cost about ten
 * requests each, which a shorter listing would not earn back: with pages of 100 ms, even is reached between 32,000 and
 * 64,000 objects, half of the time at 128,000 (benchmarks/cloud.ts).
 */
const crossoverPages = 16;

/** What is taken of the whole source, in the order of names, page by page. */
export async function* listSource<T>(source: ObjectStore, options: ListingOptions<T>): AsyncGenerator<T[]> {
  const { signal, spool, take, onListing, isCut = false } = options;
  let objects = 0;
  let bytes = 0;
  const onPage = (page: ObjectInfo[]): void => {
    objects += page.length;
    for (const { sizeBytes } of page) bytes += sizeBytes;
    onListing?.(objects, bytes);
  };
  try {
    if (source.capabilities.parallelList && !isCut) {
      yield* listRanges(source, { signal, spool, take, onPage, lanes: parallelLanes, crossoverPages });
      return;
    }
    for await (const page of source.list({ signal })) {
      onPage(page.objects);
      yield page.objects.map(take).filter((taken) => taken !== undefined);
    }
  } catch (error) {
    if (isStoreError(error, "NOT_FOUND")) throw sourceMissing(source, error);
    throw error;
  }
}

function sourceMissing(source: ObjectStore, error: StoreError): Error {
  return preconditionError(
    "SOURCE_MISSING",
    `the source ${printable(source.url)} does not exist`,
    error.hint ?? "Check `source` in the config, or `--source`; `imagemill doctor` says what else is missing.",
  );
}

/** Passes on what is in order and fails at what is not: planning relies on it, and a store promises it. */
export async function* assertOrder<T extends { name: string }>(entries: AsyncIterable<T[]>): AsyncGenerator<T[]> {
  let last: string | undefined;
  for await (const batch of entries) {
    for (const { name } of batch) {
      if (last !== undefined && compareNames(last, name) >= 0) {
        const what = last === name ? `${JSON.stringify(name)} twice` : `${JSON.stringify(last)} before ${JSON.stringify(name)}`;
        throw new StoreError("STORE_FAILED", `the listing has ${printable(what)}`, {
          hint: "Names must come once, in the order of their UTF-8 bytes. This is a fault of the store, not of the objects.",
        });
      }
      last = name;
    }
    yield batch;
  }
}
