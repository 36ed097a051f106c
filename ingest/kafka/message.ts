import { spreadOf } from "../../core/layout.ts";
import { printable } from "../../core/names.ts";
import { recognise } from "../format.ts";
import { nameProblem } from "../names.ts";

/** A Kafka message as it was fetched. */
export interface ImageMessage {
  topic: string;
  partition: number;
  offset: bigint;
  /** Milliseconds since the epoch. */
  timestampMs: number;
  key: Uint8Array | undefined;
  /** Absent: a tombstone. */
  value: Uint8Array | undefined;
  /** In the producer's order; a name may come twice. */
  headers: [name: string, value: Uint8Array | undefined][];
}

export interface MessageRules {
  /** The header that carries the object's name; a message without it is named by topic, partition and offset. */
  nameHeader?: string;
  maxObjectBytes: number;
  /** Two hex digits of a hash in front of each name, for write rates that one prefix does not carry. */
  spread: boolean;
}

export type DeadReason =
  /** No value at all: what compaction takes for "deleted". */
  | "tombstone"
  | "empty"
  | "not_an_image"
  | "unsupported_format"
  | "too_large"
  /** The header's name is none that an object may safely have. */
  | "bad_name"
  /** Another object has the name. */
  | "name_taken"
  /** The service does not take the object, and would not at a second try. */
  | "rejected";

export interface Dead {
  reason: DeadReason;
  message: string;
}

/** What becomes of a message: an object, or a dead letter. */
/** The object that a message becomes. */
export interface Born {
  name: string;
  contentType: string;
  metadata: Record<string, string>;
}

export type Verdict = Born | Dead;

/** Pure, so that a message that is delivered twice is judged the same twice. */
export function judge(message: ImageMessage, rules: MessageRules): Verdict {
  const { value } = message;
  if (value === undefined) return { reason: "tombstone", message: "the message has no value" };
  const recognised = recognise(value);
  if (!recognised.image) return { reason: recognised.reason, message: recognised.message };
  if (value.length > rules.maxObjectBytes) {
    return { reason: "too_large", message: `${value.length} bytes; the limit is ${rules.maxObjectBytes}` };
  }
  const own = nameOf(message, rules);
  const problem = own === undefined ? undefined : headerNameProblem(own);
  if (problem !== undefined) return { reason: "bad_name", message: `the header ${rules.nameHeader!} is no safe name: ${problem}` };
  const name = own ?? `${positionName(message)}.${recognised.extension}`;
  return {
    name: rules.spread ? `${spreadOf(name)}/${name}` : name,
    contentType: recognised.contentType,
    metadata: metadataOf(message),
  };
}

function nameOf({ headers }: ImageMessage, { nameHeader }: MessageRules): string | undefined {
  if (nameHeader === undefined) return undefined;
  const value = headers.findLast(([name]) => name === nameHeader)?.[1];
  return value === undefined || value.length === 0 ? undefined : textOf(value);
}

/** Digits of the longest offset: names sort as the log does. */
const offsetDigits = 19;

/** Where a message lies, as a name: no other message has it. */
export function positionName({ topic, partition, offset }: Pick<ImageMessage, "topic" | "partition" | "offset">): string {
  return `${topic}/${partition}/${String(offset).padStart(offsetDigits, "0")}`;
}

/** Room for what goes in front. */
const longestNameBytes = 900;

/**
 * Whoever may produce to the topic chooses this name: what is a step in a path or invisible on a screen is refused, though
 * a bucket would take it.
 */
function headerNameProblem(name: string): string | undefined {
  const problem = nameProblem(name);
  if (problem !== undefined) return problem;
  if (Buffer.byteLength(name) > longestNameBytes) return `it has more than ${longestNameBytes} bytes`;
  if (name.includes("\ufffd")) return "it is not UTF-8";
  if (printable(name) !== name) return "it has control characters";
  if (name.includes("\\")) return "it has a backslash";
  const segments = name.split("/");
  if (segments.some((segment) => segment === "." || segment === "..")) return "it has a step (`.` or `..`)";
  return segments.includes("") ? "it has an empty segment (a slash at its start or end, or two in a row)" : undefined;
}

/** Cloud Storage takes 8 KiB of metadata an object; ours and the write id need little of it. */
const mostHeaderBytes = 4096;
const longestValueBytes = 1024;

/** `kafka-…` says where the object comes from, `kafka-header-…` what the producer said of it. Printable ASCII throughout. */
function metadataOf(message: ImageMessage): Record<string, string> {
  const { topic, partition, offset, timestampMs, key, headers } = message;
  const metadata: Record<string, string> = {
    "kafka-topic": topic,
    "kafka-partition": String(partition),
    "kafka-offset": String(offset),
    "kafka-timestamp": instantOf(timestampMs),
  };
  let room = mostHeaderBytes;
  let dropped = 0;
  const add = (name: string, value: Uint8Array): void => {
    const text = asciiText(value);
    const cost = name.length + text.length;
    // Never a part of a value: half an id is a wrong id.
    if (text.length > longestValueBytes || cost > room) {
      dropped += 1;
      return;
    }
    room -= cost;
    metadata[name] = text;
  };
  if (key !== undefined && key.length > 0) add("kafka-key", key);
  for (const [name, value] of headers) add(`kafka-header-${metadataKey(name)}`, value ?? new Uint8Array());
  if (dropped > 0) metadata["kafka-headers-dropped"] = String(dropped);
  return metadata;
}

/** A producer may set any time, also one that no date has. */
function instantOf(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? String(ms) : date.toISOString();
}

function metadataKey(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^a-z0-9_-]/g, "-")
    .slice(0, 100);
}

/** UTF-8 with all that is no printable ASCII as `%XX`; bytes that are no UTF-8 as hex. */
function asciiText(bytes: Uint8Array): string {
  const text = textOf(bytes);
  if (text.includes("\ufffd")) return `0x${Buffer.from(bytes).toString("hex")}`;
  return text.replace(/[^\x20-\x7e]|%/gu, (character) => encodeURIComponent(character));
}

export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
}

/** What the sidecar of a dead letter says; the same at every delivery. */
export function deadLetter(message: ImageMessage, dead: Dead): Record<string, unknown> {
  const { topic, partition, offset, timestampMs, value } = message;
  const { "kafka-topic": _t, "kafka-partition": _p, "kafka-offset": _o, "kafka-timestamp": _s, ...said } = metadataOf(message);
  return {
    topic,
    partition,
    offset: String(offset),
    timestamp: instantOf(timestampMs),
    reason: dead.reason,
    message: printable(dead.message),
    bytes: value?.length ?? 0,
    said,
  };
}
