import { bareOf } from "./native.ts";
import type { CopySource, ObjectInfo, ObjectStore, WriteOptions } from "./store.ts";

type Content = Pick<ObjectInfo, "contentType" | "metadata"> & { bytes: Uint8Array };

/** A copy by way of this process: between stores of different kinds, or where the bytes are at hand. */
export async function copyBytes(target: ObjectStore, source: CopySource, name: string, options: WriteOptions): Promise<ObjectInfo> {
  const { bytes, contentType, metadata } = await contentOf(target, source, options.signal);
  return target.write(name, bytes, {
    ...(contentType !== undefined && { contentType }),
    ...(metadata !== undefined && { metadata }),
    ...options,
  });
}

async function contentOf(target: ObjectStore, source: CopySource, signal: AbortSignal | undefined): Promise<Content> {
  const passing = signal === undefined ? {} : { signal };
  const store = bareOf(source.store);
  const bytes = source.bytes ?? (await store.read(source.name, { ...passing, generation: source.generation })).bytes;
  if (!target.capabilities.keepsMetadata || !store.capabilities.keepsMetadata) return { bytes };
  const info = await store.stat(source.name, passing);
  return info?.generation === source.generation ? { ...info, bytes } : { bytes };
}
