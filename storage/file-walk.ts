import { opendirSync, statSync, type Dir, type Dirent } from "node:fs";
import { failedWith, fileError } from "./file-errors.ts";
import {
  alternateFolder,
  byteText,
  diskOfSegment,
  diskPath,
  fileUri,
  isReserved,
  nameOfAlternate,
  nameOfByteText,
  ordinaryPath,
  segmentOfDisk,
  type DiskPath,
} from "./file-names.ts";
import type { ListOptions } from "./store.ts";

/** Names are UTF-8 byte text here (see file-names.ts), so that `<` is the order of listings. */
export type Walked =
  | { kind: "object"; name: string; path: DiskPath }
  | { kind: "prefix"; name: string }
  /** Nothing found for a while: a chance to let others run. */
  | { kind: "pause" };

interface Range {
  prefix: string;
  start: string;
  end: string | undefined;
  delimiter: boolean;
}

/**
 * Files below the root in the order of their names, reading only folders that can hold names of the range.
 * Memory: the entries of the folders from the root to the current one.
 */
export function* walk(root: string, options: ListOptions): Generator<Walked> {
  const range: Range = {
    prefix: byteText(options.prefix ?? ""),
    start: byteText(options.startOffset ?? ""),
    end: options.endOffset === undefined ? undefined : byteText(options.endOffset),
    delimiter: options.delimiter !== undefined,
  };
  yield* merge(walkBase(root, range), alternates(root, range));
}

/** Starts in the folder that the prefix names, so that its siblings are never read. */
function* walkBase(root: string, range: Range): Generator<Walked> {
  const base = range.prefix.slice(0, range.prefix.lastIndexOf("/") + 1);
  const path = base === "" ? "" : ordinaryPath(nameOfByteText(base.slice(0, -1)));
  if (path !== undefined) yield* walkFolder(root, path, base, range);
}

/** `folder` is a path, `before` the part of the names that stands for it: "" or ends with "/". */
function* walkFolder(root: string, folder: string, before: string, range: Range): Generator<Walked> {
  for (const entry of entriesOf(root, folder)) {
    const name = before + entry;
    if (range.end !== undefined && name >= range.end) return;
    const isFolder = entry.endsWith("/");
    if (!mayHold(name, isFolder, range)) continue;
    const disk = diskOfSegment(isFolder ? entry.slice(0, -1) : entry)!;
    const path = folder === "" ? disk : `${folder}/${disk}`;
    if (!isFolder) yield { kind: "object", name, path: diskPath(root, path) };
    else if (range.delimiter && name.length > range.prefix.length) yield* prefixOf(root, path, name, range);
    else yield* walkFolder(root, path, name, range);
  }
  yield { kind: "pause" };
}

/** A folder without objects is no prefix: buckets know no empty folders. */
function* prefixOf(root: string, folder: string, name: string, range: Range): Generator<Walked> {
  for (const found of walkFolder(root, folder, name, { ...range, delimiter: false })) {
    if (found.kind !== "object") yield found;
    else {
      yield { kind: "prefix", name };
      return;
    }
  }
}

function mayHold(name: string, isFolder: boolean, { prefix, start }: Range): boolean {
  if (!name.startsWith(prefix) && !(isFolder && prefix.startsWith(name))) return false;
  return name >= start || (isFolder && start.startsWith(name));
}

/** Segments of names, sorted; those of folders end with "/", so that they sort as the names below them do. */
function entriesOf(root: string, folder: string): string[] {
  const entries: string[] = [];
  for (const entry of readFolder(root, folder)) {
    if (isReserved(entry.name)) continue;
    const kind = entry.isSymbolicLink() ? linkKind(root, folder, entry.name) : kindOf(entry);
    if (kind !== "other") entries.push(segmentOfDisk(entry.name) + (kind === "folder" ? "/" : ""));
  }
  return entries.sort();
}

/** Streamed, so that of a folder with a million files only their names are held. */
function* readFolder(root: string, folder: string): Generator<Dirent> {
  const path = diskPath(root, folder);
  const opened = openFolder(path);
  if (opened === undefined) return;
  try {
    for (let entry = opened.readSync(); entry !== null; entry = opened.readSync()) yield entry;
  } catch (error) {
    throw fileError(error, "list the folder", fileUri(path));
  } finally {
    opened.closeSync();
  }
}

function openFolder(path: DiskPath): Dir | undefined {
  try {
    return opendirSync(path, { encoding: "latin1" as BufferEncoding, bufferSize: 512 });
  } catch (error) {
    // Gone meanwhile, or never there: nothing below it. A missing root is for the caller to notice.
    if (failedWith(error, "ENOENT", "ENOTDIR")) return undefined;
    throw fileError(error, "list the folder", fileUri(path));
  }
}

type Kind = "file" | "folder" | "other";

function kindOf(entry: { isFile(): boolean; isDirectory(): boolean }): Kind {
  if (entry.isFile()) return "file";
  return entry.isDirectory() ? "folder" : "other";
}

/** A link to a folder that holds the link itself would never end: it is left out, as a broken link is. */
function linkKind(root: string, folder: string, disk: string): Kind {
  const path = diskPath(root, folder === "" ? disk : `${folder}/${disk}`);
  try {
    const target = statSync(path, { bigint: true });
    const kind = kindOf(target);
    return kind === "folder" && holds(target, root, folder) ? "other" : kind;
  } catch (error) {
    if (failedWith(error, "ENOENT", "ENOTDIR", "ELOOP")) return "other";
    throw fileError(error, "follow the link", fileUri(path));
  }
}

function holds(target: { dev: bigint; ino: bigint }, root: string, folder: string): boolean {
  const segments = folder === "" ? [] : folder.split("/");
  return [0, ...segments.keys().map((index) => index + 1)].some((depth) => {
    const own = statSync(diskPath(root, segments.slice(0, depth).join("/")), { bigint: true });
    return own.dev === target.dev && own.ino === target.ino;
  });
}

/** Names that cannot live at their own path are few: sorted in memory. */
function* alternates(root: string, range: Range): Generator<Walked> {
  const found = new Map<string, Walked>();
  for (const path of alternatePaths(root, alternateFolder)) {
    const plainName = nameOfAlternate(path);
    if (plainName === undefined) continue;
    const name = byteText(plainName);
    if (!mayHold(name, false, range) || (range.end !== undefined && name >= range.end)) continue;
    const cut = range.delimiter ? name.indexOf("/", range.prefix.length) : -1;
    if (cut === -1) found.set(name, { kind: "object", name, path: diskPath(root, path) });
    else found.set(name.slice(0, cut + 1), { kind: "prefix", name: name.slice(0, cut + 1) });
  }
  for (const name of [...found.keys()].sort()) yield found.get(name)!;
}

function* alternatePaths(root: string, folder: string): Generator<string> {
  for (const entry of readFolder(root, folder)) {
    if (entry.isDirectory()) yield* alternatePaths(root, `${folder}/${entry.name}`);
    else yield `${folder}/${entry.name}`;
  }
}

/** Two sorted walks as one; what both find is found once. */
function* merge(main: Iterator<Walked>, side: Iterator<Walked>): Generator<Walked> {
  let other = side.next();
  for (let own = main.next(); own.done !== true; own = main.next()) {
    const found = own.value;
    if (found.kind !== "pause") {
      while (other.done !== true && other.value.kind !== "pause" && other.value.name <= found.name) {
        const same = other.value.name === found.name && other.value.kind === found.kind;
        if (!same) yield other.value;
        other = side.next();
      }
    }
    yield found;
  }
  for (; other.done !== true; other = side.next()) yield other.value;
}
