import { inParallel } from "../core/parallel.ts";
import type { Selection, SourceObject } from "../core/types.ts";
import { isStoreError, noGeneration, type ObjectInfo, type ObjectStore } from "../storage/store.ts";
import { listSource, type ListingOptions } from "./list.ts";
import { createSelector, sourceObjectOf } from "./select.ts";
import { sortByName } from "./sort.ts";

const statsInFlight = 32;
const batchSize = 500;

export interface NamedOptions extends Pick<ListingOptions<never>, "signal" | "spool" | "onListing"> {
  selection: Selection;
  runDate: string;
}

/**
 * The selected objects of a source that lists names only (a list of URIs): sorted, each once, and then looked at. A
 * name without an object stays in, so that the run has a row that says so.
 */
export async function* listNamed(source: ObjectStore, options: NamedOptions): AsyncGenerator<SourceObject[]> {
  const { selection, runDate, signal, spool, onListing } = options;
  const { createdAfter: _after, createdBefore: _before, ...byName } = selection;
  const isNamed = createSelector(byName, runDate);
  const isSelected = createSelector(selection, runDate);
  const listed = listSource(source, { signal, spool, take: (object) => (isNamed(object) ? { name: object.name } : undefined) });
  let objects = 0;
  let bytes = 0;
  for await (const names of distinct(sortByName(listed, spool))) {
    const found = await statAll(source, names, signal);
    objects += names.length;
    for (const info of found) bytes += info?.sizeBytes ?? 0;
    onListing?.(objects, bytes);
    const pinned = found.map((info, index) => pin(names[index]!, info, isSelected));
    yield pinned.filter((object) => object !== undefined);
  }
}

async function* distinct(sorted: AsyncIterable<{ name: string }[]>): AsyncGenerator<string[]> {
  let batch: string[] = [];
  let last: string | undefined;
  for await (const entries of sorted) {
    for (const { name } of entries) {
      if (name === last) continue;
      batch.push((last = name));
      if (batch.length < batchSize) continue;
      yield batch;
      batch = [];
    }
  }
  if (batch.length > 0) yield batch;
}

async function statAll(source: ObjectStore, names: string[], signal: AbortSignal): Promise<(ObjectInfo | undefined)[]> {
  const found: (ObjectInfo | undefined)[] = names.map(() => undefined);
  await inParallel(names.keys(), statsInFlight, async (index) => {
    found[index] = await statOrMissing(source, names[index]!, signal);
  });
  return found;
}

/** A URI that no store can open is as good as missing; a store that cannot be asked is not. */
async function statOrMissing(source: ObjectStore, name: string, signal: AbortSignal): Promise<ObjectInfo | undefined> {
  try {
    return await source.stat(name, { signal });
  } catch (error) {
    if (isStoreError(error, "STORE_FAILED") || isStoreError(error, "NOT_FOUND")) return undefined;
    throw error;
  }
}

/** A missing object counts as one byte: an empty one would be quarantined as such, unread. */
function pin(name: string, info: ObjectInfo | undefined, isSelected: (object: ObjectInfo) => boolean): SourceObject | undefined {
  if (info === undefined) return { name, generation: noGeneration, sizeBytes: 1 };
  return isSelected(info) ? sourceObjectOf(info) : undefined;
}
