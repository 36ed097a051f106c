import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { gunzipSync } from "node:zlib";

export interface ProxiedCall {
  method: string;
  /** Without the query. */
  path: string;
  /** Parsed, where it is JSON or the job of an upload. */
  body: unknown;
}

/** What becomes of a call. */
export type Fault =
  /** The server does it, the caller hears 503. */
  | "lost-reply"
  /** The server does it, the connection breaks. */
  | "reset"
  /** Another caller did the same a moment before; this one hears what that leads to. */
  | "raced"
  /** The server never hears of it. */
  | "unavailable"
  | "rate-limited"
  /** No answer ever. */
  | "stall"
  /** The server never hears of it, this is said in its stead. */
  | ((call: ProxiedCall) => { status: number; body: unknown });

export interface BigqueryFaults {
  /** Calls that went through or failed, the oldest first. */
  readonly calls: ProxiedCall[];
  /** For the next `times` calls that match. */
  inject(fault: Fault, matches: (call: ProxiedCall) => boolean, times?: number): void;
  /** Changes replies to matching calls until it is cleared. */
  rewrite(matches: (call: ProxiedCall) => boolean, change: (reply: Record<string, unknown>) => Record<string, unknown>): void;
  clear(): void;
}

/**
 * Stands in front of local-bigquery. Adds: inserts of one job id take their turn (the server itself may take both of
 * two that race), compressed uploads are inflated. Makes calls fail on demand.
 */
export async function startBigqueryProxy(target: string): Promise<AsyncDisposable & { url: string; faults: BigqueryFaults }> {
  const injected: { fault: Fault; matches: (call: ProxiedCall) => boolean; left: number }[] = [];
  const rewrites: { matches: (call: ProxiedCall) => boolean; change: (reply: Record<string, unknown>) => Record<string, unknown> }[] = [];
  const calls: ProxiedCall[] = [];
  const turns = new Map<string, Promise<unknown>>();

  const inTurn = async <T>(call: ProxiedCall, act: () => Promise<T>): Promise<T> => {
    const id = jobIdOf(call);
    const earlier = id === undefined ? undefined : turns.get(id);
    const own = (earlier ?? Promise.resolve()).then(act);
    if (id !== undefined)
      turns.set(
        id,
        own.catch(() => undefined),
      );
    return own;
  };

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const bytes = await buffer(request);
    const upload = inflatedUpload(request, bytes);
    const call = { method: request.method ?? "GET", path: new URL(request.url ?? "/", target).pathname, body: upload.job ?? parsed(bytes) };
    calls.push(call);
    const fault = take(call);
    if (typeof fault === "function") {
      const { status, body } = fault(call);
      return reply(response, status, JSON.stringify(body));
    }
    if (fault === "stall") return;
    if (fault === "unavailable") return reply(response, 503, failure(503, "backendError"));
    if (fault === "rate-limited") return reply(response, 403, failure(403, "rateLimitExceeded"));
    if (fault === "raced") await inTurn(call, () => forward(request, upload.bytes));
    const answer = await inTurn(call, () => forward(request, upload.bytes));
    if (fault === "reset") return void response.destroy();
    if (fault === "lost-reply") return reply(response, 503, failure(503, "backendError"));
    const change = rewrites.find(({ matches }) => matches(call))?.change;
    const text = change === undefined ? answer.text : JSON.stringify(change(JSON.parse(answer.text) as Record<string, unknown>));
    return reply(response, answer.status, text);
  };

  const take = (call: ProxiedCall): Fault | undefined => {
    const next = injected.find(({ matches, left }) => left > 0 && matches(call));
    if (next !== undefined) next.left -= 1;
    return next?.fault;
  };

  const forward = async (request: IncomingMessage, body: Buffer): Promise<{ status: number; text: string }> => {
    const headers = new Headers();
    for (const name of ["content-type", "authorization"]) {
      const value = request.headers[name];
      if (typeof value === "string") headers.set(name, value);
    }
    const hasBody = request.method !== "GET" && request.method !== "DELETE";
    const answer = await fetch(`${target}${request.url ?? "/"}`, {
      method: request.method ?? "GET",
      headers,
      ...(hasBody && { body: new Uint8Array(body) }),
    });
    return { status: answer.status, text: await answer.text() };
  };

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => reply(response, 502, String(error)));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    faults: {
      calls,
      inject: (fault, matches, times = 1) => void injected.push({ fault, matches, left: times }),
      rewrite: (matches, change) => void rewrites.push({ matches, change }),
      clear: () => {
        injected.length = rewrites.length = calls.length = 0;
      },
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

function reply(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(text);
}

function failure(status: number, reason: string): string {
  return JSON.stringify({
    error: { code: status, message: `injected ${reason}`, errors: [{ reason, message: `injected ${reason}`, domain: "global" }] },
  });
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch {
    return undefined;
  }
}

export function jobIdOf({ method, path, body }: ProxiedCall): string | undefined {
  if (method !== "POST" || !path.endsWith("/jobs")) return undefined;
  return (body as { jobReference?: { jobId?: string } } | undefined)?.jobReference?.jobId;
}

/** BigQuery recognises gzip in what is sent to it; this server takes it for text. */
function inflatedUpload(request: IncomingMessage, bytes: Buffer): { bytes: Buffer; job?: unknown } {
  const boundary = /multipart\/related;\s*boundary="?([^";]+)/.exec(request.headers["content-type"] ?? "")?.[1];
  if (boundary === undefined) return { bytes };
  const [, head = Buffer.alloc(0), data = Buffer.alloc(0)] = split(bytes, Buffer.from(`--${boundary}`));
  const body = split(data, Buffer.from("\r\n\r\n"));
  const content = Buffer.concat(body.slice(1).flatMap((part, index) => (index === 0 ? [part] : [Buffer.from("\r\n\r\n"), part]))).subarray(
    0,
    -2,
  );
  const plain = content[0] === 0x1f && content[1] === 0x8b ? gunzipSync(content) : content;
  const inflated = [`--${boundary}`, head, `--${boundary}`, body[0]!, "\r\n\r\n", plain, `\r\n--${boundary}--\r\n`];
  return {
    bytes: Buffer.concat(inflated.map((part) => Buffer.from(part))),
    job: parsed(split(head, Buffer.from("\r\n\r\n"))[1] ?? Buffer.alloc(0)),
  };
}

function split(bytes: Buffer, separator: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  let start = 0;
  for (let at = bytes.indexOf(separator); at !== -1; at = bytes.indexOf(separator, start)) {
    parts.push(bytes.subarray(start, at));
    start = at + separator.length;
  }
  return [...parts, bytes.subarray(start)];
}
