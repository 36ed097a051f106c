import { homedir } from "node:os";
import { basename, dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { messageOf, usageError } from "../core/errors.ts";
import { printable } from "../core/names.ts";
import { fileUri, nameOfPath } from "./file-names.ts";

export type StoreUrl =
  | { kind: "file"; url: string; path: string }
  /** `prefix` is "" or ends with "/". */
  | { kind: "gs"; url: string; bucket: string; prefix: string }
  | { kind: "memory"; url: string; id: string }
  /** A file that lists URIs, and where it is. */
  | { kind: "list"; url: string; folder: string; name: string; format: ListFormat; path?: string };

export type ListFormat = "csv" | "ndjson" | "parquet";

/**
 * A plain path, `file:///…`, `gs://bucket[/prefix]` or `memory://id`; `url` in its one normal form, without a trailing
 * slash. A relative path is taken from `cwd`; `~/` is the home folder, which no shell fills in inside a config file.
 * What ends in `.csv`, `.ndjson`, `.jsonl` or `.parquet` is a list of URIs.
 */
export function parseStoreUrl(text: string, cwd: string = process.cwd()): StoreUrl {
  const place = parsePlace(text, cwd);
  return listAt(place) ?? place;
}

const listNames = /\.(?:(csv)|(ndjson|jsonl)|(parquet))(?:\.gz)?$/i;

function listAt(place: StoreUrl): StoreUrl | undefined {
  const match = listNames.exec(place.url);
  if (match === null || place.kind === "memory" || place.kind === "list") return undefined;
  const format: ListFormat = match[1] !== undefined ? "csv" : match[2] !== undefined ? "ndjson" : "parquet";
  if (place.kind === "gs") {
    const cut = place.url.lastIndexOf("/");
    if (cut < "gs://".length) return undefined;
    return { kind: "list", url: place.url, folder: place.url.slice(0, cut), name: place.url.slice(cut + 1), format };
  }
  const { path, url } = place;
  return { kind: "list", url, folder: fileUri(dirname(path)), name: nameOfPath(basename(path)), format, path };
}

function parsePlace(text: string, cwd: string): StoreUrl {
  if (text.trim() === "") throw usageError("the location is empty", examples);
  if (/\p{Cc}/u.test(text)) throw usageError(`"${printable(text)}" holds a control character`, examples);
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]+):/.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined)
    return fileAt(
      resolve(
        cwd,
        text.replace(/^~(?=\/|$)/, () => homedir()),
      ),
    );
  const rest = text.slice(scheme.length + 1);
  if (scheme === "file") return parseFile(text, rest);
  if (scheme === "gs") return parseBucket(text, rest);
  if (scheme === "memory") return parseMemory(text, rest);
  throw unknownScheme(text, scheme, rest);
}

const examples = "A location is a folder (photos, /data/photos, file:///data/photos) or a bucket (gs://bucket/prefix).";

function fileAt(path: string): StoreUrl {
  return { kind: "file", url: fileUri(path).replace(/\/$/, ""), path };
}

function parseFile(text: string, rest: string): StoreUrl {
  try {
    return fileAt(resolve(fileURLToPath(`file:${rest}`)));
  } catch (error) {
    throw usageError(`"${text}" is not a file URL: ${messageOf(error)}`, `Write three slashes: file:///${rest.replace(/^\/+/, "")}`);
  }
}

const bucketName = /^[a-z0-9][a-z0-9_.-]{1,220}[a-z0-9]$/;

function parseBucket(text: string, rest: string): StoreUrl {
  if (!/^\/\/[^/]/.test(rest))
    throw usageError(`"${text}" names no bucket`, `Did you mean gs://${rest.replace(/^\/+/, "") || "bucket/prefix"}?`);
  const [bucket, ...segments] = rest.slice(2).split("/");
  if (!bucketName.test(bucket!)) {
    throw usageError(
      `"${bucket}" cannot be the name of a bucket`,
      "Bucket names have 3 to 222 lower-case letters, digits, dots, dashes and underscores.",
    );
  }
  const prefix = segments.join("/").replace(/\/+$/, "");
  if (/[*?[\]{}]/.test(prefix))
    throw usageError(`"${text}" holds a pattern`, "Patterns go into select.include; the location is what comes before.");
  return {
    kind: "gs",
    bucket: bucket!,
    prefix: prefix === "" ? "" : `${prefix}/`,
    url: `gs://${bucket}${prefix === "" ? "" : `/${prefix}`}`,
  };
}

function parseMemory(text: string, rest: string): StoreUrl {
  const id = /^\/\/([A-Za-z0-9_/-]+?)\/*$/.exec(rest)?.[1];
  if (id === undefined) throw usageError(`"${text}" names no store`, "Write memory:// and a name of letters and digits.");
  return { kind: "memory", id, url: `memory://${id}` };
}

const bucketPages =
  /^\/\/(?:storage\.googleapis\.com|storage\.cloud\.google\.com|console\.cloud\.google\.com\/storage\/browser)\/([^?#;]+)/;

function unknownScheme(text: string, scheme: string, rest: string): Error {
  const page = bucketPages.exec(rest)?.[1];
  if (page !== undefined) return usageError(`"${text}" is the address of a web page`, `Did you mean gs://${page}?`);
  if (scheme === "s3" || scheme === "az" || scheme === "abfs" || scheme === "abfss") {
    return usageError(
      `"${text}": ${scheme}:// is not supported`,
      "Copy the images to a folder or to a gs:// bucket first (`gcloud storage cp` reads s3://).",
    );
  }
  return usageError(`"${text}": ${scheme}: is not supported`, examples);
}
