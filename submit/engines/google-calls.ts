import { bounded } from "../../core/bounded.ts";
import type { Clock, Random } from "../../core/clock.ts";
import { codeOf, exitCodes, ImagemillError, messageOf } from "../../core/errors.ts";
import type { Logger } from "../../core/log.ts";
import { printable } from "../../core/names.ts";

/** Status codes of gRPC that are told apart here. */
export const grpcCodes = {
  invalidArgument: "3",
  deadlineExceeded: "4",
  notFound: "5",
  alreadyExists: "6",
  permissionDenied: "7",
  resourceExhausted: "8",
  failedPrecondition: "9",
  aborted: "10",
  internal: "13",
  unavailable: "14",
  unauthenticated: "16",
} as const;

export interface GoogleCallsOptions {
  /** As people know the service: "Batch". */
  service: string;
  /** Of its API: `batch.googleapis.com`. */
  api: string;
  /** What an account needs to make these calls. */
  roles: string;
  clock: Clock;
  random: Random;
  log: Logger;
}

/** Calls of one of Google's gRPC services: retried here and nowhere else, ended soon after the signal aborts. */
export interface GoogleCalls {
  /** `act` must be safe to repeat: reads, and writes with a request id. `what` as in "create the job". */
  call<T>(what: string, act: () => Promise<T>, signal: AbortSignal): Promise<T>;
}

/** Given to the client with each request: its own retries are off. */
export const oneTry = { timeout: 30_000, retry: null } as const;

const maxTries = 7;
/** A little longer than the client's own limit, which it does not keep while it looks for credentials. */
const tryMs = oneTry.timeout + 15_000;
const transient: ReadonlySet<string> = new Set([
  grpcCodes.deadlineExceeded,
  grpcCodes.resourceExhausted,
  grpcCodes.aborted,
  grpcCodes.internal,
  grpcCodes.unavailable,
  "ETIMEDOUT",
]);

export function googleCalls(options: GoogleCallsOptions): GoogleCalls {
  const { service, clock, random, log } = options;
  const retrying = async <T>(what: string, act: () => Promise<T>, signal: AbortSignal): Promise<T> => {
    for (let tries = 1; ; tries += 1) {
      try {
        return await bounded(act, tryMs, signal);
      } catch (error) {
        signal.throwIfAborted();
        if (!transient.has(codeOf(error) ?? "") || tries === maxTries) throw error;
        log.debug("google.retry", { service, what, tries, code: codeOf(error) ?? null, message: messageOf(error) });
        await clock.sleep((0.5 + random.next() / 2) * Math.min(16_000, 250 * 2 ** tries), signal);
      }
    }
  };
  return {
    call: async (what, act, signal) => {
      try {
        return await retrying(what, act, signal);
      } catch (error) {
        signal.throwIfAborted();
        throw inWords(options, what, error);
      }
    },
  };
}

/** Whether the service said no with this code, behind our own words. */
export function saidCode(error: unknown, code: string): boolean {
  return error instanceof ImagemillError && codeOf(error.cause) === code;
}

function inWords(options: GoogleCallsOptions, what: string, error: unknown): ImagemillError {
  if (error instanceof ImagemillError) return error;
  const said = printable(messageOf(error).replace(/^\d+ [A-Z_]+: /, "")).slice(0, 2000);
  const message = `${options.service} could not ${what}: ${said}`;
  return new ImagemillError("SERVICE_FAILED", message, { ...hintOf(options, codeOf(error), said), cause: error });
}

function hintOf({ api, roles }: GoogleCallsOptions, code: string | undefined, said: string): { hint: string; exitCode?: number } {
  const { precondition, usage } = exitCodes;
  if (/has not been used|is disabled|not enabled/i.test(said)) return { hint: `gcloud services enable ${api}`, exitCode: precondition };
  if (code === grpcCodes.unauthenticated || /default credentials|invalid_grant|reauth/i.test(said)) {
    return { hint: "Log in: gcloud auth application-default login", exitCode: precondition };
  }
  if (code === grpcCodes.permissionDenied) return { hint: `The account needs ${roles}.`, exitCode: precondition };
  if (code === grpcCodes.invalidArgument) return { hint: "Change the key of the configuration that it names.", exitCode: usage };
  return { hint: "Run the same command again: it goes on where it stopped." };
}
