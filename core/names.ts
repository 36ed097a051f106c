import { createHash } from "node:crypto";

/** Escaped names stay below this, so that prefix, variant and generation still fit into GCS's 1,024 bytes. */
const maxEscapedBytes = 700;
/** One segment, with room for `@generation.ext` below the 255 bytes of a file name. */
const maxSegmentBytes = 200;

const plain = /^[A-Za-z0-9_.,=+()[\]!$&';-]$/;

function escapeSegment(segment: string): string {
  if (segment === "") return "%";
  if (segment === "." || segment === "..") return segment.replaceAll(".", "%2E");
  let escaped = "";
  for (const character of segment) {
    if (plain.test(character)) escaped += character;
    else if (character.codePointAt(0)! < 0x80) escaped += percentBytes(character);
    else escaped += /^[\p{L}\p{N}]$/u.test(character) ? character : percentBytes(character);
  }
  return Buffer.byteLength(escaped) > maxSegmentBytes ? shorten(escaped, segment, maxSegmentBytes) : escaped;
}

function percentBytes(character: string): string {
  return [...Buffer.from(character)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join("");
}

/** A UTF-8-safe head + `~` + SHA-256 of the whole. `~` is escaped everywhere else, so this cannot be forged. */
function shorten(escaped: string, whole: string, maxBytes: number): string {
  const tail = `~${createHash("sha256").update(whole).digest("hex")}`;
  const room = maxBytes - tail.length;
  let head = "";
  let bytes = 0;
  for (const unit of escaped.match(/(?:%[0-9A-F]{2})+|./gsu) ?? []) {
    bytes += Buffer.byteLength(unit);
    if (bytes > room) break;
    head += unit;
  }
  return head + tail;
}

/**
 * Maps any object name injectively to one that is safe as an object name and as a relative path:
 * no empty, `.` or `..` segment, no control character, none of `@ ~ % : * ? " < > | \` or space, every segment
 * within 200 bytes and the whole within 700. `/` stays, so that the archive mirrors the source. Since `@` is escaped,
 * `<escaped>@<generation>.<ext>` never collides with a folder of another name.
 * Equal-looking names in different Unicode forms stay different.
 */
export function escapeName(name: string): string {
  const escaped = name.split("/").map(escapeSegment).join("/");
  return Buffer.byteLength(escaped) > maxEscapedBytes ? shorten(escaped.replaceAll("/", "%2F"), name, maxSegmentBytes) : escaped;
}

/** Order of object names everywhere: by their UTF-8 bytes, as GCS lists them. */
export function compareNames(a: string, b: string): number {
  if (a === b) return 0;
  if (isAscii(a) && isAscii(b)) return a < b ? -1 : 1;
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

const ascii = /^[\x00-\x7f]*$/;
function isAscii(text: string): boolean {
  return ascii.test(text);
}

/** For terminals and logs: control characters become visible and harmless. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`);
}

/** For CSV cells: a spreadsheet must not take the text for a formula. */
export function csvSafe(text: string): string {
  return /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
}
