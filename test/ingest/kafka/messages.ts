import type { ImageMessage } from "../../../ingest/kafka/message.ts";

export function messageOf(value: Uint8Array | undefined, rest: Partial<ImageMessage> = {}): ImageMessage {
  return { topic: "photos", partition: 2, offset: 41n, timestampMs: Date.UTC(2026, 10, 23), key: undefined, value, headers: [], ...rest };
}

export function header(name: string, value: string | Uint8Array | undefined): [string, Uint8Array | undefined] {
  return [name, typeof value === "string" ? Buffer.from(value) : value];
}
