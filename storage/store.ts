import { ImagemillError, type ErrorDetails } from "../core/errors.ts";

export interface ObjectInfo {
  /** Relative to the store's root; never starts with the root's own prefix. */
  name: string;
  generation: string;
  sizeBytes: number;
  /** Base64, big-endian. Absent in listings of stores whose `listsCrc32c` is false; present after `read` and `write`. */
  crc32c?: string;
  contentType?: string;
  /** RFC 3339: when this generation was created. */
  createdAt?: string;
  /** From `stat`, `list` and `write`; a `read` may leave it out. */
  metadata?: Record<string, string>;
}

/** The generation of what does not exist: "only if absent" in a write; pinned by a plan, an object that was missing then. */
export const noGeneration = "0";

export interface StoreCapabilities {
  /** Listings carry crc32c. */
  listsCrc32c: boolean;
  /** Listings and stat carry content type and metadata. */
  keepsMetadata: boolean;
  /** The service applies lifecycle rules by itself; otherwise `archive prune` does. */
  lifecycle: boolean;
  /** Can list disjoint name ranges side by side faster than one range. */
  parallelList: boolean;
  /** `copy` from a store of the same kind moves no bytes through this process. */
  serverSideCopy: boolean;
  /**
   * Listings give nothing but names, in no order and perhaps twice: `stat` tells the rest, and a name may have no
   * object. Absent: listings are as the contract says.
   */
  listsNamesOnly?: boolean;
}

export interface ListOptions {
  /** Names starting with it. Default: all. */
  prefix?: string;
  /** First name that may appear (inclusive), in byte order. */
  startOffset?: string;
  /** First name that may no longer appear (exclusive). */
  endOffset?: string;
  /**
   * With "/": objects directly under `prefix`, and the common prefixes below it. Whether a common prefix shows that an
   * offset cuts in two is up to the service.
   */
  delimiter?: "/";
  signal?: AbortSignal;
}

export interface ListPage {
  objects: ObjectInfo[];
  /** Only with a delimiter; each ends with "/". */
  prefixes: string[];
}

export interface ReadOptions {
  /** Fails with NOT_FOUND when this generation is no longer the object's. */
  generation?: string;
  /** Bytes [start, end); `end` absent = to the end. Ranges are not checksummed. */
  range?: { start: number; end?: number };
  /** Fails with OBJECT_TOO_LARGE before the body is read. */
  maxBytes?: number;
  signal?: AbortSignal;
}

export interface WriteOptions {
  /** "0" = create only. Another generation = replace exactly that one. Absent = replace whatever is there. */
  ifGeneration?: string;
  contentType?: string;
  metadata?: Record<string, string>;
  /** On disk before the promise resolves, a power cut included. Default: false. */
  durable?: boolean;
  signal?: AbortSignal;
}

export interface CopySource {
  store: ObjectStore;
  name: string;
  generation: string;
  /**
   * The bytes of this generation, where the caller has read them: a store that would have to read them again (another
   * kind of store, a file system without shared blocks) writes these instead.
   */
  bytes?: Uint8Array;
}

/**
 * A place of named, immutable, versioned objects.
 *
 * The contract, which `test/contracts/store.ts` holds every implementation to:
 * - An object is whole or absent: a reader never sees a part of a write, not even after a kill.
 * - With `ifGeneration: "0"` exactly one of any number of racing writers succeeds; the others get
 *   PRECONDITION_FAILED. The generation of a name changes whenever its content is replaced.
 * - `read` returns the whole object, its length and crc32c checked, or fails. Bytes are raw: an object stored
 *   with Content-Encoding gzip is not inflated. Their memory is theirs alone: it may be transferred to a thread.
 * - `list` yields every object that exists from before the call until after it, each once, in the order of the
 *   names' UTF-8 bytes. Objects that come or go meanwhile may or may not appear. A prefix that nothing has is empty; a
 *   bucket or folder that does not exist is NOT_FOUND.
 * - Names are any UTF-8 text of 1 to 1,024 bytes without CR and LF, a folder store's own listing excepted (a file
 *   system knows names with line breaks); `.` and `..` alone are not for buckets. `a`, `a/b`, `../x` and `a/` are four
 *   different names.
 * - Every call ends soon after its signal aborts, rejecting with the signal's reason.
 * - No call retries: `withRetry` does, in one place.
 * Failures are `StoreError`s; anything else that a service says is UNAVAILABLE (worth a retry) or STORE_FAILED (not).
 */
export interface ObjectStore {
  /** URL of the root, without a trailing slash. */
  readonly url: string;
  /** What rows call the bucket: the bucket's name, or the folder's URL. */
  readonly bucket: string;
  /**
   * Of the root within the bucket: "" or "some/prefix/". Names are relative to the root; of a source (`openSource`) they
   * are whole, and all that it lists start with this.
   */
  readonly prefix: string;
  readonly capabilities: StoreCapabilities;
  list(options?: ListOptions): AsyncIterable<ListPage>;
  stat(name: string, options?: { signal?: AbortSignal }): Promise<ObjectInfo | undefined>;
  read(name: string, options?: ReadOptions): Promise<{ info: ObjectInfo; bytes: Uint8Array }>;
  write(name: string, bytes: Uint8Array, options?: WriteOptions): Promise<ObjectInfo>;
  /** Copies between stores of any two kinds; metadata and content type come along where both keep them. */
  copy(source: CopySource, name: string, options?: WriteOptions): Promise<ObjectInfo>;
  /** False when it was not there. With `ifGeneration`, PRECONDITION_FAILED when another generation is. */
  delete(name: string, options?: { ifGeneration?: string; signal?: AbortSignal }): Promise<boolean>;
  /** Absolute, for people and for the warehouse: `gs://bucket/prefix/name`, `file:///…`. */
  uri(name: string): string;
  close(): Promise<void>;
}

export type StoreErrorCode =
  | "NOT_FOUND"
  | "PRECONDITION_FAILED"
  | "OBJECT_TOO_LARGE"
  /** Length or crc32c of what arrived is not what the store promised. Worth a retry. */
  | "CHECKSUM_MISMATCH"
  /** The object changed while it was read. */
  | "CHANGED_WHILE_READ"
  | "PERMISSION_DENIED"
  | "NO_SPACE"
  /** Overload, reset, stall, 408, 429, 5xx. Worth a retry. */
  | "UNAVAILABLE"
  /** Anything else; a retry would say the same. */
  | "STORE_FAILED";

export interface StoreErrorDetails extends ErrorDetails {
  httpStatus?: number;
  /** What the service asked for, in milliseconds. */
  retryAfterMs?: number;
}

export class StoreError extends ImagemillError {
  override readonly code: StoreErrorCode;
  readonly httpStatus: number | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(code: StoreErrorCode, message: string, details: StoreErrorDetails = {}) {
    super(code, message, details);
    this.name = "StoreError";
    this.code = code;
    this.httpStatus = details.httpStatus;
    this.retryAfterMs = details.retryAfterMs;
  }
}

export function isStoreError(error: unknown, code: StoreErrorCode): error is StoreError {
  return error instanceof StoreError && error.code === code;
}
