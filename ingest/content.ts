import type { ObjectInfo, ObjectStore } from "../storage/store.ts";

/** Whether the object that is there holds these bytes: by checksum where both are known, else by reading it. */
export async function sameContent(
  store: ObjectStore,
  there: ObjectInfo,
  mine: { bytes: Uint8Array; crc32c?: string | undefined },
  signal: AbortSignal,
): Promise<boolean> {
  if (there.sizeBytes !== mine.bytes.length) return false;
  if (there.crc32c !== undefined && mine.crc32c !== undefined) return there.crc32c === mine.crc32c;
  const { bytes } = await store.read(there.name, { signal });
  return Buffer.compare(bytes, mine.bytes) === 0;
}
