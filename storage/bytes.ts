import type { CopySource, ObjectInfo, ObjectStore, WriteOptions } from "./store.ts";

/** A copy by way of this process: between stores of different kinds, or where the bytes are at hand. */
export async function copyBytes(target: ObjectStore, source: CopySource, name: string, options: WriteOptions): Promise<ObjectInfo> {
  const { signal } = options;
  const { info, bytes } = await source.store.read(source.name, { generation: source.generation, ...(signal && { signal }) });
  return target.write(name, bytes, {
    ...(info.contentType !== undefined && { contentType: info.contentType }),
    ...(info.metadata !== undefined && { metadata: info.metadata }),
    ...options,
  });
}
