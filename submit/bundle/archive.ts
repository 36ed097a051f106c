import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { pack, type Pack } from "tar-stream";

/** One file of the archive: where it lies here, or its text. */
export interface BundleEntry {
  name: string;
  file?: string;
  text?: string;
  executable: boolean;
}

/** All files below a folder, as entries under `prefix`, in any order; `keep` sees paths relative to the folder. */
export async function folderEntries(folder: string, prefix: string, keep: (path: string) => boolean): Promise<BundleEntry[]> {
  const entries: BundleEntry[] = [];
  for (const item of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const file = join(item.parentPath, item.name);
    const path = file.slice(folder.length + 1);
    if (item.isFile() && keep(path)) entries.push({ name: `${prefix}/${path}`, file, executable: false });
  }
  return entries;
}

/** SHA-256 over names, modes and contents, in the order of names: what makes two bundles the same. */
export async function bundleDigest(entries: BundleEntry[]): Promise<string> {
  const whole = createHash("sha256");
  for (const entry of byName(entries)) {
    const content = createHash("sha256");
    if (entry.file === undefined) content.update(entry.text ?? "");
    else await pipeline(createReadStream(entry.file), content);
    whole.update(`${entry.name}\0${entry.executable ? "x" : "-"}\0${content.digest("hex")}\n`);
  }
  return whole.digest("hex");
}

/** A tar.gz whose bytes depend on the entries alone: sorted, no times, no owners. */
export async function writeArchive(entries: BundleEntry[], target: string, signal: AbortSignal): Promise<void> {
  const tar = pack();
  const written = pipeline(tar, createGzip({ level: 6 }), createWriteStream(target), { signal });
  const filled = fill(tar, entries, signal).catch((error: unknown) => {
    tar.destroy(error as Error);
    throw error;
  });
  await Promise.all([written, filled]);
}

async function fill(tar: Pack, entries: BundleEntry[], signal: AbortSignal): Promise<void> {
  const epoch = new Date(0);
  for (const entry of byName(entries)) {
    const size = entry.file === undefined ? Buffer.byteLength(entry.text ?? "") : (await stat(entry.file)).size;
    const slot = tar.entry({ name: entry.name, size, mode: entry.executable ? 0o755 : 0o644, mtime: epoch, uid: 0, gid: 0 });
    const content = entry.file === undefined ? Readable.from([Buffer.from(entry.text ?? "")]) : createReadStream(entry.file);
    await pipeline(content, slot, { signal });
  }
  tar.finalize();
}

function byName(entries: BundleEntry[]): BundleEntry[] {
  return entries.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
