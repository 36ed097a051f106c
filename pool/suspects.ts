import type { Logger } from "../core/log.ts";
import { messageOf } from "../core/errors.ts";
import { controlNames } from "../core/layout.ts";
import type { ShardEntry } from "../core/types.ts";
import { jsonBytes, readJson } from "../storage/objects.ts";
import { isStoreError, StoreError, type ObjectStore } from "../storage/store.ts";

/** `attempts/<shard>/<attempt>/in-flight.json` */
export interface InFlightFile {
  format: 1;
  images: { name: string; generation: string }[];
}

/** More are not tried alone: a machine that died took a few images with it, not a shard. */
const maxSuspects = 256;

/**
 * Which entries were in flight when an earlier attempt at this shard ended without a word. Files that cannot be read
 * mean no suspects, not a failure: they only save time.
 */
export async function suspectsOf(
  control: ObjectStore,
  runId: string,
  shard: string,
  entries: ShardEntry[],
  log: Logger,
  signal: AbortSignal,
): Promise<number[]> {
  try {
    const files = await inFlightFiles(control, runId, shard, signal);
    if (files.length === 0) return [];
    const found = await Promise.all(files.map(async (name) => readJson<InFlightFile>(control, name, signal)));
    const suspected = new Set(found.flatMap((file) => file?.images ?? []).map(({ name, generation }) => `${generation} ${name}`));
    const indexes = entries.flatMap(({ name, generation }, index) => (suspected.has(`${generation} ${name}`) ? index : []));
    return indexes.slice(0, maxSuspects);
  } catch (error) {
    signal.throwIfAborted();
    log.warn("in-flight-unread", { shard, message: messageOf(error) });
    return [];
  }
}

async function inFlightFiles(control: ObjectStore, runId: string, shard: string, signal: AbortSignal): Promise<string[]> {
  const names: string[] = [];
  for await (const page of control.list({ prefix: controlNames.attempts(runId, shard), signal })) {
    for (const { name } of page.objects) if (name.endsWith("/in-flight.json")) names.push(name);
  }
  return names;
}

/** Never rejects: the run does not depend on it. */
export interface InFlightWriter {
  /** Stores the entries when they differ from the last time. */
  store(entries: ShardEntry[]): Promise<void>;
  /** The attempt ends in order: nobody is suspect, and nothing is stored any more. */
  clear(): Promise<void>;
}

/** A worker that was told to stop waits for its last note no longer. */
const farewellMs = 1500;

/** Until `signal` aborts; the last note has a moment more. */
export function createInFlightWriter(control: ObjectStore, name: string, log: Logger, signal: AbortSignal): InFlightWriter {
  let stored = "[]";
  let closed = false;
  let writing: Promise<void> = Promise.resolve();

  const write = async (images: InFlightFile["images"], until: AbortSignal): Promise<void> => {
    const text = JSON.stringify(images);
    if (text === stored) return;
    try {
      await control.write(name, jsonBytes({ format: 1, images } satisfies InFlightFile), {
        durable: true,
        contentType: "application/json",
        signal: until,
      });
      stored = text;
    } catch (error) {
      if (until.aborted) return;
      if (!(error instanceof StoreError)) throw error;
      // Replacing an object takes a permission (delete) that a worker may lack.
      closed ||= isStoreError(error, "PERMISSION_DENIED");
      log.warn("in-flight-not-stored", { message: error.message, code: error.code });
    }
  };
  const enqueue = async (images: InFlightFile["images"], until: AbortSignal): Promise<void> => {
    writing = writing.then(async () => write(images, until));
    return writing;
  };

  return {
    store: async (entries) => {
      if (closed) return;
      const images = entries.map((entry) => ({ name: entry.name, generation: entry.generation }));
      await enqueue(images, signal);
    },
    clear: async () => {
      if (closed) return;
      closed = true;
      await enqueue([], AbortSignal.timeout(farewellMs));
    },
  };
}
