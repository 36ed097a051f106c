import type { ObjectStore } from "../../storage/store.ts";

/** Counts calls that change a store, and listings. */
export function counting(calls: string[]): (store: ObjectStore, url: string) => ObjectStore {
  return (store, url) => ({
    ...store,
    list: (options) => {
      calls.push(`list ${url} ${options?.prefix ?? ""}`);
      return store.list(options);
    },
    write: async (name, bytes, options) => {
      calls.push(`write ${name}`);
      return store.write(name, bytes, options);
    },
    copy: async (source, name, options) => {
      calls.push(`copy ${name}`);
      return store.copy(source, name, options);
    },
    delete: async (name, options) => {
      calls.push(`delete ${name}`);
      return store.delete(name, options);
    },
  });
}
