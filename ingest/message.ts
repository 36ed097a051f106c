import { spreadOf } from "../core/layout.ts";

/** A Kafka message, as far as ingestion looks at it. */
export interface ImageMessage {
  topic: string;
  partition: number;
  offset: bigint;
  value: Uint8Array | null;
  headers: ReadonlyMap<string, string>;
}

export interface MessageRules {
  /** Header that carries the object name; absent or empty = the name comes from topic, partition and offset. */
  nameHeader: string;
  maxBytes: number;
  /** Puts two hex digits of a hash in front, for write rates that one prefix does not carry. */
  spread: boolean;
}

export type Verdict =
  | { accept: true; name: string; contentType: string; metadata: Record<string, string> }
  | { accept: false; reason: "no_value" | "too_large" | "not_an_image" | "bad_name"; message: string };

/** Decides about one message; pure, so that redelivery decides the same. */
export function judge(message: ImageMessage, rules: MessageRules): Verdict {
  const bytes = message.value;
  if (bytes === null || bytes.length === 0) return refuse("no_value", "the message carries no bytes");
  if (bytes.length > rules.maxBytes) return refuse("too_large", `${bytes.length} bytes, more than the limit of ${rules.maxBytes}`);
  const kind = imageKind(bytes);
  if (kind === undefined) return refuse("not_an_image", `the first bytes are no image: ${hexHead(bytes)}`);
  const own = message.headers.get(rules.nameHeader) ?? "";
  const problem = own === "" ? undefined : nameProblem(own);
  if (problem !== undefined) return refuse("bad_name", `header ${rules.nameHeader}: ${problem}`);
  const name = own === "" ? positionName(message, kind.extension) : own;
  return {
    accept: true,
    name: rules.spread ? `${spreadOf(name)}/${name}` : name,
    contentType: kind.contentType,
    metadata: metadataOf(message),
  };
}

function refuse(reason: Extract<Verdict, { accept: false }>["reason"], message: string): Verdict {
  return { accept: false, reason, message };
}

/** `<topic>/<partition>/<offset, zero-padded so that names sort as the log does>.<ext>` */
export function positionName(message: ImageMessage, extension: string): string {
  return `${message.topic}/${message.partition}/${String(message.offset).padStart(16, "0")}.${extension}`;
}

/** What keeps a text from being a GCS object name, if anything. */
export function nameProblem(name: string): string | undefined {
  if (name === "") return "an object name is not empty";
  if (Buffer.byteLength(name) > 1024) return "an object name has at most 1,024 bytes";
  if (/[\r\n]/.test(name)) return "an object name has no line break";
  if (name === "." || name === "..") return "`.` and `..` are no object names";
  if (name.startsWith(".well-known/acme-challenge/")) return "this prefix is reserved";
  if (!name.isWellFormed()) return "an object name is valid Unicode";
  return undefined;
}

/** Headers become object metadata: keys as GCS takes them, values bounded (GCS allows 8 KiB in all). */
function metadataOf(message: ImageMessage): Record<string, string> {
  const metadata: Record<string, string> = {
    "kafka-topic": message.topic,
    "kafka-partition": String(message.partition),
    "kafka-offset": String(message.offset),
  };
  let room = 6000;
  for (const [key, value] of message.headers) {
    const safeKey = `header-${key.toLowerCase().replace(/[^a-z0-9_-]/g, "-")}`;
    const safeValue = value.replace(/[^\u0020-\u007e]/g, (character) => encodeURIComponent(character.toWellFormed()));
    room -= safeKey.length + safeValue.length;
    if (room < 0) break;
    metadata[safeKey] = safeValue;
  }
  return metadata;
}

interface ImageKind {
  extension: string;
  contentType: string;
}

/** The formats that an ingestion bucket is for; whether one decodes is the batch's to find out. */
const magics: [match: (bytes: Uint8Array) => boolean, kind: ImageKind][] = [
  [starts([0xff, 0xd8, 0xff]), { extension: "jpg", contentType: "image/jpeg" }],
  [starts([0x89, 0x50, 0x4e, 0x47]), { extension: "png", contentType: "image/png" }],
  [starts([0x47, 0x49, 0x46, 0x38]), { extension: "gif", contentType: "image/gif" }],
  [(bytes) => text(bytes, 0, 4) === "RIFF" && text(bytes, 8, 12) === "WEBP", { extension: "webp", contentType: "image/webp" }],
  [starts([0x49, 0x49, 0x2a, 0x00]), { extension: "tif", contentType: "image/tiff" }],
  [starts([0x4d, 0x4d, 0x00, 0x2a]), { extension: "tif", contentType: "image/tiff" }],
  [(bytes) => /^(avif|avis)$/.test(brand(bytes)), { extension: "avif", contentType: "image/avif" }],
  [(bytes) => /^(heic|heix|hevc|heim|mif1|msf1)$/.test(brand(bytes)), { extension: "heic", contentType: "image/heic" }],
];

function starts(head: number[]): (bytes: Uint8Array) => boolean {
  return (bytes) => head.every((byte, index) => bytes[index] === byte);
}

function text(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.subarray(start, end)).toString("latin1");
}

function brand(bytes: Uint8Array): string {
  return text(bytes, 4, 8) === "ftyp" ? text(bytes, 8, 12) : "";
}

function imageKind(bytes: Uint8Array): ImageKind | undefined {
  return magics.find(([match]) => match(bytes))?.[1];
}

function hexHead(bytes: Uint8Array): string {
  return Buffer.from(bytes.subarray(0, 8)).toString("hex");
}
