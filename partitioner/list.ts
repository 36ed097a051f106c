import { preconditionError } from "../core/errors.ts";
import { compareNames, printable } from "../core/names.ts";
import { isStoreError, StoreError, type ObjectInfo, type ObjectStore } from "../storage/store.ts";

export interface ListingOptions {
  signal: AbortSignal;
  /** So far: objects and bytes listed, selected or not. Called once a page. */
  onListing?: (objects: number, bytes: number) => void;
}

/** The whole source in the order of names, page by page. */
export async function* listSource(source: ObjectStore, { signal, onListing }: ListingOptions): AsyncGenerator<ObjectInfo[]> {
  let objects = 0;
  let bytes = 0;
  try {
    for await (const page of source.list({ signal })) {
      objects += page.objects.length;
      for (const { sizeBytes } of page.objects) bytes += sizeBytes;
      onListing?.(objects, bytes);
      yield page.objects;
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
