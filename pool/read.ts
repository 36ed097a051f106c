import type { Limits, ShardEntry } from "../core/types.ts";
import { isStoreError, StoreError, type CopySource, type ObjectStore } from "../storage/store.ts";

/** The bytes of a source object and where they were. */
export interface ReadSource {
  bytes: Uint8Array<ArrayBuffer>;
  crc32c: string;
  contentType?: string;
  origin: CopySource;
}

export type ReadOutcome =
  | { kind: "read"; source: ReadSource }
  | { kind: "empty" }
  | { kind: "gone" }
  | { kind: "too_large"; message: string }
  /** `transient`: the store as a whole may be down; the caller decides. */
  | { kind: "unreadable"; error: StoreError; transient: boolean };

export interface ReadStores {
  source: ObjectStore;
  control: ObjectStore;
}

/** Reads the pinned generation, or, in a replay, the copy that quarantine kept of it. Rejects only when aborted. */
export async function readSource(
  stores: ReadStores,
  entry: ShardEntry,
  limits: Pick<Limits, "maxObjectBytes">,
  signal: AbortSignal,
): Promise<ReadOutcome> {
  if (entry.sizeBytes === 0) return { kind: "empty" };
  if (entry.sizeBytes > limits.maxObjectBytes) return tooLarge(entry, limits.maxObjectBytes);
  try {
    return { kind: "read", source: await readPinned(stores, entry, limits.maxObjectBytes, signal) };
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    if (error.code === "NOT_FOUND" || error.code === "CHANGED_WHILE_READ") return { kind: "gone" };
    if (error.code === "OBJECT_TOO_LARGE") return tooLarge(entry, limits.maxObjectBytes);
    return { kind: "unreadable", error, transient: error.code === "UNAVAILABLE" };
  }
}

async function readPinned(stores: ReadStores, entry: ShardEntry, maxBytes: number, signal: AbortSignal): Promise<ReadSource> {
  try {
    return await readAt({ store: stores.source, name: entry.name, generation: entry.generation }, entry, maxBytes, signal);
  } catch (error) {
    if (entry.quarantineCopy === undefined || !isStoreError(error, "NOT_FOUND")) throw error;
    const copy = await stores.control.stat(entry.quarantineCopy, { signal });
    if (copy === undefined) throw error;
    return readAt({ store: stores.control, name: entry.quarantineCopy, generation: copy.generation }, entry, maxBytes, signal);
  }
}

async function readAt(origin: CopySource, entry: ShardEntry, maxBytes: number, signal: AbortSignal): Promise<ReadSource> {
  const { info, bytes } = await origin.store.read(origin.name, { generation: origin.generation, maxBytes, signal });
  const crc32c = info.crc32c ?? "";
  if (bytes.byteLength !== entry.sizeBytes || (entry.crc32c !== undefined && crc32c !== entry.crc32c)) {
    throw new StoreError(
      "CHECKSUM_MISMATCH",
      `${origin.store.uri(origin.name)} has ${bytes.byteLength} bytes, crc32c ${crc32c}; the manifest says ${entry.sizeBytes}, ${entry.crc32c ?? "-"}`,
    );
  }
  return { bytes: ownBytes(bytes), crc32c, origin, ...(info.contentType !== undefined && { contentType: info.contentType }) };
}

/** Memory of its own, so that it can be moved to a thread. */
function ownBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer } = bytes;
  return buffer instanceof ArrayBuffer && buffer.byteLength === bytes.byteLength ? new Uint8Array(buffer) : new Uint8Array(bytes);
}

function tooLarge(entry: ShardEntry, maxObjectBytes: number): ReadOutcome {
  return { kind: "too_large", message: `${entry.sizeBytes} bytes are more than limits.maxObjectBytes allows (${maxObjectBytes})` };
}
