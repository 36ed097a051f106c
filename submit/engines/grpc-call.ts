import { bounded } from "../../core/bounded.ts";
import type { Clock, Random } from "../../core/clock.ts";
import { sha256Hex } from "../../core/digest.ts";
import { ImagemillError, messageOf, preconditionError } from "../../core/errors.ts";
import { printable } from "../../core/names.ts";

/** Status codes of gRPC that are told apart here. */
const codes = {
  invalid: 3,
  deadline: 4,
  notFound: 5,
  alreadyExists: 6,
  denied: 7,
  exhausted: 8,
  unfulfilled: 9,
  unavailable: 14,
  unauthenticated: 16,
};

export interface GrpcCallOptions {
  /** As a user knows it: "Dataproc". */
  service: string;
  /** What a person does who lacks a permission. */
  permissionHint: string;
  clock: Clock;
  random: Random;
  /** Of one try. Default: 30,000. */
  timeoutMs?: number;
}

/**
 * Calls one method of a Google service whose client's own retries are off. UNAVAILABLE and DEADLINE_EXCEEDED are tried
 * again, which asks of `act` that it may have happened before: a request id, a read, a cancel.
 */
export type GrpcCall = <T>(what: string, act: (own: typeof withoutRetries) => Promise<T>, signal: AbortSignal) => Promise<T>;

const withoutRetries = { retry: { retryCodes: [] as number[] } };
const maxTries = 6;
const firstWaitMs = 250;
const longestWaitMs = 16_000;
const defaultTimeoutMs = 30_000;

export function grpcCalls(options: GrpcCallOptions): GrpcCall {
  const { clock, random, timeoutMs = defaultTimeoutMs } = options;
  return async (what, act, signal) => {
    for (let tries = 1; ; tries += 1) {
      try {
        return await bounded(async () => act(withoutRetries), timeoutMs, signal);
      } catch (error) {
        signal.throwIfAborted();
        if (!isTransient(error) || tries === maxTries) throw inWords(options, what, error);
        await clock.sleep((0.5 + random.next() / 2) * Math.min(longestWaitMs, firstWaitMs * 2 ** tries), signal);
      }
    }
  };
}

/** A UUID that is the same for the same text: a request that is sent again is recognised by it. */
export function requestIdOf(text: string): string {
  const hex = sha256Hex(text);
  const variant = ((Number.parseInt(hex[16]!, 16) & 0x3) | 0x8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

function isNotFound(error: unknown): boolean {
  return grpcCode(error) === codes.notFound;
}

export function isAlreadyExists(error: unknown): boolean {
  return grpcCode(error) === codes.alreadyExists;
}

/** The other side's state does not allow it (any more). */
function isUnfulfilled(error: unknown): boolean {
  return grpcCode(error) === codes.unfulfilled;
}

/** Undefined where there is no such thing. */
export async function ifThere<T>(looking: Promise<T>): Promise<T | undefined> {
  try {
    return await looking;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** What is over or gone needs no end. */
export async function unlessOver(ending: Promise<unknown>): Promise<void> {
  try {
    await ending;
  } catch (error) {
    if (!isNotFound(error) && !isUnfulfilled(error)) throw error;
  }
}

function isTransient(error: unknown): boolean {
  const code = codeIn(error);
  return code === codes.unavailable || code === codes.deadline || code === "ETIMEDOUT";
}

/** Of an error that `inWords` put into words. */
function grpcCode(error: unknown): number | string | undefined {
  return error instanceof ImagemillError ? codeIn(error.cause) : undefined;
}

function codeIn(error: unknown): number | string | undefined {
  return typeof error === "object" && error !== null && "code" in error ? (error.code as number | string) : undefined;
}

function inWords({ service, permissionHint }: GrpcCallOptions, what: string, error: unknown): ImagemillError {
  if (error instanceof ImagemillError) return error;
  const said = printable(messageOf(error).replace(/^\d+ [A-Z_]+: /, ""));
  const message = `${service} could not ${what}: ${said}`;
  const code = codeIn(error);
  if (code === codes.denied) return withCause(preconditionError("PERMISSION_DENIED", message, permissionHint), error);
  if (code === codes.unauthenticated || /default credentials/.test(said)) {
    return withCause(
      preconditionError("NO_CREDENTIALS", message, "gcloud auth application-default login, or run as a service account."),
      error,
    );
  }
  const hint = hintOf(service, code);
  return new ImagemillError(`${service.toUpperCase()}_FAILED`, message, { cause: error, ...(hint !== undefined && { hint }) });
}

function hintOf(service: string, code: number | string | undefined): string | undefined {
  if (code === codes.unavailable || code === codes.deadline || code === "ETIMEDOUT") {
    return `${service} did not answer, though it was asked ${maxTries} times. The same command goes on.`;
  }
  if (code === codes.exhausted) return "A quota of the project: the console's page IAM & Admin > Quotas shows which.";
  return code === codes.invalid ? "The configuration asks for something that the service does not know; its message says what." : undefined;
}

function withCause(error: ImagemillError, cause: unknown): ImagemillError {
  error.cause = cause;
  return error;
}
