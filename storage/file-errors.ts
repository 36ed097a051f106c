import { codeOf, messageOf } from "../core/errors.ts";
import { printable } from "../core/names.ts";
import { StoreError, type StoreErrorCode } from "./store.ts";

interface Meaning {
  code: StoreErrorCode;
  hint?: string;
}

const denied = "Check the owner and the permissions of the folder (`ls -ld`), or choose another one.";
const readOnly = "The file system is mounted read-only: choose another folder.";
const full = "Free some space or choose another disk (`df -h`, `df -i`), then run the same command again: it continues.";

const meanings: Record<string, Meaning> = {
  EACCES: { code: "PERMISSION_DENIED", hint: denied },
  EPERM: { code: "PERMISSION_DENIED", hint: denied },
  EROFS: { code: "PERMISSION_DENIED", hint: readOnly },
  ENOSPC: { code: "NO_SPACE", hint: full },
  EDQUOT: { code: "NO_SPACE", hint: "The disk quota is used up (`quota`): free some space, then run the same command again." },
  EMFILE: { code: "UNAVAILABLE", hint: "Too many open files: raise the limit with `ulimit -n`." },
  ENFILE: { code: "UNAVAILABLE" },
  EAGAIN: { code: "UNAVAILABLE" },
  EBUSY: { code: "UNAVAILABLE" },
  EINTR: { code: "UNAVAILABLE" },
  ESTALE: { code: "UNAVAILABLE" },
  ETIMEDOUT: { code: "UNAVAILABLE" },
  ENAMETOOLONG: { code: "STORE_FAILED", hint: "The path is longer than this system allows: use a root folder with a shorter path." },
  EXDEV: { code: "STORE_FAILED", hint: "The folder holds a mount or a link to another file system: use a root on one file system." },
  EFBIG: { code: "NO_SPACE", hint: "The file system does not take files of this size." },
};

/** What a failed system call means; a StoreError passes unchanged. */
export function fileError(error: unknown, doing: string, uri: string): unknown {
  if (error instanceof StoreError) return error;
  const { code, hint } = meanings[codeOf(error) ?? ""] ?? { code: "STORE_FAILED" };
  return new StoreError(code, `cannot ${doing} ${printable(uri)}: ${messageOf(error)}`, {
    cause: error,
    ...(hint !== undefined && { hint }),
  });
}

/** Whether a system call failed with one of these. */
export function failedWith(error: unknown, ...codes: string[]): boolean {
  return codes.includes(codeOf(error) ?? "");
}
