import type { Clock, Random } from "../core/clock.ts";
import type { Logger } from "../core/log.ts";
import { confineList } from "./confine.ts";
import { fileStore } from "./file.ts";
import { withLimit } from "./limit.ts";
import { memoryStore } from "./memory.ts";
import { withRetry, type RetryOptions } from "./retry.ts";
import type { ObjectStore } from "./store.ts";
import { withTrace } from "./trace.ts";
import { parseStoreUrl, type StoreUrl } from "./url.ts";

export { parseStoreUrl, type StoreUrl } from "./url.ts";

export interface StoreContext {
  /** Tries of one call, the first included. */
  attempts: number;
  /** No new try of a call starts later than this after its first. Default: five minutes. */
  budgetMs?: number;
  onRetry?: NonNullable<RetryOptions["onRetry"]>;
  /** Calls to one store at the same time. */
  concurrency: number;
  /** Where Cloud Storage answers, if not at its usual address: `http://127.0.0.1:4443` or `host:port`. */
  endpoint?: string;
  log: Logger;
  clock: Clock;
  random: Random;
}

/** What `memory://id` names is the same for the whole life of the process. */
const memoryStores = new Map<string, ObjectStore>();

/**
 * The store at a location, with retries around a limit around the store itself: a call that waits for its next try
 * holds no slot, and the limit sees every overload answer.
 */
export async function openStore(location: string, context: StoreContext): Promise<ObjectStore> {
  const parsed = parseStoreUrl(location);
  if (parsed.kind === "list") {
    // Loaded only where it is needed. What it opens has retries and limits of its own.
    const { uriListStore } = await import("./uri-list.ts");
    return uriListStore(parsed, async (url) => openStore(url, context));
  }
  const store = await openBare(parsed, context);
  const traced = context.log.level === "debug" ? withTrace(store, context) : store;
  return withRetry(withLimit(traced, context), context);
}

/** As `openStore`, for a source: its objects are called by their names in the bucket, the prefix included. */
export async function openSource(location: string, context: StoreContext): Promise<ObjectStore> {
  const parsed = parseStoreUrl(location);
  if (parsed.kind !== "gs" || parsed.prefix === "") return openStore(location, context);
  return confineList(await openStore(`gs://${parsed.bucket}`, context), parsed.url, parsed.prefix);
}

async function openBare(parsed: Exclude<StoreUrl, { kind: "list" }>, context: StoreContext): Promise<ObjectStore> {
  if (parsed.kind === "file") return fileStore(parsed.path, context);
  if (parsed.kind === "memory") return memoryOf(parsed.id, parsed.url);
  // Loaded only where it is needed: Google's client takes a third of a second to start.
  const { gcsStore } = await import("./gcs.ts");
  return gcsStore({ ...context, bucket: parsed.bucket, prefix: parsed.prefix });
}

function memoryOf(id: string, url: string): ObjectStore {
  const known = memoryStores.get(id);
  if (known !== undefined) return known;
  const store = memoryStore({ url });
  memoryStores.set(id, store);
  return store;
}
