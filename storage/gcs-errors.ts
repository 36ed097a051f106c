import type { IncomingHttpHeaders } from "node:http";
import { codeOf, messageOf } from "../core/errors.ts";
import { printable } from "../core/names.ts";
import { StoreError, type StoreErrorDetails } from "./store.ts";

export interface GcsAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

const logIn = "Log in with `gcloud auth application-default login`, or run as a service account that has access.";
const grant = "Grant the role that carries this permission (docs/operations.md lists them), or check the project with `imagemill doctor`.";

/** What an answer that is no success means. `doing` as in "read gs://bucket/name". */
export function statusError(answer: GcsAnswer, doing: string, uri: string, nowMs: number): StoreError {
  const { message, reason } = reasonOf(answer);
  const what = `cannot ${doing} ${printable(uri)}: HTTP ${answer.status}${message === "" ? "" : `, ${printable(message)}`}`;
  const details: StoreErrorDetails = { httpStatus: answer.status };
  const retryAfterMs = retryAfterOf(answer.headers["retry-after"], nowMs);
  const retriable = retryAfterMs === undefined ? details : { ...details, retryAfterMs };
  switch (answer.status) {
    case 400:
      // The upload arrived damaged: the service compared it with the crc32c that was sent along.
      return new StoreError(/crc32c|md5|hash|checksum/i.test(message) ? "CHECKSUM_MISMATCH" : "STORE_FAILED", what, details);
    case 401:
      return new StoreError("PERMISSION_DENIED", what, { ...details, hint: logIn });
    case 403:
      if (/ratelimit/i.test(reason)) return new StoreError("UNAVAILABLE", what, retriable);
      return new StoreError("PERMISSION_DENIED", what, { ...details, hint: grant });
    case 404:
      return new StoreError("NOT_FOUND", what, { ...details, hint: "Check the name; `imagemill init` creates missing buckets." });
    case 408:
    case 429:
      return new StoreError("UNAVAILABLE", what, retriable);
    case 412:
      return new StoreError("PRECONDITION_FAILED", what, details);
    default:
      return new StoreError(answer.status >= 500 ? "UNAVAILABLE" : "STORE_FAILED", what, answer.status >= 500 ? retriable : details);
  }
}

/** Google's JSON errors; anything else is taken as text. */
function reasonOf({ body }: GcsAnswer): { message: string; reason: string } {
  const text = body.toString("utf8", 0, 4000).trim();
  try {
    const { error } = JSON.parse(text) as { error?: { message?: string; errors?: { reason?: string }[] } };
    return { message: error?.message ?? text, reason: error?.errors?.[0]?.reason ?? "" };
  } catch {
    // Proxies and load balancers answer in HTML.
    return { message: text.slice(0, 300), reason: "" };
  }
}

const longestRetryAfterMs = 600_000;

/** Seconds or an HTTP date. */
function retryAfterOf(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - nowMs;
  return Number.isNaN(ms) ? undefined : Math.min(longestRetryAfterMs, Math.max(0, ms));
}

const unreachable = "Is the network up, and does the endpoint answer? `imagemill doctor` checks it.";

/** What a request that got no answer means: its result is unknown, unless it cannot have begun. */
export function networkError(error: unknown, doing: string, uri: string): StoreError {
  if (error instanceof StoreError) return error;
  const what = `cannot ${doing} ${printable(uri)}: ${messageOf(error)}`;
  const code = codeOf(error) ?? "";
  if (/CERT|SSL|TLS|ERR_INVALID|ERR_UNESCAPED/.test(code)) return new StoreError("STORE_FAILED", what, { cause: error });
  return new StoreError("UNAVAILABLE", what, { cause: error, hint: unreachable });
}

/** Credentials that were found but do not work. */
export function credentialsError(error: unknown): StoreError {
  return new StoreError("PERMISSION_DENIED", `no access token for Cloud Storage: ${messageOf(error)}`, { cause: error, hint: logIn });
}
