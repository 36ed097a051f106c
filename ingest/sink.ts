import { messageOf } from "../core/errors.ts";
import { isStoreError, type ObjectStore } from "../storage/store.ts";
import { type ImageMessage, judge, type MessageRules, positionName } from "./message.ts";

export interface SinkOptions {
  bucket: ObjectStore;
  /** Where refused messages go, with the reason. */
  deadLetters: ObjectStore;
  rules: MessageRules;
  signal: AbortSignal;
}

export type Delivery = { what: "stored"; bytes: number } | { what: "known" } | { what: "refused"; reason: string; message: string };

/**
 * Stores one message durably before it resolves, so that its offset may be committed then. Redelivery is harmless:
 * names come from the message and objects are created, never replaced. A name that another message took is refused,
 * not overwritten. Rejects only when a store does not answer.
 */
export async function deliver(message: ImageMessage, options: SinkOptions): Promise<Delivery> {
  const verdict = judge(message, options.rules);
  if (!verdict.accept) return putAside(message, verdict.reason, verdict.message, options);
  const bytes = message.value!;
  try {
    await options.bucket.write(verdict.name, bytes, {
      ifGeneration: "0",
      contentType: verdict.contentType,
      metadata: verdict.metadata,
      durable: true,
      signal: options.signal,
    });
    return { what: "stored", bytes: bytes.length };
  } catch (error) {
    if (isStoreError(error, "PRECONDITION_FAILED")) return existing(message, verdict.name, options);
    if (isStoreError(error, "STORE_FAILED")) return putAside(message, "bad_name", messageOf(error), options);
    throw error;
  }
}

/** Ours from an earlier delivery, or someone else's of the same name. */
async function existing(message: ImageMessage, name: string, options: SinkOptions): Promise<Delivery> {
  const { bytes } = await options.bucket.read(name, { signal: options.signal });
  if (Buffer.compare(bytes, message.value!) === 0) return { what: "known" };
  return putAside(message, "name_taken", `${options.bucket.uri(name)} holds other bytes`, options);
}

async function putAside(message: ImageMessage, reason: string, text: string, options: SinkOptions): Promise<Delivery> {
  const name = positionName(message, "bin");
  const record = {
    reason,
    message: text,
    topic: message.topic,
    partition: message.partition,
    offset: String(message.offset),
    headers: Object.fromEntries(message.headers),
    sizeBytes: message.value?.length ?? 0,
  };
  await createOnce(options, `${name}.json`, Buffer.from(`${JSON.stringify(record)}\n`));
  await createOnce(options, name, message.value ?? new Uint8Array());
  return { what: "refused", reason, message: text };
}

async function createOnce({ deadLetters, signal }: SinkOptions, name: string, bytes: Uint8Array): Promise<void> {
  try {
    await deadLetters.write(name, bytes, { ifGeneration: "0", durable: true, signal });
  } catch (error) {
    if (!isStoreError(error, "PRECONDITION_FAILED")) throw error;
  }
}
