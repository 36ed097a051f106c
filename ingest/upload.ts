import { compareNames } from "../core/names.ts";
import { spreadOf } from "../core/layout.ts";
import { codeOf, messageOf } from "../core/errors.ts";
import { isStoreError, type ObjectInfo, type ObjectStore } from "../storage/store.ts";
import { nameProblem } from "./message.ts";

export interface UploadOptions {
  from: ObjectStore;
  to: ObjectStore;
  /** How target names are made: as they are, or under a date or two hex digits of a hash. */
  prefix: "none" | "hash" | { date: string };
  /** Uploads at once. */
  concurrency: number;
  maxObjectBytes: number;
  signal: AbortSignal;
  onProgress?: (report: UploadReport) => void;
}

export interface Refused {
  name: string;
  code: "bad_name" | "too_large" | "name_taken" | "unreadable" | "rejected";
  message: string;
}

export interface UploadReport {
  found: number;
  uploaded: number;
  /** There already, with the same size and crc32c. */
  present: number;
  bytes: number;
  refused: Refused[];
}

/**
 * Uploads a folder, create-only. Run again, it uploads what is missing: what is there with equal content is left alone,
 * and a name that holds other content is refused, never replaced.
 */
export async function uploadFolder(options: UploadOptions): Promise<UploadReport> {
  const report: UploadReport = { found: 0, uploaded: 0, present: 0, bytes: 0, refused: [] };
  const workers = new Set<Promise<void>>();
  for await (const page of options.from.list({ signal: options.signal })) {
    const present = await presentIn(options, page.objects);
    for (const object of page.objects) {
      report.found += 1;
      const worker: Promise<void> = uploadOne(object, present, options, report).finally(() => workers.delete(worker));
      workers.add(worker);
      if (workers.size >= options.concurrency) await Promise.race(workers);
      options.onProgress?.(report);
    }
  }
  await Promise.all(workers);
  options.onProgress?.(report);
  return report;
}

function targetName(name: string, prefix: UploadOptions["prefix"]): string {
  if (prefix === "none") return name;
  return prefix === "hash" ? `${spreadOf(name)}/${name}` : `${prefix.date}/${name}`;
}

/** One listing of the target a page of the folder, in place of a request an object; undefined where names scatter. */
async function presentIn({ to, prefix, signal }: UploadOptions, page: ObjectInfo[]): Promise<Map<string, ObjectInfo> | undefined> {
  if (prefix === "hash") return undefined;
  const present = new Map<string, ObjectInfo>();
  const wanted = page.map((object) => targetName(object.name, prefix)).sort(compareNames);
  const first = wanted[0];
  const last = wanted.at(-1);
  if (first === undefined || last === undefined) return present;
  const names = new Set(wanted);
  try {
    for await (const { objects } of to.list({ startOffset: first, endOffset: `${last}\u0001`, signal })) {
      for (const object of objects) if (names.has(object.name)) present.set(object.name, object);
    }
  } catch (error) {
    if (!isStoreError(error, "NOT_FOUND")) throw error;
  }
  return present;
}

async function uploadOne(object: ObjectInfo, present: Map<string, ObjectInfo> | undefined, options: UploadOptions, report: UploadReport): Promise<void> {
  const name = targetName(object.name, options.prefix);
  const refuse = (code: Refused["code"], message: string): void => {
    report.refused.push({ name: object.name, code, message });
  };
  const problem = nameProblem(name);
  if (problem !== undefined) return refuse("bad_name", problem);
  if (object.sizeBytes > options.maxObjectBytes) return refuse("too_large", `${object.sizeBytes} bytes, the limit is ${options.maxObjectBytes}`);
  const read = await readSource(object, options);
  if ("code" in read) return refuse("unreadable", read.message);
  const there = present === undefined ? await options.to.stat(name, { signal: options.signal }) : present.get(name);
  if (there !== undefined) {
    if (await sameContent(there, read, options)) report.present += 1;
    else refuse("name_taken", `${options.to.uri(name)} holds other content`);
    return undefined;
  }
  return create(name, read, options, report, refuse);
}

type Source = { bytes: Uint8Array; crc32c: string };

async function readSource(object: ObjectInfo, { from, signal }: UploadOptions): Promise<Source | { code: string; message: string }> {
  try {
    const { bytes, info } = await from.read(object.name, { signal });
    return { bytes, crc32c: info.crc32c! };
  } catch (error) {
    signal.throwIfAborted();
    return { code: codeOf(error) ?? "UNKNOWN", message: messageOf(error) };
  }
}

async function sameContent(there: ObjectInfo, source: Source, { to, signal }: UploadOptions): Promise<boolean> {
  if (there.sizeBytes !== source.bytes.length) return false;
  if (there.crc32c !== undefined) return there.crc32c === source.crc32c;
  const { info } = await to.read(there.name, { signal });
  return info.crc32c === source.crc32c;
}

async function create(
  name: string,
  source: Source,
  options: UploadOptions,
  report: UploadReport,
  refuse: (code: Refused["code"], message: string) => void,
): Promise<void> {
  try {
    await options.to.write(name, source.bytes, { ifGeneration: "0", durable: true, contentType: contentTypeOf(name), signal: options.signal });
    report.uploaded += 1;
    report.bytes += source.bytes.length;
  } catch (error) {
    if (isStoreError(error, "STORE_FAILED")) return refuse("rejected", messageOf(error));
    if (!isStoreError(error, "PRECONDITION_FAILED")) throw error;
    const there = await options.to.stat(name, { signal: options.signal });
    if (there !== undefined && (await sameContent(there, source, options))) report.present += 1;
    else refuse("name_taken", `${options.to.uri(name)} holds other content`);
  }
  return undefined;
}

const contentTypes: Record<string, string> = {
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  png: "image/png",
  gif: "image/gif",
  webp: "image/webp",
  avif: "image/avif",
  heic: "image/heic",
  tif: "image/tiff",
  tiff: "image/tiff",
  svg: "image/svg+xml",
  bmp: "image/bmp",
};

function contentTypeOf(name: string): string {
  return contentTypes[name.slice(name.lastIndexOf(".") + 1).toLowerCase()] ?? "application/octet-stream";
}
