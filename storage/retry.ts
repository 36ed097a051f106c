import type { Clock, Random } from "../core/clock.ts";
import type { Logger } from "../core/log.ts";
import { compareNames } from "../core/names.ts";
import {
  isStoreError,
  type StoreError,
  type CopySource,
  type ListOptions,
  type ListPage,
  type ObjectInfo,
  type ObjectStore,
  type WriteOptions,
} from "./store.ts";
import { wrapStore } from "./wrap.ts";

export interface RetryOptions {
  /** Tries of one call in all, the first included. */
  attempts: number;
  /** No new try starts later than this after the first. */
  budgetMs?: number;
  /** The wait before try n is random between 0 and min(maxWaitMs, baseWaitMs x 2^(n - 2)), or what the service asked for. */
  baseWaitMs?: number;
  maxWaitMs?: number;
  clock: Clock;
  random: Random;
  log: Logger;
  /** Before the wait for another try; what it throws ends the tries. */
  onRetry?(retry: { op: string; name: string; error: StoreError }): void;
}

/** Where a store keeps metadata, a conditional write carries this, so that it is recognised when its reply was lost. */
export const writeIdKey = "imagemill-write-id";

type Try<T> = (hadUnknown: boolean) => Promise<T>;

/**
 * The only place that retries. UNAVAILABLE and CHECKSUM_MISMATCH are tried again; all else passes at once.
 * A conditional write or copy that fails its precondition after one of its own tries had an unknown result is looked
 * up: if the object is what it wanted to write, it succeeded.
 */
export function withRetry(inner: ObjectStore, options: RetryOptions): ObjectStore {
  const retrying = async <T>(op: string, name: string, signal: AbortSignal | undefined, act: Try<T>): Promise<T> => {
    const budget = budgetOf(options, op, name, signal);
    for (let hadUnknown = false; ; hadUnknown = true) {
      try {
        return await act(hadUnknown);
      } catch (error) {
        await budget.waitAfter(error);
      }
    }
  };

  const stat: ObjectStore["stat"] = async (name, statting = {}) =>
    retrying("stat", name, statting.signal, async () => inner.stat(name, statting));

  const read: ObjectStore["read"] = async (name, reading = {}) =>
    retrying("read", name, reading.signal, async () => inner.read(name, reading));

  const write = async (name: string, bytes: Uint8Array, writing: WriteOptions = {}): Promise<ObjectInfo> => {
    const { ifGeneration, signal } = writing;
    if (ifGeneration === undefined) return retrying("write", name, signal, async () => inner.write(name, bytes, writing));
    const writeId = options.random.hex(8);
    const marked = inner.capabilities.keepsMetadata ? { ...writing, metadata: { ...writing.metadata, [writeIdKey]: writeId } } : writing;
    const own = inner.capabilities.keepsMetadata
      ? async () => ofWriteId(await stat(name, pick(signal)), writeId)
      : async () => ofContent(await readIfThere(read, name, signal), bytes);
    return retrying(
      "write",
      name,
      signal,
      recognising(async () => inner.write(name, bytes, marked), own),
    );
  };

  const copy = async (source: CopySource, name: string, writing: WriteOptions = {}): Promise<ObjectInfo> => {
    const { signal } = writing;
    const own = async (): Promise<ObjectInfo | undefined> => {
      const original = await source.store.read(source.name, { generation: source.generation, ...pick(signal) });
      return ofContent(await readIfThere(read, name, signal), original.bytes);
    };
    const act = async (): Promise<ObjectInfo> => inner.copy(source, name, writing);
    return retrying("copy", name, signal, writing.ifGeneration === undefined ? act : recognising(act, own));
  };

  return wrapStore(inner, {
    list: (listing = {}) => listAgain(inner, options, listing),
    stat,
    read,
    write,
    copy,
    delete: async (name, deleting = {}) =>
      // Not there after a try with an unknown result: that try removed it.
      retrying("delete", name, deleting.signal, async (hadUnknown) => (await inner.delete(name, deleting)) || hadUnknown),
  });
}

function recognising(act: () => Promise<ObjectInfo>, own: () => Promise<ObjectInfo | undefined>): Try<ObjectInfo> {
  return async (hadUnknown) => {
    try {
      return await act();
    } catch (error) {
      if (!hadUnknown || !isStoreError(error, "PRECONDITION_FAILED")) throw error;
      const found = await own();
      if (found === undefined) throw error;
      return found;
    }
  };
}

function ofWriteId(found: ObjectInfo | undefined, writeId: string): ObjectInfo | undefined {
  return found?.metadata?.[writeIdKey] === writeId ? found : undefined;
}

function ofContent(found: ReadObject | undefined, bytes: Uint8Array): ObjectInfo | undefined {
  return found !== undefined && Buffer.compare(found.bytes, bytes) === 0 ? found.info : undefined;
}

interface ReadObject {
  info: ObjectInfo;
  bytes: Uint8Array;
}

async function readIfThere(read: ObjectStore["read"], name: string, signal: AbortSignal | undefined): Promise<ReadObject | undefined> {
  try {
    return await read(name, pick(signal));
  } catch (error) {
    if (isStoreError(error, "NOT_FOUND")) return undefined;
    throw error;
  }
}

function pick(signal: AbortSignal | undefined): { signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}

/** Goes on after the last name that arrived; every page with something new renews the budget. */
async function* listAgain(inner: ObjectStore, options: RetryOptions, listing: ListOptions): AsyncGenerator<ListPage> {
  let last: string | undefined;
  let budget = budgetOf(options, "list", listing.prefix ?? "", listing.signal);
  for (;;) {
    try {
      for await (const page of inner.list(last === undefined ? listing : { ...listing, startOffset: last })) {
        const fresh = last === undefined ? page : after(page, last);
        const reached = lastOf(fresh);
        if (reached === undefined) continue;
        last = reached;
        budget = budgetOf(options, "list", listing.prefix ?? "", listing.signal);
        yield fresh;
      }
      return;
    } catch (error) {
      await budget.waitAfter(error);
    }
  }
}

function after({ objects, prefixes }: ListPage, last: string): ListPage {
  return {
    objects: objects.filter(({ name }) => compareNames(name, last) > 0),
    prefixes: prefixes.filter((prefix) => compareNames(prefix, last) > 0),
  };
}

function lastOf({ objects, prefixes }: ListPage): string | undefined {
  const object = objects.at(-1)?.name;
  const prefix = prefixes.at(-1);
  if (object === undefined || prefix === undefined) return object ?? prefix;
  return compareNames(object, prefix) > 0 ? object : prefix;
}

interface Budget {
  /** Resolves when it is time for the next try; throws the error when there is none. */
  waitAfter(error: unknown): Promise<void>;
}

function budgetOf(options: RetryOptions, op: string, name: string, signal: AbortSignal | undefined): Budget {
  const { attempts, budgetMs = 300_000, baseWaitMs = 200, maxWaitMs = 30_000, clock, random, log } = options;
  const deadlineMs = clock.monotonicMs() + budgetMs;
  let tries = 0;
  return {
    waitAfter: async (error) => {
      tries += 1;
      if (!isRetriable(error) || tries >= attempts) throw error;
      const waitMs = error.retryAfterMs ?? random.next() * Math.min(maxWaitMs, baseWaitMs * 2 ** (tries - 1));
      if (clock.monotonicMs() + waitMs > deadlineMs) throw error;
      options.onRetry?.({ op, name, error });
      log.debug("store.retry", { op, name, tries, waitMs: Math.round(waitMs), code: error.code, message: error.message });
      await clock.sleep(waitMs, signal);
    },
  };
}

function isRetriable(error: unknown): error is StoreError {
  return isStoreError(error, "UNAVAILABLE") || isStoreError(error, "CHECKSUM_MISMATCH");
}
