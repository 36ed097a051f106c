import { homedir } from "node:os";
import { resolve } from "node:path";
import { parseStoreUrl } from "../storage/url.ts";
import { parseWarehouseUrl } from "../warehouse/open.ts";

const runDate = "{run_date}";
/** Stands in for `{run_date}` where braces would be escaped or refused. */
const standIn = "-imagemill-run-date-";

/**
 * A plain path, `~/…`, `file:///…` or `gs://bucket/prefix` -> a URL without a trailing slash. Plain paths are relative
 * to `baseDir`. `{run_date}` stays as written. Throws USAGE for what is no location.
 */
export function storeLocation(text: string, baseDir: string): string {
  return parseStoreUrl(text.replaceAll(runDate, standIn), baseDir).url.replaceAll(standIn, runDate);
}

/** A plain path, `duckdb:///path.duckdb` or `bigquery://project/dataset` -> a URL. Throws USAGE for what is none. */
export function warehouseLocation(text: string, baseDir: string): string {
  if (/^[A-Za-z][A-Za-z0-9+.-]+:/.test(text)) return parseWarehouseUrl(text, baseDir).url;
  const path = text.replace(/^~(?=\/|$)/, () => homedir());
  return parseWarehouseUrl(`duckdb:${resolve(baseDir, path)}`).url;
}

/** Path of a folder or a database file; undefined for locations that are no paths, and where `{run_date}` is open. */
export function pathOfLocation(url: string): string | undefined {
  if (url.includes(runDate)) return undefined;
  if (url.startsWith("file:")) return pathOf(parseStoreUrl(url));
  return url.startsWith("duckdb:") ? pathOf(parseWarehouseUrl(url)) : undefined;
}

function pathOf(parsed: object): string | undefined {
  return "path" in parsed && typeof parsed.path === "string" ? parsed.path : undefined;
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
  const match = /^(file|duckdb|gs|memory):\/\/(.*)$/s.exec(url);
  if (match === null) return undefined;
  const family = match[1] === "duckdb" ? "file" : match[1]!;
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
