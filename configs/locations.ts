import { homedir } from "node:os";
import { isAbsolute, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** A location as written that can be none; the message goes after the key: "must be …". */
export class LocationProblem extends Error {
  readonly hint: string;

  constructor(message: string, hint: string) {
    super(message);
    this.hint = hint;
  }
}

const runDate = "{run_date}";

/**
 * A plain path, `~/…`, `file:///…` or `gs://bucket/prefix` -> a URL without a trailing slash. Plain paths are relative
 * to `baseDir`. `{run_date}` stays as written.
 */
export function storeLocation(text: string, baseDir: string): string {
  const scheme = schemeOf(text);
  if (scheme === undefined) return fileUrl(resolvePath(text, baseDir));
  if (scheme === "file") return fileUrl(pathOfFileUrl(text));
  if (scheme === "gs") return bucketUrl(text);
  throw new LocationProblem(
    `must be a folder or gs://bucket/prefix, not ${scheme}://`,
    "copy the images to a folder or to a gs:// bucket first",
  );
}

/** A plain path, `duckdb:///path.duckdb`, `duckdb://relative.duckdb` or `bigquery://project/dataset` -> a URL. */
export function warehouseLocation(text: string, baseDir: string): string {
  const scheme = schemeOf(text);
  if (scheme === undefined) return duckdbUrl(resolvePath(text, baseDir));
  if (scheme === "duckdb") return duckdbUrl(duckdbPath(text, baseDir));
  if (scheme === "bigquery") return datasetUrl(text);
  throw new LocationProblem(
    `must be duckdb:///path/to/file.duckdb, a plain path or bigquery://project/dataset, not ${scheme}://`,
    "for one machine: duckdb:///path/to/warehouse.duckdb",
  );
}

function schemeOf(text: string): string | undefined {
  return /^([a-z][a-z0-9+.-]+):\/\//i.exec(text)?.[1]?.toLowerCase();
}

function resolvePath(text: string, baseDir: string): string {
  if (text.trim() === "") throw new LocationProblem("must not be empty", "write a folder or a URL");
  if (text.includes("\0")) throw new LocationProblem("must not hold a NUL character", "write a folder or a URL");
  const path = text === "~" || text.startsWith("~/") ? homedir() + text.slice(1) : text;
  return isAbsolute(path) ? resolve(path) : resolve(baseDir, path);
}

function duckdbPath(text: string, baseDir: string): string {
  return /^duckdb:\/\/\//i.test(text)
    ? pathOfFileUrl(text.replace(/^duckdb:/i, "file:"))
    : resolvePath(text.slice("duckdb://".length), baseDir);
}

function pathOfFileUrl(text: string): string {
  try {
    return fileURLToPath(text);
  } catch {
    throw new LocationProblem(
      "must have three slashes and an absolute path after its scheme, like file:///data/photos",
      "or write a plain path",
    );
  }
}

function fileUrl(path: string): string {
  const href = pathToFileURL(path).href.replaceAll("%7Brun_date%7D", runDate);
  return href === "file:///" ? href : href.replace(/\/+$/, "");
}

function duckdbUrl(path: string): string {
  return fileUrl(path).replace(/^file:/, "duckdb:");
}

function bucketUrl(text: string): string {
  const match = /^gs:\/\/([^/]*)(?:\/(.*))?$/s.exec(text);
  const bucket = match?.[1] ?? "";
  if (!/^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$/.test(bucket)) {
    throw new LocationProblem(
      `must be gs://bucket/prefix, and "${bucket}" is no name of a bucket`,
      "bucket names are lower-case letters, digits, dashes, dots and underscores, at least three",
    );
  }
  const prefix = (match?.[2] ?? "").replace(/\/+$/, "");
  return prefix === "" ? `gs://${bucket}` : `gs://${bucket}/${prefix}`;
}

function datasetUrl(text: string): string {
  const match = /^bigquery:\/\/([a-z0-9.:-]+)\/([A-Za-z0-9_]+)\/?$/.exec(text);
  if (match === null) throw new LocationProblem("must be bigquery://project/dataset", "dataset names are letters, digits and underscores");
  return `bigquery://${match[1]}/${match[2]}`;
}

/** Path of a `file:` or `duckdb:` URL; undefined for locations that are no paths, and where `{run_date}` is open. */
export function pathOfLocation(url: string): string | undefined {
  if (!/^(file|duckdb):/.test(url) || url.includes(runDate)) return undefined;
  return fileURLToPath(url.replace(/^duckdb:/, "file:"));
}

/**
 * Whether one location is the other or lies inside it. `{run_date}` stands for any date: `b/{run_date}` and `b/archive`
 * never meet, `b/{run_date}` and `b` do.
 */
export function locationsOverlap(a: string, b: string): boolean {
  const [segmentsA, segmentsB] = [segmentsOf(a), segmentsOf(b)];
  if (segmentsA === undefined || segmentsB === undefined) return false;
  const depth = Math.min(segmentsA.length, segmentsB.length);
  return Array.from({ length: depth }, (_, index) => segmentsMeet(segmentsA[index]!, segmentsB[index]!)).every(Boolean);
}

/** `duckdb:` is a path among paths; `bigquery:` overlaps nothing. */
function segmentsOf(url: string): string[] | undefined {
  const match = /^(file|duckdb|gs):\/\/(.*)$/s.exec(url);
  if (match === null) return undefined;
  const family = match[1] === "gs" ? "gs" : "path";
  return [family, ...match[2]!.split("/").filter((segment) => segment !== "")];
}

const datePattern = "\\d{4}-\\d{2}-\\d{2}";

function segmentsMeet(a: string, b: string): boolean {
  if (a === b) return true;
  if (a.includes(runDate) && b.includes(runDate)) return true;
  if (a.includes(runDate)) return segmentPattern(a).test(b);
  return b.includes(runDate) && segmentPattern(b).test(a);
}

function segmentPattern(segment: string): RegExp {
  const parts = segment.split(runDate).map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
  return new RegExp(`^${parts.join(datePattern)}$`);
}
