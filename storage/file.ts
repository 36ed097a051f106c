import { resolve } from "node:path";
import { systemRandom, type Random } from "../core/clock.ts";
import { copyBytes } from "./bytes.ts";
import { crc32cBase64 } from "./checksum.ts";
import { readFileAt } from "./file-disk.ts";
import { fileError } from "./file-errors.ts";
import { infoOf, listFolder } from "./file-list.ts";
import { fileUri } from "./file-names.ts";
import { placesIn, type Places } from "./file-places.ts";
import { publish, remove, removeEmptyFolders, removeExactly } from "./file-publish.ts";
import { syncFolders, temporaryFiles, type Temporary } from "./file-write.ts";
import { assertName } from "./names.ts";
import { nativeOf, setNative } from "./native.ts";
import { changedWhileRead, notFound, preconditionFailed } from "./outcomes.ts";
import type { CopySource, ObjectInfo, ObjectStore, ReadOptions, StoreCapabilities, WriteOptions } from "./store.ts";

const capabilities: StoreCapabilities = {
  listsCrc32c: false,
  keepsMetadata: false,
  lifecycle: false,
  parallelList: false,
  serverSideCopy: true,
};

/** How often a read starts over when the file is replaced under it. */
const readTries = 5;

/**
 * A folder as a bucket; it need not exist before the first write. Names are paths (see file-names.ts). Content type and
 * metadata are not kept. Other programs may use the folder, too: what they do to a file shows in its generation.
 */
export function fileStore(root: string, options: { random?: Random; hardLinks?: boolean } = {}): ObjectStore {
  const places = placesIn(resolve(root), options.hardLinks);
  const url = fileUri(places.root).replace(/\/$/, "");
  const temporary = temporaryFiles(places.root, options.random ?? systemRandom);

  const place = async (file: Temporary, name: string, { ifGeneration, durable = false }: WriteOptions): Promise<void> => {
    try {
      const path = publish(places, file, name, ifGeneration);
      if (durable) await syncFolders(places.root, path);
    } finally {
      temporary.discard(file);
    }
  };

  const write = async (name: string, bytes: Uint8Array, writing: WriteOptions): Promise<ObjectInfo> => {
    const { durable = false, ifGeneration, signal } = writing;
    const file = await temporary.write(bytes, { durable, distinct: ifGeneration !== "0", signal });
    await place(file, name, writing);
    return { ...infoOf(name, file.stats), crc32c: crc32cBase64(bytes) };
  };

  /** Undefined where the file system cannot share blocks between files: bytes are then read and written. */
  const clone = async (from: Places, source: CopySource, name: string, writing: WriteOptions): Promise<ObjectInfo | undefined> => {
    const found = findGeneration(from, source.name, source.generation);
    const file = temporary.clone(found.path);
    if (file === undefined) return undefined;
    const after = from.find(source.name);
    if (after?.generation !== source.generation || file.stats.size !== found.stats.size) {
      temporary.discard(file);
      throw changedWhileRead(from.uri(source.name));
    }
    await place(file, name, writing);
    return infoOf(name, file.stats);
  };

  const attempt = async <T>(doing: string, name: string, signal: AbortSignal | undefined, act: () => Promise<T>): Promise<T> => {
    signal?.throwIfAborted();
    assertName(name, "allowed");
    try {
      return await act();
    } catch (error) {
      throw signal?.aborted === true ? signal.reason : fileError(error, doing, places.uri(name));
    }
  };

  const store: ObjectStore = {
    url,
    bucket: url,
    prefix: "",
    capabilities,
    list: (listing = {}) => listFolder(places.root, url, listing),
    stat: async (name, { signal } = {}) =>
      attempt("look at", name, signal, async () => {
        const found = places.find(name);
        return found && infoOf(name, found.stats);
      }),
    read: async (name, reading = {}) => attempt("read", name, reading.signal, async () => readObject(places, name, reading)),
    write: async (name, bytes, writing = {}) => attempt("write", name, writing.signal, async () => write(name, bytes, writing)),
    copy: async (source, name, writing = {}) =>
      attempt("copy to", name, writing.signal, async () => {
        const native = nativeOf(source.store);
        const cloned = native?.kind === "file" ? await clone(placesIn(native.root), source, name, writing) : undefined;
        return cloned ?? copyBytes(store, source, name, writing);
      }),
    delete: async (name, { ifGeneration, signal } = {}) =>
      attempt("delete", name, signal, async () => {
        const found = places.find(name);
        if (found === undefined) return false;
        if (ifGeneration !== undefined && ifGeneration !== found.generation) throw preconditionFailed(places.uri(name), ifGeneration);
        const removed = ifGeneration === undefined ? remove(found) : removeExactly(places, found, name, options.random ?? systemRandom);
        removeEmptyFolders(places.root, found.path);
        return removed;
      }),
    uri: (name) => places.uri(name),
    close: async () => undefined,
  };
  return setNative(store, { kind: "file", root: places.root });
}

function findGeneration(places: Places, name: string, generation: string | undefined): NonNullable<ReturnType<Places["find"]>> {
  const found = places.find(name);
  if (found === undefined || (generation !== undefined && found.generation !== generation)) throw notFound(places.uri(name), generation);
  return found;
}

async function readObject(places: Places, name: string, reading: ReadOptions): Promise<{ info: ObjectInfo; bytes: Uint8Array }> {
  for (let tries = 0; tries < readTries; tries++) {
    const found = findGeneration(places, name, reading.generation);
    const read = await readFileAt(found.path, found.stats, { ...reading, uri: places.uri(name) });
    if (read === undefined) continue;
    const info = infoOf(name, read.stats);
    return { info: reading.range === undefined ? { ...info, crc32c: crc32cBase64(read.bytes) } : info, bytes: read.bytes };
  }
  throw changedWhileRead(places.uri(name));
}
