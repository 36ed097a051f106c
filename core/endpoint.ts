import { isIPv4 } from "node:net";
import { usageError } from "./errors.ts";

export interface Endpoint {
  /** With scheme, without a trailing slash. */
  url: string;
  /** On this machine: no credentials are looked for. */
  loopback: boolean;
}

/** Where a service answers: `http://127.0.0.1:4443`, `https://name`, or `host:port`, which is http on the loopback range only. */
export function parseEndpoint(text: string): Endpoint {
  const url = URL.canParse(text) && /^https?:\/\//.test(text) ? new URL(text) : withScheme(text);
  return { url: url.href.replace(/\/+$/, ""), loopback: isLoopback(url.hostname) };
}

function withScheme(text: string): URL {
  if (!URL.canParse(`http://${text}`) || text.includes("://")) {
    throw usageError(`"${text}" is not an address`, "Write http://127.0.0.1:4443 or host:port.");
  }
  const plain = new URL(`http://${text}`);
  return isLoopback(plain.hostname) ? plain : new URL(`https://${text}`);
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "[::1]" || (isIPv4(host) && host.startsWith("127."));
}
