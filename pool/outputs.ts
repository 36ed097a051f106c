import { archiveNames } from "../core/layout.ts";
import type { OutputRow } from "../core/rows.ts";
import type { ShardEntry } from "../core/types.ts";
import { extensionOf } from "../jobs/formats.ts";
import type { ImageHeader, JobOutput } from "../jobs/job.ts";
import { isStoreError, StoreError, type CopySource, type ObjectInfo, type ObjectStore, type WriteOptions } from "../storage/store.ts";

export interface ArchivePlace {
  archive: ObjectStore;
  runDate: string;
  runId: string;
  durable: boolean;
}

/** An object that is surely there, with its digest. */
type Written = ObjectInfo & { crc32c: string };

export async function writeOutput(
  place: ArchivePlace,
  entry: ShardEntry,
  output: JobOutput & { job: string },
  signal: AbortSignal,
): Promise<OutputRow> {
  const name = archiveNames.output(place, output.job, output.variant, entry, extensionOf(output.format));
  const writing: WriteOptions = { ifGeneration: "0", contentType: output.contentType, durable: place.durable, signal };
  const info = await createOrAdopt(place.archive, name, async () => place.archive.write(name, output.bytes, writing), signal);
  const { width = null, height = null } = output;
  return { ...describe(place.archive, info), job: output.job, variant: output.variant, width, height, format: output.format };
}

/** Undefined when the source object has gone since it was read. */
export async function archiveSource(
  place: ArchivePlace,
  entry: ShardEntry,
  origin: CopySource,
  header: Omit<ImageHeader, "exif">,
  crc32c: string,
  signal: AbortSignal,
): Promise<OutputRow | undefined> {
  const name = archiveNames.source(place, entry, extensionOf(header.format));
  const writing: WriteOptions = { ifGeneration: "0", durable: place.durable, signal };
  const copy = async (): Promise<ObjectInfo> => ({ crc32c, ...(await place.archive.copy(origin, name, writing)) });
  try {
    const info = await createOrAdopt(place.archive, name, copy, signal);
    const { width, height, format } = header;
    return { ...describe(place.archive, info), job: "source", variant: "original", width, height, format };
  } catch (error) {
    if (isStoreError(error, "NOT_FOUND") || isStoreError(error, "CHANGED_WHILE_READ")) return undefined;
    throw error;
  }
}

/** Names are deterministic: what is there is an earlier attempt's, and it is as good; its own digest goes into the row. */
async function createOrAdopt(store: ObjectStore, name: string, create: () => Promise<ObjectInfo>, signal: AbortSignal): Promise<Written> {
  try {
    return withDigest(store, await create());
  } catch (error) {
    if (!isStoreError(error, "PRECONDITION_FAILED")) throw error;
    const there = await store.stat(name, { signal });
    if (there?.crc32c !== undefined) return withDigest(store, there);
    return withDigest(store, (await store.read(name, { signal })).info);
  }
}

function withDigest(store: ObjectStore, info: ObjectInfo): Written {
  if (info.crc32c === undefined) throw new StoreError("STORE_FAILED", `the store gave no crc32c for ${store.uri(info.name)}`);
  return { ...info, crc32c: info.crc32c };
}

function describe(store: ObjectStore, info: Written): Pick<OutputRow, "uri" | "member" | "generation" | "crc32c" | "size_bytes"> {
  return { uri: store.uri(info.name), member: null, generation: info.generation, crc32c: info.crc32c, size_bytes: info.sizeBytes };
}
