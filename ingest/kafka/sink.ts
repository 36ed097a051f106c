import { codeOf, messageOf } from "../../core/errors.ts";
import { crc32cBase64 } from "../../storage/checksum.ts";
import { isStoreError, type ObjectStore, type WriteOptions } from "../../storage/store.ts";
import { sameContent } from "../content.ts";
import { deadLetter, judge, positionName, type Born, type Dead, type DeadReason, type ImageMessage, type MessageRules } from "./message.ts";

export type Taken =
  | { end: "created"; name: string; bytes: number }
  /** An earlier delivery had brought it, or another message with equal content and name. */
  | { end: "present"; name: string }
  | { end: "dead"; reason: DeadReason; message: string; uri: string };

/**
 * Where messages end. When `take` resolves, what the message carries is durable, as an object or as a dead letter; taking
 * the same message again changes nothing and resolves likewise. Of messages that share a name the first one taken gets it,
 * however many are taken at once. It rejects when the place does not answer or does not
 * let us in: nothing is known of the message then.
 */
export interface Sink {
  take(message: ImageMessage, signal: AbortSignal): Promise<Taken>;
}

export interface SinkPlaces {
  to: ObjectStore;
  deadLetters: ObjectStore;
  rules: MessageRules;
}

export function objectSink({ to, deadLetters, rules }: SinkPlaces): Sink {
  const bury = async (message: ImageMessage, dead: Dead, signal: AbortSignal): Promise<Taken> => {
    const name = positionName(message);
    const bytes = message.value;
    const record = deadLetter(message, dead);
    const metadata = { "kafka-topic": message.topic, "kafka-partition": String(message.partition), "kafka-offset": String(message.offset) };
    const kept: WriteOptions = { ...asNew(signal), metadata: { ...metadata, reason: dead.reason } };
    if (bytes !== undefined && bytes.length > 0) {
      await createOnce(deadLetters, `${name}.bin`, bytes, { ...kept, contentType: "application/octet-stream" });
    }
    // Last: where the sidecar is, all of the dead letter is.
    const sidecar = Buffer.from(`${JSON.stringify(record, undefined, 2)}\n`);
    await createOnce(deadLetters, `${name}.json`, sidecar, { ...kept, contentType: "application/json" });
    return { end: "dead", ...dead, uri: deadLetters.uri(`${name}.json`) };
  };

  const create = async (message: ImageMessage, { name, contentType, metadata }: Born, signal: AbortSignal): Promise<Taken> => {
    const bytes = message.value!;
    try {
      await to.write(name, bytes, { ...asNew(signal), contentType, metadata });
      return { end: "created", name, bytes: bytes.length };
    } catch (error) {
      if (isStoreError(error, "STORE_FAILED")) {
        return bury(message, { reason: "rejected", message: `${codeOf(error)!}: ${messageOf(error)}` }, signal);
      }
      if (!isStoreError(error, "PRECONDITION_FAILED")) throw error;
    }
    if (await holds(to, name, bytes, signal)) return { end: "present", name };
    return bury(message, { reason: "name_taken", message: `${to.uri(name)} holds other content` }, signal);
  };

  const inTurn = createTurns();
  return {
    take: async (message, signal) => {
      const verdict = judge(message, rules);
      if ("reason" in verdict) return bury(message, verdict, signal);
      return inTurn(verdict.name, async () => create(message, verdict, signal));
    },
  };
}

/** What has the same key is done one after the other, in the order of the calls: the first message of a name gets it. */
function createTurns(): <T>(key: string, act: () => Promise<T>) => Promise<T> {
  const last = new Map<string, Promise<unknown>>();
  return async (key, act) => {
    const turn = (last.get(key) ?? Promise.resolve()).then(act, act);
    last.set(key, turn);
    try {
      return await turn;
    } finally {
      if (last.get(key) === turn) last.delete(key);
    }
  };
}

function asNew(signal: AbortSignal): WriteOptions {
  return { ifGeneration: "0", durable: true, signal };
}

/** What is there already is of an earlier delivery of the same message: its name is the message's alone. */
async function createOnce(store: ObjectStore, name: string, bytes: Uint8Array, options: WriteOptions): Promise<void> {
  try {
    await store.write(name, bytes, options);
  } catch (error) {
    if (!isStoreError(error, "PRECONDITION_FAILED")) throw error;
  }
}

async function holds(store: ObjectStore, name: string, bytes: Uint8Array, signal: AbortSignal): Promise<boolean> {
  const there = await store.stat(name, { signal });
  return there !== undefined && sameContent(store, there, { bytes, crc32c: crc32cBase64(bytes) }, signal);
}
