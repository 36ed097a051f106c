import { systemClock, type Clock } from "../core/clock.ts";
import { compareNames } from "../core/names.ts";
import { copyBytes } from "./bytes.ts";
import { crc32cBase64 } from "./checksum.ts";
import { assertName, commonPrefix, inRange } from "./names.ts";
import { notFound, preconditionFailed, sliceRange, tooLarge } from "./outcomes.ts";
import type { ListOptions, ListPage, ObjectInfo, ObjectStore, ReadOptions, StoreCapabilities, WriteOptions } from "./store.ts";

export interface MemoryStoreOptions {
  /** Default: `memory://store`. */
  url?: string;
  clock?: Clock;
  /** Names a page of a listing. */
  pageSize?: number;
  capabilities?: Partial<StoreCapabilities>;
}

interface Held {
  info: ObjectInfo;
  bytes: Uint8Array;
}

const capabilities: StoreCapabilities = {
  listsCrc32c: true,
  keepsMetadata: true,
  lifecycle: false,
  parallelList: false,
  serverSideCopy: true,
};

/** Above 2^53, as those of Cloud Storage are: whoever takes a generation for a number finds out early. */
const firstGeneration = 1_700_000_000_000_001n;

/** Objects in this process, for tests and dry runs; the reference that the other stores are compared with. */
export function memoryStore(options: MemoryStoreOptions = {}): ObjectStore {
  const { url = "memory://store", clock = systemClock, pageSize = 1000 } = options;
  const held = new Map<string, Held>();
  let nextGeneration = firstGeneration * 10n;
  let sorted: string[] | undefined;

  const put = (name: string, bytes: Uint8Array, from: Pick<WriteOptions, "ifGeneration" | "contentType" | "metadata">): ObjectInfo => {
    checkGeneration(name, from.ifGeneration);
    if (!held.has(name)) sorted = undefined;
    const info: ObjectInfo = {
      name,
      generation: String(nextGeneration++),
      sizeBytes: bytes.length,
      crc32c: crc32cBase64(bytes),
      createdAt: new Date(clock.now()).toISOString(),
      ...(from.contentType !== undefined && { contentType: from.contentType }),
      ...(from.metadata !== undefined && { metadata: { ...from.metadata } }),
    };
    held.set(name, { info, bytes: Uint8Array.from(bytes) });
    return { ...info };
  };

  const checkGeneration = (name: string, expected: string | undefined): void => {
    const actual = held.get(name)?.info.generation ?? "0";
    if (expected !== undefined && expected !== actual) throw preconditionFailed(store.uri(name), expected);
  };

  const lookUp = (name: string, { generation, maxBytes }: ReadOptions): Held => {
    const found = held.get(name);
    if (found === undefined || (generation !== undefined && found.info.generation !== generation))
      throw notFound(store.uri(name), generation);
    if (maxBytes !== undefined && found.info.sizeBytes > maxBytes) throw tooLarge(store.uri(name), found.info.sizeBytes, maxBytes);
    return found;
  };

  async function* list(listing: ListOptions = {}): AsyncGenerator<ListPage> {
    sorted ??= [...held.keys()].sort(compareNames);
    const names = sorted;
    let page: ListPage = { objects: [], prefixes: [] };
    let lastPrefix: string | undefined;
    for (const name of names) {
      if (!inRange(name, listing)) continue;
      const prefix = commonPrefix(name, listing);
      const found = held.get(name);
      if (found === undefined || (prefix !== undefined && prefix === lastPrefix)) continue;
      if (prefix === undefined) page.objects.push({ ...found.info });
      else page.prefixes.push((lastPrefix = prefix));
      if (page.objects.length + page.prefixes.length < pageSize) continue;
      listing.signal?.throwIfAborted();
      yield page;
      page = { objects: [], prefixes: [] };
    }
    listing.signal?.throwIfAborted();
    if (page.objects.length + page.prefixes.length > 0) yield page;
  }

  const store: ObjectStore = {
    url,
    bucket: url,
    prefix: "",
    capabilities: { ...capabilities, ...options.capabilities },
    list,
    stat: async (name, { signal } = {}) => {
      signal?.throwIfAborted();
      const found = held.get(name);
      return found && { ...found.info };
    },
    read: async (name, reading = {}) => {
      reading.signal?.throwIfAborted();
      const { info, bytes } = lookUp(name, reading);
      return { info: { ...info }, bytes: Uint8Array.from(sliceRange(bytes, reading.range)) };
    },
    write: async (name, bytes, writing = {}) => {
      writing.signal?.throwIfAborted();
      assertName(name, "refused");
      return put(name, bytes, writing);
    },
    copy: async (source, name, writing = {}) => copyBytes(store, source, name, writing),
    delete: async (name, { ifGeneration, signal } = {}) => {
      signal?.throwIfAborted();
      if (!held.has(name)) return false;
      checkGeneration(name, ifGeneration);
      sorted = undefined;
      return held.delete(name);
    },
    uri: (name) => `${url}/${name}`,
    close: async () => undefined,
  };
  return store;
}
