import { recognise } from "./format.ts";
import { nameProblem, prefixed, type NamePrefix } from "./names.ts";

/** A Kafka message, as far as ingestion looks at it. */
export interface ImageMessage {
  topic: string;
  partition: number;
  offset: bigint;
  value: Uint8Array | undefined;
  headers: ReadonlyMap<string, string>;
}

export interface MessageRules {
  /** Header that carries the object name; without it the name comes from topic, partition and offset. */
  nameHeader: string | undefined;
  maxBytes: number;
  prefix: NamePrefix;
}

export type RefusalReason = "empty" | "too_large" | "not_an_image" | "unsupported_format" | "bad_name" | "name_taken";

export type Verdict =
  | { accept: true; name: string; nameFrom: "header" | "position"; contentType: string; metadata: Record<string, string> }
  | { accept: false; reason: RefusalReason; message: string };

/** Decides about one message; pure, so that redelivery decides the same. */
export function judge(message: ImageMessage, rules: MessageRules): Verdict {
  const bytes = message.value ?? new Uint8Array();
  if (bytes.length > rules.maxBytes) {
    return { accept: false, reason: "too_large", message: `${bytes.length} bytes; the limit is ${rules.maxBytes}` };
  }
  const recognised = recognise(bytes);
  if (!recognised.image) return { accept: false, reason: recognised.reason, message: recognised.message };
  const own = rules.nameHeader === undefined ? undefined : message.headers.get(rules.nameHeader);
  const name = prefixed(own === undefined || own === "" ? positionName(message, recognised.extension) : own, rules.prefix);
  const problem = nameProblem(name);
  if (problem !== undefined) return { accept: false, reason: "bad_name", message: `header ${rules.nameHeader}: ${problem}` };
  return {
    accept: true,
    name,
    nameFrom: own === undefined || own === "" ? "position" : "header",
    contentType: recognised.contentType,
    metadata: metadataOf(message),
  };
}

/** `<topic>/<partition>/<offset, zero-padded so that names sort as the log does>.<ext>` */
export function positionName({ topic, partition, offset }: ImageMessage, extension: string): string {
  return `${topic}/${partition}/${String(offset).padStart(16, "0")}.${extension}`;
}

/** Cloud Storage allows 8 KiB of keys and values in all; ours and those of the store fit into the rest. */
const mostHeaderBytes = 6000;

/** Headers become object metadata: keys as services take them, values in ASCII, the rest percent-encoded. */
function metadataOf({ topic, partition, offset, headers }: ImageMessage): Record<string, string> {
  const metadata: Record<string, string> = {};
  let room = mostHeaderBytes;
  for (const [key, value] of headers) {
    const safeKey = metadataKey(key);
    const safeValue = value.replace(/[^\u0020-\u007e]+/g, (characters) => encodeURIComponent(characters.toWellFormed()));
    if (safeKey === "" || safeKey.length + safeValue.length > room) continue;
    room -= safeKey.length + safeValue.length;
    metadata[safeKey] = safeValue;
  }
  return { ...metadata, "kafka-topic": topic, "kafka-partition": String(partition), "kafka-offset": String(offset) };
}

/** A header does not pass for what imagemill writes itself. */
function metadataKey(header: string): string {
  const key = header.toLowerCase().replace(/[^a-z0-9_-]/g, "-");
  return /^(kafka|imagemill)-/.test(key) || key.startsWith("goog") ? `header-${key}` : key;
}
