import { compareNames, printable } from "../core/names.ts";
import { StoreError, type ListOptions } from "./store.ts";

const maxNameBytes = 1024;

/** Throws STORE_FAILED for a text that no bucket takes as a name. */
export function assertName(name: string, lineBreaks: "allowed" | "refused"): void {
  const problem = problemOf(name, lineBreaks);
  if (problem === undefined) return;
  throw new StoreError("STORE_FAILED", `"${printable(name.slice(0, 200))}" cannot be the name of an object: ${problem}`, {
    hint: "Names are 1 to 1,024 bytes of UTF-8 without line breaks.",
  });
}

function problemOf(name: string, lineBreaks: "allowed" | "refused"): string | undefined {
  if (name === "") return "it is empty";
  // Three bytes a UTF-16 unit is the most that UTF-8 needs.
  if (name.length * 3 > maxNameBytes && Buffer.byteLength(name) > maxNameBytes) return "it is longer than 1,024 bytes";
  if (!name.isWellFormed()) return "it holds half of a surrogate pair";
  if (lineBreaks === "refused" && /[\r\n]/.test(name)) return "it holds a line break";
  return undefined;
}

/** Whether a listing with these options yields the name (delimiter aside). */
export function inRange(name: string, options: ListOptions): boolean {
  if (options.prefix !== undefined && !name.startsWith(options.prefix)) return false;
  if (options.startOffset !== undefined && compareNames(name, options.startOffset) < 0) return false;
  return options.endOffset === undefined || compareNames(name, options.endOffset) < 0;
}

/** The common prefix that a name falls under in a listing with a delimiter; undefined = it is listed itself. */
export function commonPrefix(name: string, options: ListOptions): string | undefined {
  if (options.delimiter === undefined) return undefined;
  const end = name.indexOf(options.delimiter, options.prefix?.length ?? 0);
  return end === -1 ? undefined : name.slice(0, end + 1);
}
