import { relative } from "node:path";
import { pathOfLocation } from "../../configs/locations.ts";
import { printable } from "../../core/names.ts";

/** A location as a person would type it here: paths as paths, relative where that is shorter. */
export function placeText(url: string, cwd: string): string {
  const path = pathOfLocation(url);
  if (path === undefined) return printable(url);
  const fromHere = relative(cwd, path);
  return printable(fromHere === "" ? "." : fromHere.startsWith("..") || fromHere.length > path.length ? path : fromHere);
}

/** A word of a command line that survives a shell. */
export function shellWord(text: string): string {
  return /^[A-Za-z0-9_@%+=:,./~-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
