import type { Storage } from "@google-cloud/storage";
import type { Clock } from "../core/clock.ts";
import { messageOf, usageError } from "../core/errors.ts";
import { credentialsError } from "./gcs-errors.ts";

/** Where Cloud Storage answers, as an origin: `https://storage.googleapis.com` unless an endpoint is given. */
export function gcsOrigin(endpoint: string | undefined): URL {
  if (endpoint === undefined) return new URL("https://storage.googleapis.com");
  try {
    const url = new URL(
      /^https?:\/\//.test(endpoint) ? endpoint : `${isLoopback(endpoint.replace(/:\d+$/, "")) ? "http" : "https"}://${endpoint}`,
    );
    return new URL(url.origin);
  } catch {
    throw usageError(`"${endpoint}" is not an address of Cloud Storage`, "Write http://127.0.0.1:4443 or host:port.");
  }
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "[::1]" || /^127(\.\d{1,3}){3}$/.test(host);
}

/**
 * Google's client: buckets and their policies, and the source of credentials. Its retries are off: whoever calls it
 * retries. On the loopback range it looks for no credentials.
 */
export async function gcsClient(endpoint: string | undefined, projectId?: string): Promise<Storage> {
  const { Storage } = await import("@google-cloud/storage");
  const origin = gcsOrigin(endpoint);
  const loopback = isLoopback(origin.hostname);
  return new Storage({
    retryOptions: { autoRetry: false },
    ...(endpoint !== undefined && { apiEndpoint: origin.origin, useAuthWithCustomEndpoint: !loopback }),
    ...(projectId !== undefined && { projectId }),
    ...(loopback && projectId === undefined && { projectId: "local" }),
  });
}

/** Headers that authorise a request; none on the loopback range. */
export type Authorise = () => Promise<Record<string, string>>;

/** Tokens are renewed minutes before they end; asking for them anew this often is enough. */
const tokenUseMs = 60_000;

export function authorisation(endpoint: string | undefined, clock: Clock): Authorise {
  if (isLoopback(gcsOrigin(endpoint).hostname)) return async () => ({});
  let client: Promise<Storage> | undefined;
  let current: { headers: Promise<Record<string, string>>; untilMs: number } | undefined;
  return async () => {
    if (current === undefined || clock.monotonicMs() > current.untilMs) {
      client ??= gcsClient(endpoint);
      const headers = tokenHeaders(await client);
      current = { headers, untilMs: clock.monotonicMs() + tokenUseMs };
      headers.catch(() => (current = undefined));
    }
    return current.headers;
  };
}

async function tokenHeaders(client: Storage): Promise<Record<string, string>> {
  try {
    return Object.fromEntries(await client.authClient.getRequestHeaders());
  } catch (error) {
    // A public bucket can be read without credentials; any other answers 401, which says what to do.
    if (messageOf(error).includes("Could not load the default credentials")) return {};
    throw credentialsError(error);
  }
}
