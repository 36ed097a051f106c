import type { Storage } from "@google-cloud/storage";
import type { Clock } from "../core/clock.ts";
import { parseEndpoint } from "../core/endpoint.ts";
import { messageOf } from "../core/errors.ts";
import { credentialsError } from "./gcs-errors.ts";

/** Where Cloud Storage answers, as an origin: `https://storage.googleapis.com` unless an endpoint is given. */
export function gcsOrigin(endpoint: string | undefined): URL {
  return new URL(new URL(endpoint === undefined ? "https://storage.googleapis.com" : parseEndpoint(endpoint).url).origin);
}

function isLoopback(endpoint: string | undefined): boolean {
  return endpoint !== undefined && parseEndpoint(endpoint).loopback;
}

/**
 * Google's client: buckets and their policies, and the source of credentials. Its retries are off: whoever calls it
 * retries. On the loopback range it looks for no credentials.
 */
export async function gcsClient(endpoint: string | undefined, projectId?: string): Promise<Storage> {
  const { Storage } = await import("@google-cloud/storage");
  const loopback = isLoopback(endpoint);
  return new Storage({
    retryOptions: { autoRetry: false },
    ...(endpoint !== undefined && { apiEndpoint: gcsOrigin(endpoint).origin, useAuthWithCustomEndpoint: !loopback }),
    ...(projectId !== undefined && { projectId }),
    ...(loopback && projectId === undefined && { projectId: "local" }),
  });
}

/** Headers that authorise a request; none on the loopback range. */
export type Authorise = () => Promise<Record<string, string>>;

/** Tokens are renewed minutes before they end; asking for them anew this often is enough. */
const tokenUseMs = 60_000;

export function authorisation(endpoint: string | undefined, clock: Clock): Authorise {
  if (isLoopback(endpoint)) return async () => ({});
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
