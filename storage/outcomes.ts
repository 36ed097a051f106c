import { printable } from "../core/names.ts";
import { StoreError } from "./store.ts";

export function notFound(uri: string, generation?: string, cause?: unknown): StoreError {
  const what = generation === undefined ? "does not exist" : `has no generation ${generation}`;
  return new StoreError("NOT_FOUND", `${printable(uri)} ${what}`, { cause });
}

export function preconditionFailed(uri: string, expected: string, cause?: unknown): StoreError {
  const what = expected === "0" ? "exists already" : `is not at generation ${expected}`;
  return new StoreError("PRECONDITION_FAILED", `${printable(uri)} ${what}`, { cause });
}

export function tooLarge(uri: string, sizeBytes: number, maxBytes: number): StoreError {
  return new StoreError("OBJECT_TOO_LARGE", `${printable(uri)} has ${sizeBytes} bytes, more than the ${maxBytes} allowed`);
}

export function checksumMismatch(uri: string, what: string): StoreError {
  return new StoreError("CHECKSUM_MISMATCH", `${printable(uri)}: ${what}`);
}

export function changedWhileRead(uri: string): StoreError {
  return new StoreError("CHANGED_WHILE_READ", `${printable(uri)} changed while it was read`, {
    hint: "Another program writes to it. Let it finish, then run again.",
  });
}

/** Bytes [start, end) as far as there are any. */
export function sliceRange(bytes: Uint8Array, range: { start: number; end?: number } | undefined): Uint8Array {
  return range === undefined ? bytes : bytes.subarray(range.start, Math.max(range.start, range.end ?? bytes.length));
}
