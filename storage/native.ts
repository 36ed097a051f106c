import type { ObjectStore } from "./store.ts";

/**
 * What is below a store's wrappers, so that a copy between two stores of one kind can stay inside the service or the
 * file system however they are wrapped.
 */
export type Native = { kind: "file"; root: string } | { kind: "gs"; bucket: string; prefix: string; endpoint: string | undefined };

const natives = new WeakMap<ObjectStore, Native>();

export function setNative<S extends ObjectStore>(store: S, native: Native): S {
  natives.set(store, native);
  return store;
}

export function nativeOf(store: ObjectStore): Native | undefined {
  return natives.get(store);
}

/** A wrapper stands where the wrapped store stands. */
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
  const native = natives.get(inner);
  return native === undefined ? outer : setNative(outer, native);
}
