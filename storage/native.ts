import type { ObjectStore } from "./store.ts";

/*
 * What is below a store's wrappers. A copy between two stores of one kind stays inside the service or the file system
 * however they are wrapped; and one that has to read does it from the bare store, since the copy as a whole is already
 * limited and retried: taking a second place in the same queue could wait for itself.
 */

export type Native = { kind: "file"; root: string } | { kind: "gs"; bucket: string; prefix: string; origin: string };

const natives = new WeakMap<ObjectStore, Native>();
const wrapped = new WeakMap<ObjectStore, ObjectStore>();

export function setNative(store: ObjectStore, native: Native): ObjectStore {
  natives.set(store, native);
  return store;
}

export function setWrapped(outer: ObjectStore, inner: ObjectStore): ObjectStore {
  wrapped.set(outer, inner);
  return outer;
}

export function bareOf(store: ObjectStore): ObjectStore {
  let bare = store;
  for (let inner = wrapped.get(bare); inner !== undefined; inner = wrapped.get(bare)) bare = inner;
  return bare;
}

export function nativeOf(store: ObjectStore): Native | undefined {
  return natives.get(bareOf(store));
}
