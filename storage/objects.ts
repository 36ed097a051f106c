import { ImagemillError } from "../core/errors.ts";
import { decodeNdjson, encodeNdjson } from "../core/ndjson.ts";
import type { StoredFile } from "../core/types.ts";
import { isStoreError, type ObjectInfo, type ObjectStore, type WriteOptions } from "./store.ts";

/** Undefined when there is no such object. */
export async function readJson<T>(store: ObjectStore, name: string, signal?: AbortSignal): Promise<T | undefined> {
  try {
    const { bytes } = await store.read(name, signal === undefined ? {} : { signal });
    return parseJson<T>(bytes, store.uri(name));
  } catch (error) {
    if (isStoreError(error, "NOT_FOUND")) return undefined;
    throw error;
  }
}

function parseJson<T>(bytes: Uint8Array, uri: string): T {
  try {
    return JSON.parse(Buffer.from(bytes).toString("utf8")) as T;
  } catch (error) {
    throw new ImagemillError("CORRUPT_FILE", `${uri} is not valid JSON`, {
      hint: 'It was damaged after it was written; see docs/operations.md, "A damaged control file".',
      cause: error,
    });
  }
}

export function jsonBytes(value: unknown): Uint8Array {
  return Buffer.from(`${JSON.stringify(value, undefined, 1)}\n`);
}

/**
 * Creates the object, or reads what another process created first. Durable.
 * `created` is false for our own write whose reply was lost, too: compare the value where that matters.
 */
export async function createOrReadJson<T>(
  store: ObjectStore,
  name: string,
  value: T,
  signal?: AbortSignal,
): Promise<{ value: T; created: boolean }> {
  try {
    await store.write(name, jsonBytes(value), { ...createOnly, contentType: "application/json", ...(signal && { signal }) });
    return { value, created: true };
  } catch (error) {
    if (!isStoreError(error, "PRECONDITION_FAILED")) throw error;
    const winner = await readJson<T>(store, name, signal);
    if (winner === undefined) throw error;
    return { value: winner, created: false };
  }
}

const createOnly: WriteOptions = { ifGeneration: "0", durable: true };

export async function readNdjson<T>(store: ObjectStore, name: string, signal?: AbortSignal): Promise<T[]> {
  const { bytes } = await store.read(name, signal === undefined ? {} : { signal });
  return decodeNdjson<T>(bytes, store.uri(name));
}

/**
 * Creates an NDJSON file whose name is unique to its content or to its writer; when it is there already,
 * it is this content from an earlier try and is taken as written.
 */
export async function createNdjson(store: ObjectStore, name: string, values: Iterable<unknown>, signal?: AbortSignal): Promise<StoredFile> {
  return await createOnce(store, name, encodeNdjson(values), signal);
}

/** The same for NDJSON that is encoded already. */
export async function createOnce(store: ObjectStore, name: string, gzipped: Uint8Array, signal?: AbortSignal): Promise<StoredFile> {
  try {
    return storedFile(await store.write(name, gzipped, { ...createOnly, contentType: "application/gzip", ...(signal && { signal }) }));
  } catch (error) {
    if (!isStoreError(error, "PRECONDITION_FAILED")) throw error;
    const { info } = await store.read(name, signal === undefined ? {} : { signal });
    return storedFile(info);
  }
}

/** Creates what has a name of its own content: where it is there already, nothing is read, here or there. */
export async function createIfAbsent(
  store: ObjectStore,
  name: string,
  contentType: string,
  content: () => Promise<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  if ((await store.stat(name, { signal })) !== undefined) return;
  try {
    await store.write(name, await content(), { ...createOnly, contentType, signal });
  } catch (error) {
    // Somebody else was faster with the same bytes.
    if (!isStoreError(error, "PRECONDITION_FAILED")) throw error;
  }
}

export function storedFile(info: ObjectInfo): StoredFile {
  if (info.crc32c === undefined) throw new ImagemillError("STORE_FAILED", `the store gave no crc32c for ${info.name}`);
  return { name: info.name, generation: info.generation, sizeBytes: info.sizeBytes, crc32c: info.crc32c };
}
