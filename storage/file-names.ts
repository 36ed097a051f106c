import { isUtf8 } from "node:buffer";
import { dirname } from "node:path";

/*
 * Object names as paths below a folder, injectively, so that a user's folder reads as it looks.
 *
 * - An ordinary name is its own path: no empty, `.` or `..` segment, every segment a possible file name.
 * - A segment on disk that is not UTF-8 (or that begins with the marker) appears in names as `~%` + its bytes,
 *   percent-encoded: a name that spells such a segment is ordinary, too.
 * - Every other name (`../x`, `a/`, a segment over 255 bytes) has its place below `.imagemill/names/`, percent-encoded as
 *   a whole and cut into segments. So has an ordinary name whose path something else occupies (`a` beside `a/b`).
 *
 * "Byte text" is a string with one character for each byte (Latin-1): strings then compare as bytes do, and cost less
 * than buffers.
 */

const marker = "~%";
const reserved = ".imagemill";
export const temporaryFolder = `${reserved}/tmp`;
export const alternateFolder = `${reserved}/names`;
const maxSegmentBytes = 255;
const alternatePieceBytes = 200;

/** Segments that are the store's own: never listed, never taken for an object. */
export function isReserved(segment: string): boolean {
  return segment.startsWith(reserved) && (segment.length === reserved.length || segment[reserved.length] === "-");
}

/** A segment of a name, as UTF-8 byte text, of a segment on disk. */
export function segmentOfDisk(disk: string): string {
  if (isPlainAscii(disk) && !disk.startsWith(marker)) return disk;
  const bytes = Buffer.from(disk, "latin1");
  return isUtf8(bytes) && !disk.startsWith(marker) ? disk : marker + percentEncode(bytes);
}

/** The inverse of `segmentOfDisk`; undefined where no segment on disk has this name. */
export function diskOfSegment(segment: string): string | undefined {
  if (!segment.startsWith(marker)) return segment;
  const disk = percentDecode(segment.slice(marker.length));
  if (disk === undefined || !isPossible(disk) || segmentOfDisk(disk) !== segment) return undefined;
  return disk;
}

/** The path of an ordinary name relative to the root, as byte text; undefined for any other name. */
export function ordinaryPath(name: string): string | undefined {
  const bytes = byteText(name);
  const disk: string[] = [];
  for (const segment of bytes.split("/")) {
    const own = diskOfSegment(segment);
    if (own === undefined || !isPossible(own)) return undefined;
    disk.push(own);
  }
  return disk.join("/");
}

function isPossible(disk: string): boolean {
  if (disk === "" || disk === "." || disk === ".." || disk.length > maxSegmentBytes) return false;
  return !disk.includes("\0") && !disk.includes("/") && !isReserved(disk);
}

/** The name of the object at a relative path on disk. */
export function nameOfPath(path: string): string {
  return nameOfByteText(byteText(path).split("/").map(segmentOfDisk).join("/"));
}

/** Where a name lives that cannot live at its own path. */
export function alternatePath(name: string): string {
  const text = percentEncode(Buffer.from(name));
  const pieces: string[] = [];
  for (let start = 0; start < text.length; start += alternatePieceBytes) pieces.push(text.slice(start, start + alternatePieceBytes));
  // The "+" keeps a folder of one name from being the file of another.
  return [alternateFolder, ...pieces.slice(0, -1).map((piece) => `${piece}+`), pieces.at(-1)!].join("/");
}

/** The inverse of `alternatePath`; undefined for a path that it never gives. */
export function nameOfAlternate(path: string): string | undefined {
  const text = path.slice(alternateFolder.length + 1).replaceAll("+/", "");
  const bytes = percentDecode(text);
  if (bytes === undefined) return undefined;
  const name = nameOfByteText(bytes);
  return alternatePath(name) === path ? name : undefined;
}

export function byteText(text: string): string {
  return isPlainAscii(text) ? text : Buffer.from(text).toString("latin1");
}

export function nameOfByteText(bytes: string): string {
  return isPlainAscii(bytes) ? bytes : Buffer.from(bytes, "latin1").toString("utf8");
}

/** What the file system calls take: text where the bytes are plain, else the bytes themselves. */
export type DiskPath = string | Buffer;

/** `relative` is byte text; empty for the root itself. */
export function diskPath(root: string, relative: string): DiskPath {
  if (isPlainAscii(relative)) return relative === "" ? root : `${root}/${relative}`;
  return Buffer.concat([Buffer.from(`${root}/`), Buffer.from(relative, "latin1")]);
}

export function parentOf(path: DiskPath): DiskPath {
  if (typeof path === "string") return dirname(path);
  return path.subarray(0, Math.max(1, path.lastIndexOf(0x2f)));
}

/** A reserved name in the same folder. */
export function siblingOf(path: DiskPath, suffix: string): DiskPath {
  const own = `/${reserved}-${suffix}`;
  const folder = parentOf(path);
  return typeof folder === "string" ? folder + own : Buffer.concat([folder, Buffer.from(own)]);
}

export function fileUri(path: DiskPath): string {
  if (typeof path === "string" && /^[A-Za-z0-9_.~@/-]*$/.test(path)) return `file://${path}`;
  const bytes = typeof path === "string" ? Buffer.from(path) : path;
  return `file://${percentEncode(bytes, uriPlain)}`;
}

const ascii = /^[\x00-\x7f]*$/;
function isPlainAscii(text: string): boolean {
  return ascii.test(text);
}

const plain = /[A-Za-z0-9_-]/;
const uriPlain = /[A-Za-z0-9_.~!$&'()*+,;=:@/-]/;

function percentEncode(bytes: Uint8Array, keep: RegExp = plain): string {
  let text = "";
  for (const byte of bytes) {
    const character = String.fromCharCode(byte);
    text += keep.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return text;
}

/** As byte text; undefined where a percent sign is not followed by two hex digits. */
function percentDecode(text: string): string | undefined {
  if (/%(?![0-9A-F]{2})/.test(text)) return undefined;
  return text.replace(/%([0-9A-F]{2})/g, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
