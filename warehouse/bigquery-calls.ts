import { bounded } from "../core/bounded.ts";
import type { Clock, Random } from "../core/clock.ts";
import { codeOf, ImagemillError, messageOf } from "../core/errors.ts";
import { printable } from "../core/names.ts";

/** Calls of a service: retried where that can help, ended soon after the signal aborts, their errors put into words. */
export interface Calls {
  /** `timeoutMs` bounds each try. Default: two minutes. */
  call<T>(what: string, act: () => Promise<T>, signal?: AbortSignal, timeoutMs?: number): Promise<T>;
  /** Undefined where there is no such thing. */
  find<T>(what: string, act: () => Promise<T>, signal?: AbortSignal): Promise<T | undefined>;
  /** An error of the client as one of ours. */
  explain(what: string, error: unknown): ImagemillError;
  /** Before try n: random within a window that doubles up to 32 s, as BigQuery's terms of service ask. */
  backOff(failedTries: number, signal?: AbortSignal): Promise<void>;
}

const maxTries = 6;

export interface CallsOptions {
  clock: Clock;
  random: Random;
  requestTimeoutMs: number;
}

export function bigqueryCalls(url: string, { clock, random, requestTimeoutMs }: CallsOptions): Calls {
  const backOff: Calls["backOff"] = async (failedTries, signal) =>
    clock.sleep((0.5 + random.next() / 2) * Math.min(32_000, 500 * 2 ** failedTries), signal);

  const explain: Calls["explain"] = (what, error) => inWords(url, what, error);

  const retrying = async <T>(act: () => Promise<T>, signal: AbortSignal | undefined, timeoutMs: number): Promise<T> => {
    for (let tries = 1; ; tries++) {
      try {
        return await bounded(act, timeoutMs, signal);
      } catch (error) {
        signal?.throwIfAborted();
        if (!isTransient(error) || tries === maxTries) throw error;
        await backOff(tries, signal);
      }
    }
  };
  const call: Calls["call"] = async (what, act, signal, timeoutMs = requestTimeoutMs) => {
    try {
      return await retrying(act, signal, timeoutMs);
    } catch (error) {
      signal?.throwIfAborted();
      throw explain(what, error);
    }
  };
  return {
    call,
    explain,
    find: async (what, act, signal) => {
      try {
        return await call(what, act, signal);
      } catch (error) {
        if (error instanceof ImagemillError && codeOf(error.cause) === "404") return undefined;
        throw error;
      }
    },
    backOff,
  };
}

const transientCodes = new Set(["408", "429", "500", "502", "503", "504"]);
const transientReasons = new Set(["rateLimitExceeded", "backendError", "internalError", "jobRateLimitExceeded", "tableUnavailable"]);
const transientSystemCodes = new Set(["ECONNRESET", "ECONNREFUSED", "EPIPE", "ETIMEDOUT", "EAI_AGAIN", "ENETUNREACH", "UND_ERR_SOCKET"]);

/** Worth another try; whether the call took effect is unknown. */
export function isTransient(error: unknown): boolean {
  const code = codeOf(error) ?? "";
  if (transientCodes.has(code) || transientSystemCodes.has(code)) return true;
  const reason = reasonOf(error);
  if (reason !== undefined && transientReasons.has(reason)) return true;
  return code === "" && /socket hang up|network|fetch failed|Premature close|terminated|timed? ?out/i.test(messageOf(error));
}

/** The word by which BigQuery tells errors apart. */
export function reasonOf(error: unknown): string | undefined {
  const errors: unknown = (error as { errors?: unknown } | null)?.errors;
  const first: unknown = Array.isArray(errors) ? errors[0] : undefined;
  const reason = (first as { reason?: unknown } | undefined)?.reason;
  return typeof reason === "string" ? reason : undefined;
}

function inWords(url: string, what: string, error: unknown): ImagemillError {
  if (error instanceof ImagemillError) return error;
  const status = codeOf(error);
  const said = printable(messageOf(error).split("\n")[0] ?? "");
  const label = [status, reasonOf(error)].filter((part) => part !== undefined).join(" ");
  const message = `${url}: ${what}: ${said}${label === "" ? "" : ` (${label})`}`;
  const known = hints.find(({ applies }) => applies(status, reasonOf(error), said));
  return new ImagemillError(known?.code ?? "WAREHOUSE_FAILED", message, {
    cause: error,
    ...(known ?? { hint: "Run the same command again." }),
  });
}

type Applies = (status: string | undefined, reason: string | undefined, said: string) => boolean;

const hints: { applies: Applies; code: string; hint: string; exitCode?: number }[] = [
  {
    applies: (_status, reason) => reason === "quotaExceeded",
    code: "WAREHOUSE_QUOTA",
    hint: "A quota is used up, often the 1,500 operations a table and day; wait until midnight Pacific time, then run the same command again.",
  },
  {
    applies: (status) => status === "401" || status === "403",
    code: "WAREHOUSE_DENIED",
    hint: "The account needs roles/bigquery.jobUser on the project and roles/bigquery.dataEditor on the dataset: imagemill doctor",
    exitCode: 4,
  },
  {
    applies: (_status, _reason, said) => /default credentials|credential/i.test(said),
    code: "WAREHOUSE_DENIED",
    hint: "Log in: gcloud auth application-default login",
    exitCode: 4,
  },
  { applies: (status) => status === "404", code: "WAREHOUSE_NOT_READY", hint: "Create the dataset and its tables: imagemill init" },
];
