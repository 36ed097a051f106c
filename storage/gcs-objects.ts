import type { IncomingHttpHeaders } from "node:http";
import { StoreError, type ObjectInfo } from "./store.ts";

/** An object as the JSON API writes it; numbers are strings. */
export interface GcsObject {
  name: string;
  generation: string;
  size: string;
  crc32c?: string;
  contentType?: string;
  timeCreated?: string;
  metadata?: Record<string, string>;
}

export const objectFields = "name,generation,size,crc32c,contentType,timeCreated,metadata";

export function infoOfObject(object: GcsObject, prefix: string): ObjectInfo {
  const { name, generation, size, crc32c, contentType, timeCreated, metadata } = object;
  return {
    name: name.slice(prefix.length),
    generation,
    sizeBytes: Number(size),
    ...(crc32c !== undefined && { crc32c }),
    ...(contentType !== undefined && { contentType }),
    ...(timeCreated !== undefined && { createdAt: timeCreated }),
    ...(metadata !== undefined && { metadata }),
  };
}

/** What the head of a download says of the stored object, whatever part of it or encoding is sent. */
export function infoOfHead(name: string, headers: IncomingHttpHeaders): ObjectInfo {
  const generation = single(headers["x-goog-generation"]);
  const stored = single(headers["x-goog-stored-content-length"]) ?? headers["content-length"];
  const crc32c = /(?:^|,)\s*crc32c=([^,]+)/.exec(single(headers["x-goog-hash"]) ?? "")?.[1];
  if (generation === undefined || stored === undefined) {
    throw new StoreError("STORE_FAILED", "the answer does not say which generation it is", {
      hint: "Something between here and Cloud Storage drops its headers (x-goog-generation): check the endpoint.",
    });
  }
  return {
    name,
    generation,
    sizeBytes: Number(stored),
    ...(crc32c !== undefined && { crc32c }),
    ...(headers["content-type"] !== undefined && { contentType: headers["content-type"] }),
  };
}

function single(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header.join(",") : header;
}

/** Of a multipart upload: the resource, then the bytes as they are. */
export function multipartBody(resource: object, contentType: string, bytes: Uint8Array, boundary: string): Uint8Array[] {
  const head =
    `--${boundary}\r\ncontent-type: application/json; charset=UTF-8\r\n\r\n${JSON.stringify(resource)}\r\n` +
    `--${boundary}\r\ncontent-type: ${contentType}\r\n\r\n`;
  return [Buffer.from(head), bytes, Buffer.from(`\r\n--${boundary}--\r\n`)];
}

/** A query of the members that are set. */
export function queryOf(members: Record<string, string | number | undefined>): string {
  const pairs = Object.entries(members).filter(([, value]) => value !== undefined);
  return pairs.length === 0 ? "" : `?${pairs.map(([key, value]) => `${key}=${encodeURIComponent(value!)}`).join("&")}`;
}

/** A name as one segment of a path; dots alone would be taken for steps up. */
export function pathSegment(name: string): string {
  return encodeURIComponent(name).replace(/^\.{1,2}$/, (dots) => dots.replaceAll(".", "%2E"));
}
