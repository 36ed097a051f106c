import { preconditionError } from "../core/errors.ts";

/** Stored files say which format they have; one that this version does not know is not guessed at. */
export function assertFormat({ format }: { format: number }, uri: string): void {
  if (format === 1) return;
  throw preconditionError("NEWER_FORMAT", `${uri} was written by a newer imagemill`, "Update imagemill on this machine.");
}
