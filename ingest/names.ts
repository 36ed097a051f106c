import { spreadOf } from "../core/layout.ts";

/** What goes in front of a name: nothing, two hex digits of its hash (write rates that one prefix does not carry), or a date. */
export type NamePrefix = { kind: "none" } | { kind: "hash" } | { kind: "date"; date: string };

export function prefixed(name: string, prefix: NamePrefix): string {
  if (prefix.kind === "none") return name;
  return prefix.kind === "hash" ? `${spreadOf(name)}/${name}` : `${prefix.date}/${name}`;
}

/** What keeps a text from being the name of an object in a bucket, if anything. */
export function nameProblem(name: string): string | undefined {
  if (name === "") return "an object name is not empty";
  if (Buffer.byteLength(name) > 1024) return "an object name has at most 1,024 bytes";
  if (/[\r\n]/.test(name)) return "an object name has no line break";
  if (name === "." || name === "..") return "`.` and `..` are no object names";
  if (name.startsWith(".well-known/acme-challenge/")) return "Cloud Storage keeps this prefix for itself";
  if (!name.isWellFormed()) return "an object name is valid Unicode";
  return undefined;
}
