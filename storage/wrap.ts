import { setWrapped } from "./native.ts";
import type { ListOptions, ListPage, ObjectStore } from "./store.ts";

export type StoreOperation = "list" | "stat" | "read" | "write" | "copy" | "delete";

export interface StoreCall {
  op: StoreOperation;
  /** Of a listing: its prefix. */
  name: string;
  signal: AbortSignal | undefined;
}

/** The same store with some calls replaced. Copies see through it (native.ts). */
export function wrapStore(inner: ObjectStore, overrides: Partial<ObjectStore>): ObjectStore {
  const { url, bucket, prefix, capabilities } = inner;
  const outer: ObjectStore = {
    url,
    bucket,
    prefix,
    capabilities,
    list: (options) => inner.list(options),
    stat: async (name, options) => inner.stat(name, options),
    read: async (name, options) => inner.read(name, options),
    write: async (name, bytes, options) => inner.write(name, bytes, options),
    copy: async (source, name, options) => inner.copy(source, name, options),
    delete: async (name, options) => inner.delete(name, options),
    uri: (name) => inner.uri(name),
    close: async () => inner.close(),
    ...overrides,
  };
  return setWrapped(outer, inner);
}

/** The same store with `around` about each call; fetching a page of a listing is a call. */
export function wrapCalls(inner: ObjectStore, around: <T>(call: StoreCall, act: () => Promise<T>) => Promise<T>): ObjectStore {
  async function* list(options: ListOptions = {}): AsyncGenerator<ListPage> {
    const pages = inner.list(options)[Symbol.asyncIterator]();
    const call: StoreCall = { op: "list", name: options.prefix ?? "", signal: options.signal };
    try {
      for (;;) {
        const next = await around(call, async () => pages.next());
        if (next.done === true) return;
        yield next.value;
      }
    } finally {
      await pages.return?.();
    }
  }

  const call = (op: StoreOperation, name: string, options: { signal?: AbortSignal } | undefined): StoreCall => ({
    op,
    name,
    signal: options?.signal,
  });
  return wrapStore(inner, {
    list,
    stat: async (name, options) => around(call("stat", name, options), async () => inner.stat(name, options)),
    read: async (name, options) => around(call("read", name, options), async () => inner.read(name, options)),
    write: async (name, bytes, options) => around(call("write", name, options), async () => inner.write(name, bytes, options)),
    copy: async (source, name, options) => around(call("copy", name, options), async () => inner.copy(source, name, options)),
    delete: async (name, options) => around(call("delete", name, options), async () => inner.delete(name, options)),
  });
}
