import { createHash } from "node:crypto";
import picomatch from "picomatch";
import { preconditionError, usageError } from "../core/errors.ts";
import type { Selection, SourceObject } from "../core/types.ts";
import type { ObjectInfo } from "../storage/store.ts";

/**
 * Whether an object of the listing belongs to the run, `limit` excepted (it needs the sorted whole).
 * Globs match names relative to the source root (`prefix` is what stands before it), dot files included; `**` crosses
 * slashes, `*` does not.
 */
export function createSelector(selection: Selection, runDate: string, prefix = ""): (object: ObjectInfo) => boolean {
  const matches = nameMatcher(selection);
  const after = instant("createdAfter", selection.createdAfter, runDate);
  const before = instant("createdBefore", selection.createdBefore, runDate);
  const { sample } = selection;
  if (sample !== undefined && !(sample > 0 && sample <= 1)) throw usageError(`sample is ${sample}`, "Give a ratio above 0, at most 1.");
  return (object) => {
    const name = object.name.slice(prefix.length);
    if (!matches(name)) return false;
    if (sample !== undefined && shareOf(name) >= sample) return false;
    if (after === undefined && before === undefined) return true;
    const created = createdAt(object);
    return (after === undefined || created >= after) && (before === undefined || created < before);
  };
}

function nameMatcher({ include, exclude }: Selection): (name: string) => boolean {
  const options = { dot: true };
  // "**" means all, also names that no glob can match, such as "../x".
  const included = include.length === 0 || include.includes("**") ? undefined : picomatch(include, options);
  const excluded = exclude.length === 0 ? undefined : picomatch(exclude, options);
  return (name) => (included?.(name) ?? true) && !(excluded?.(name) ?? false);
}

/** In [0, 1), even over names, the same on every machine. */
function shareOf(name: string): number {
  return createHash("sha256").update(name).digest().readUInt32BE() / 2 ** 32;
}

function instant(key: string, text: string | undefined, runDate: string): number | undefined {
  if (text === undefined) return undefined;
  const expanded = text.replaceAll("{run_date}", runDate);
  const epochMs = Date.parse(expanded);
  if (Number.isNaN(epochMs)) {
    throw usageError(`select.${key} is "${expanded}", which is no instant`, `Write RFC 3339, such as ${runDate}T00:00:00Z.`);
  }
  return epochMs;
}

function createdAt(object: ObjectInfo): number {
  if (object.createdAt === undefined) {
    throw preconditionError(
      "NO_CREATION_TIME",
      `the source does not say when ${JSON.stringify(object.name)} was created`,
      "Remove select.createdAfter and select.createdBefore, or choose objects by name with select.include.",
    );
  }
  return Date.parse(object.createdAt);
}

/** What of a listed object the manifest pins. */
export function sourceObjectOf(object: ObjectInfo): SourceObject {
  const pixels = pixelsOf(object.metadata?.pixels);
  return {
    name: object.name,
    generation: object.generation,
    sizeBytes: object.sizeBytes,
    ...(object.crc32c !== undefined && { crc32c: object.crc32c }),
    ...(object.contentType !== undefined && { contentType: object.contentType }),
    ...(pixels !== undefined && { pixels }),
  };
}

/** Metadata is anybody's text: what is no plausible size is ignored. */
function pixelsOf(text: string | undefined): number | undefined {
  const match = text === undefined ? null : /^(\d{1,6})x(\d{1,6})$/.exec(text);
  return match === null ? undefined : Number(match[1]) * Number(match[2]) || undefined;
}

/** The first `limit` of the sorted listing; what comes after is not asked for. */
export async function* firstOf<T>(batches: AsyncIterable<T[]>, limit: number): AsyncGenerator<T[]> {
  let left = limit;
  for await (const batch of batches) {
    yield batch.slice(0, left);
    left -= batch.length;
    if (left <= 0) return;
  }
}
