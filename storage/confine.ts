import type { ListOptions, ObjectStore } from "./store.ts";
import { wrapStore } from "./wrap.ts";

/**
 * A bucket seen through a prefix: names stay whole, listings are confined to it. This is how a source is read, so that
 * manifest, rows and ledger call an object by the one name that it has in its bucket.
 */
export function confineList(bucket: ObjectStore, url: string, prefix: string): ObjectStore {
  return wrapStore(bucket, {
    url,
    prefix,
    list: (options: ListOptions = {}) => bucket.list({ ...options, prefix: prefix + (options.prefix ?? "") }),
  });
}
