import { once } from "node:events";
import http, { type IncomingMessage, type ServerResponse } from "node:http";

export interface Answer {
  status: number;
  headers: http.OutgoingHttpHeaders;
  body: Buffer;
}

/** What goes wrong with one request; `after` = the server has done its work, and the answer is lost or replaced. */
export type HttpFault =
  | { kind: "status"; status: number; retryAfter?: string; when: "before" | "after"; body?: string }
  | { kind: "reset"; when: "before" | "after" }
  | { kind: "stall"; when: "before" | "after" }
  /** Half of the body, then the connection ends; `quietly` with a length that fits. */
  | { kind: "truncate"; quietly: boolean }
  | { kind: "flip" }
  /** Another client made the same request a moment before. */
  | { kind: "raced" };

export function json(status: number, value: unknown): Answer {
  return { status, headers: { "content-type": "application/json; charset=UTF-8" }, body: Buffer.from(JSON.stringify(value)) };
}

export async function forward(
  endpoint: string,
  agent: http.Agent,
  method: string,
  path: string,
  headers: http.OutgoingHttpHeaders,
  body: Buffer | undefined,
): Promise<Answer> {
  const { hostname, port } = new URL(endpoint);
  const sent = http.request({ hostname, port, method, path, headers, agent });
  sent.end(body);
  const [answer] = (await once(sent, "response")) as [IncomingMessage];
  return { status: answer.statusCode!, headers: answer.headers, body: await bodyOf(answer) };
}

export async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of message) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

export function send(response: ServerResponse, { status, headers, body }: Answer): void {
  const { "transfer-encoding": _chunked, connection: _connection, ...kept } = headers;
  response.writeHead(status, { ...kept, "content-length": body.length });
  response.end(body);
}

export function misbehave(response: ServerResponse, fault: HttpFault, answer: Answer | undefined): void {
  if (fault.kind === "stall") return;
  if (fault.kind === "raced") return send(response, answer!);
  if (fault.kind === "reset") {
    response.socket?.resetAndDestroy();
  } else if (fault.kind === "status") {
    const retryAfter = fault.retryAfter === undefined ? {} : { "retry-after": fault.retryAfter };
    send(response, { status: fault.status, headers: { ...retryAfter }, body: Buffer.from(fault.body ?? "injected") });
  } else if (fault.kind === "flip") {
    const body = Buffer.from(answer!.body);
    if (body.length > 0) body[body.length >> 1]! ^= 1;
    send(response, { ...answer!, body });
  } else {
    truncate(response, answer!, fault.quietly);
  }
}

function truncate(response: ServerResponse, { status, headers, body }: Answer, quietly: boolean): void {
  const half = body.subarray(0, body.length >> 1);
  if (quietly) {
    send(response, { status, headers, body: half });
    return;
  }
  const { "transfer-encoding": _chunked, connection: _connection, ...kept } = headers;
  response.writeHead(status, { ...kept, "content-length": body.length });
  response.write(half, () => response.socket?.resetAndDestroy());
}
