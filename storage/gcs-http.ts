import http, { type ClientRequest, type IncomingMessage } from "node:http";
import https from "node:https";
import type { Authorise } from "./gcs-client.ts";
import { networkError, type GcsAnswer } from "./gcs-errors.ts";
import { StoreError } from "./store.ts";

export interface GcsRequest {
  method: "GET" | "POST" | "DELETE";
  /** With the query. */
  path: string;
  headers?: Record<string, string | number>;
  /** Sent one after the other. */
  body?: Uint8Array[];
  signal: AbortSignal | undefined;
  /** Looks at the head of a success before its body is read; may throw. */
  head?: (answer: IncomingMessage) => void;
  /** For messages: "read", "gs://bucket/name". */
  doing: string;
  uri: string;
}

export interface GcsTransport {
  send(request: GcsRequest): Promise<GcsAnswer>;
  close(): void;
}

export interface GcsTransportOptions {
  origin: URL;
  authorise: Authorise;
  /** Silence on a connection for this long is a failure. */
  stallMs: number;
}

/** An idle connection that the service closes just when it is used again costs a retry: close it first. */
const idleMs = 20_000;

/**
 * Requests to the JSON API over Node's own HTTP client, connections kept. Of the client's CPU an object of 100 kB takes
 * 0.3 ms to write and 0.5 ms to read this way, 1.9 and 1.6 ms by way of @google-cloud/storage, which also ends the
 * process when a download is answered with 503.
 */
export function gcsTransport({ origin, authorise, stallMs }: GcsTransportOptions): GcsTransport {
  const { Agent, request } = origin.protocol === "http:" ? http : https;
  // HTTPS_PROXY and NO_PROXY, as Google's client honours them.
  const proxy = origin.protocol === "https:" ? { proxyEnv: process.env } : {};
  const agent = new Agent({ keepAlive: true, timeout: idleMs, scheduling: "lifo", ...proxy });
  const target = { protocol: origin.protocol, hostname: origin.hostname.replace(/^\[|\]$/g, ""), port: origin.port, agent };

  return {
    send: async ({ method, path, headers, body = [], signal, head, doing, uri }) => {
      signal?.throwIfAborted();
      const authorised = await unlessAborted(authorise(), signal);
      const length = body.reduce((sum, part) => sum + part.length, 0);
      const sent = request({
        ...target,
        method,
        path,
        timeout: stallMs,
        headers: { ...headers, ...authorised, ...(method === "POST" && { "content-length": length }) },
      });
      try {
        return await unlessAborted(exchange(sent, body, stallMs, head), signal);
      } catch (error) {
        sent.destroy();
        throw signal?.aborted === true ? signal.reason : networkError(error, doing, uri);
      }
    },
    close: () => agent.destroy(),
  };
}

async function unlessAborted<T>(pending: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return pending;
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    signal.addEventListener("abort", abort, { once: true });
    if (signal.aborted) abort();
    pending.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

async function exchange(sent: ClientRequest, body: Uint8Array[], stallMs: number, head: GcsRequest["head"]): Promise<GcsAnswer> {
  return new Promise((resolve, reject) => {
    sent.on("error", reject);
    sent.on("timeout", () => sent.destroy(new StoreError("UNAVAILABLE", `no byte came or went for ${stallMs / 1000} s`)));
    sent.on("response", (answer) => {
      answer.on("error", reject);
      try {
        if (answer.statusCode! < 300) head?.(answer);
        collect(answer, resolve, reject);
      } catch (error) {
        reject(error);
      }
    });
    for (const part of body) sent.write(part);
    sent.end();
  });
}

/** The buffer has its memory for itself, so that it can be transferred to a thread. */
function collect(answer: IncomingMessage, resolve: (answer: GcsAnswer) => void, reject: (error: Error) => void): void {
  const announced = answer.headers["content-length"];
  const whole = announced === undefined ? undefined : Buffer.allocUnsafeSlow(Number(announced));
  const parts: Buffer[] = [];
  let length = 0;
  answer.on("data", (part: Buffer) => {
    if (whole === undefined) parts.push(part);
    else part.copy(whole, length);
    length += part.length;
  });
  answer.on("end", () => {
    if (whole !== undefined && length !== whole.length) reject(new Error(`${length} of ${whole.length} bytes arrived`));
    else resolve({ status: answer.statusCode!, headers: answer.headers, body: whole ?? own(Buffer.concat(parts)) });
  });
}

function own(bytes: Buffer): Buffer {
  if (bytes.buffer.byteLength === bytes.byteLength) return bytes;
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(copy);
  return copy;
}
