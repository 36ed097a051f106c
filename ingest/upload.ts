import { codeOf, messageOf } from "../core/errors.ts";
import { compareNames } from "../core/names.ts";
import { inParallel } from "../core/parallel.ts";
import { isStoreError, type ObjectInfo, type ObjectStore } from "../storage/store.ts";
import { sameContent } from "./content.ts";
import { createFlight } from "./flight.ts";
import { recognise } from "./format.ts";
import { nameProblem, prefixed, type NamePrefix } from "./names.ts";

export interface UploadOptions {
  from: ObjectStore;
  to: ObjectStore;
  prefix: NamePrefix;
  /** Files at once. */
  concurrency: number;
  /** Bytes of files in memory at once; a larger file goes alone. */
  mostBytes: number;
  maxObjectBytes: number;
  /** Also what is no image that imagemill reads. */
  anyFile: boolean;
  signal: AbortSignal;
  /** After each file. */
  onProgress?: (report: UploadReport) => void;
  onRefused?: (refused: Refused) => void;
}

export type Refusal =
  | "bad_name"
  | "too_large"
  /** Another object has the name. */
  | "name_taken"
  | "unreadable"
  /** The service does not take it, and would not at a second try. */
  | "rejected"
  | "empty"
  | "not_an_image"
  | "unsupported_format";

export interface Refused {
  name: string;
  reason: Refusal;
  message: string;
}

export interface UploadReport {
  files: number;
  /** Of all files. */
  bytes: number;
  uploaded: number;
  uploadedBytes: number;
  /** There already, with equal content. */
  present: number;
  refused: Partial<Record<Refusal, number>>;
}

/** How many files, and their bytes; `onListing` hears of it page by page. */
export async function countFolder(
  from: ObjectStore,
  signal: AbortSignal,
  onListing: (objects: number, bytes: number) => void,
): Promise<{ objects: number; bytes: number }> {
  let [objects, bytes] = [0, 0];
  for await (const page of from.list({ signal })) {
    objects += page.objects.length;
    bytes += page.objects.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    onListing(objects, bytes);
  }
  return { objects, bytes };
}

/**
 * Uploads a folder, create-only. Run again, it uploads what is missing: what is there with equal content is left alone,
 * and a name that holds other content is refused, never replaced. Rejects when the target does not answer.
 */
export async function uploadFolder(options: UploadOptions): Promise<UploadReport> {
  const report: UploadReport = { files: 0, bytes: 0, uploaded: 0, uploadedBytes: 0, present: 0, refused: {} };
  const flight = createFlight({ most: options.concurrency, mostBytes: options.mostBytes });
  await inParallel(filesOf(options), options.concurrency, async ({ file, present }) => {
    // Nothing of a file that is too large is read.
    const tooLarge = file.sizeBytes > options.maxObjectBytes;
    using _room = await flight.enter(tooLarge ? 0 : file.sizeBytes, options.signal);
    const end = await uploadOne(file, present, options);
    count(report, file, end);
    if (typeof end === "object") options.onRefused?.({ name: file.name, ...end });
    options.onProgress?.(report);
  });
  return report;
}

type End = "uploaded" | "present" | { reason: Refusal; message: string };

function count(report: UploadReport, file: ObjectInfo, end: End): void {
  report.files += 1;
  report.bytes += file.sizeBytes;
  if (end === "uploaded") {
    report.uploaded += 1;
    report.uploadedBytes += file.sizeBytes;
  } else if (end === "present") {
    report.present += 1;
  } else {
    report.refused[end.reason] = (report.refused[end.reason] ?? 0) + 1;
  }
}

/** What is at the target under the names of one page; undefined where a request a name is cheaper to ask. */
type Present = Map<string, ObjectInfo> | undefined;

async function* filesOf(options: UploadOptions): AsyncGenerator<{ file: ObjectInfo; present: Present }> {
  for await (const { objects } of options.from.list({ signal: options.signal })) {
    const present = await presentOf(objects, options);
    for (const file of objects) yield { file, present };
  }
}

/** Target pages that are read to save the requests of one page of files. */
const mostPages = 4;

async function presentOf(files: ObjectInfo[], { to, prefix, signal }: UploadOptions): Promise<Present> {
  if (prefix.kind === "hash") return undefined;
  const wanted = files.map(({ name }) => prefixed(name, prefix)).sort(compareNames);
  const [first, last] = [wanted[0], wanted.at(-1)];
  const present = new Map<string, ObjectInfo>();
  if (first === undefined || last === undefined) return present;
  const names = new Set(wanted);
  let pages = 0;
  try {
    for await (const { objects } of to.list({ startOffset: first, endOffset: `${last}\u0001`, signal })) {
      pages += 1;
      if (pages > mostPages) return undefined;
      for (const object of objects) if (names.has(object.name)) present.set(object.name, object);
    }
    return present;
  } catch (error) {
    // A folder that is made by the first write; and who may create in a bucket need not be allowed to list it.
    if (isStoreError(error, "NOT_FOUND")) return present;
    if (isStoreError(error, "PERMISSION_DENIED")) return present;
    throw error;
  }
}

async function uploadOne(file: ObjectInfo, present: Present, options: UploadOptions): Promise<End> {
  const { to, signal, maxObjectBytes } = options;
  const name = prefixed(file.name, options.prefix);
  const problem = nameProblem(name);
  if (problem !== undefined) return { reason: "bad_name", message: problem };
  if (file.sizeBytes > maxObjectBytes) {
    return { reason: "too_large", message: `${file.sizeBytes} bytes; the limit is ${maxObjectBytes}` };
  }
  const there = present === undefined ? await to.stat(name, { signal }) : present.get(name);
  if (there !== undefined && there.sizeBytes !== file.sizeBytes) return nameTaken(to, name);
  const source = await readSource(file, options);
  if ("reason" in source) return source;
  const recognised = recognise(source.bytes);
  if (!recognised.image && !options.anyFile) return { reason: recognised.reason, message: recognised.message };
  if (there !== undefined) return (await sameContent(to, there, source, signal)) ? "present" : nameTaken(to, name);
  return create(name, source, recognised.image ? recognised.contentType : "application/octet-stream", options);
}

function nameTaken(to: ObjectStore, name: string): End {
  return { reason: "name_taken", message: `${to.uri(name)} holds other content` };
}

interface Source {
  bytes: Uint8Array;
  crc32c: string | undefined;
}

async function readSource(file: ObjectInfo, options: UploadOptions): Promise<Source | { reason: "unreadable"; message: string }> {
  try {
    const { bytes, info } = await options.from.read(file.name, { signal: options.signal, maxBytes: options.maxObjectBytes });
    return { bytes, crc32c: info.crc32c };
  } catch (error) {
    options.signal.throwIfAborted();
    return { reason: "unreadable", message: `${codeOf(error) ?? "UNKNOWN"}: ${messageOf(error)}` };
  }
}

async function create(name: string, source: Source, contentType: string, options: UploadOptions): Promise<End> {
  const { to, signal } = options;
  try {
    await to.write(name, source.bytes, { ifGeneration: "0", durable: true, contentType, signal });
    return "uploaded";
  } catch (error) {
    if (isStoreError(error, "STORE_FAILED")) return { reason: "rejected", message: messageOf(error) };
    if (!isStoreError(error, "PRECONDITION_FAILED")) throw error;
    const there = await to.stat(name, { signal });
    return there !== undefined && (await sameContent(to, there, source, signal)) ? "present" : nameTaken(to, name);
  }
}
