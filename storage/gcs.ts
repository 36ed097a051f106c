import { gunzipSync } from "node:zlib";
import type { IncomingMessage } from "node:http";
import type { Clock, Random } from "../core/clock.ts";
import { printable } from "../core/names.ts";
import { copyBytes } from "./bytes.ts";
import { crc32cBase64 } from "./checksum.ts";
import { authorisation, gcsOrigin } from "./gcs-client.ts";
import { statusError, type GcsAnswer } from "./gcs-errors.ts";
import { gcsTransport, type GcsRequest } from "./gcs-http.ts";
import { infoOfHead, infoOfObject, multipartBody, objectFields, pathSegment, queryOf, type GcsObject } from "./gcs-objects.ts";
import { assertName } from "./names.ts";
import { nativeOf, setNative } from "./native.ts";
import { checksumMismatch, notFound, preconditionFailed, tooLarge } from "./outcomes.ts";
import {
  StoreError,
  type CopySource,
  type ListOptions,
  type ListPage,
  type ObjectInfo,
  type ObjectStore,
  type ReadOptions,
  type StoreCapabilities,
  type WriteOptions,
} from "./store.ts";

export interface GcsStoreOptions {
  bucket: string;
  /** "" or ends with "/". */
  prefix: string;
  /** See `gcsOrigin`. */
  endpoint?: string;
  clock: Clock;
  random: Random;
  /** Names a page of a listing; the service gives at most 1,000. */
  pageSize?: number;
  stallMs?: number;
}

const capabilities: StoreCapabilities = {
  listsCrc32c: true,
  keepsMetadata: true,
  lifecycle: true,
  parallelList: true,
  serverSideCopy: true,
};

type Sending = Omit<GcsRequest, "uri" | "signal"> & { name: string; signal: AbortSignal | undefined };

/** A bucket of Cloud Storage, or the names below a prefix of it. */
export function gcsStore(options: GcsStoreOptions): ObjectStore {
  const { bucket, prefix, endpoint, clock, random, pageSize = 1000, stallMs = 60_000 } = options;
  const origin = gcsOrigin(endpoint);
  const transport = gcsTransport({ origin, authorise: authorisation(endpoint, clock), stallMs });
  const boundary = `imagemill-${random.hex(16)}`;
  const uri = (name: string): string => `gs://${bucket}/${prefix}${name}`;
  const objectsPath = `/storage/v1/b/${bucket}/o`;
  const pathOf = (name: string): string => `${objectsPath}/${pathSegment(prefix + name)}`;

  const assertOwn = (name: string): void => {
    assertName(name, "refused");
    if (prefix !== "") assertName(prefix + name, "refused");
  };

  const send = async (sending: Sending): Promise<GcsAnswer> => transport.send({ ...sending, uri: uri(sending.name) });
  const failed = (answer: GcsAnswer, doing: string, name: string, ifGeneration?: string): Error => {
    if (answer.status === 412 && ifGeneration !== undefined) return preconditionFailed(uri(name), ifGeneration);
    return statusError(answer, doing, uri(name), clock.now());
  };
  const parse = <T>(answer: GcsAnswer, name: string): T => {
    try {
      return JSON.parse(answer.body.toString("utf8")) as T;
    } catch (error) {
      throw new StoreError("UNAVAILABLE", `${printable(uri(name))}: the answer of Cloud Storage is not whole`, { cause: error });
    }
  };

  const stat = async (name: string, signal: AbortSignal | undefined, generation?: string): Promise<ObjectInfo | undefined> => {
    assertOwn(name);
    const path = pathOf(name) + queryOf({ fields: objectFields, generation });
    const answer = await send({ method: "GET", path, signal, doing: "look at", name });
    if (answer.status === 404) return undefined;
    if (answer.status !== 200) throw failed(answer, "look at", name);
    return infoOfObject(parse<GcsObject>(answer, name), prefix);
  };

  const read = async (name: string, reading: ReadOptions): Promise<{ info: ObjectInfo; bytes: Uint8Array }> => {
    const { generation, range, maxBytes, signal } = reading;
    assertOwn(name);
    if (range !== undefined && range.end !== undefined && range.end <= range.start) return nothingOf(name, reading);
    const answer = await send({
      method: "GET",
      path: pathOf(name) + queryOf({ alt: "media", generation }),
      // Says that gzip is understood: the service then sends what is stored instead of inflating it.
      headers: {
        "accept-encoding": "gzip",
        ...(range && { range: `bytes=${range.start}-${range.end === undefined ? "" : range.end - 1}` }),
      },
      head: ({ headers }: IncomingMessage) => {
        const { sizeBytes } = infoOfHead(name, headers);
        if (maxBytes !== undefined && sizeBytes > maxBytes) throw tooLarge(uri(name), sizeBytes, maxBytes);
      },
      signal,
      doing: "read",
      name,
    });
    if (answer.status === 416) return nothingOf(name, reading);
    if (answer.status === 404) throw notFound(uri(name), generation);
    if (answer.status !== 200 && answer.status !== 206) throw failed(answer, "read", name);
    const info = infoOfHead(name, answer.headers);
    if (range !== undefined) return { info, bytes: answer.body };
    return { info, bytes: checked(storedBytes(answer), info, uri(name)) };
  };

  /** A range without bytes: Cloud Storage has no success for it. */
  const nothingOf = async (name: string, { generation, signal }: ReadOptions): Promise<{ info: ObjectInfo; bytes: Uint8Array }> => {
    const info = await stat(name, signal, generation);
    if (info === undefined) throw notFound(uri(name), generation);
    return { info, bytes: Buffer.allocUnsafeSlow(0) };
  };

  const write = async (name: string, bytes: Uint8Array, writing: WriteOptions): Promise<ObjectInfo> => {
    const { ifGeneration, contentType = "application/octet-stream", metadata, signal } = writing;
    assertOwn(name);
    const crc32c = crc32cBase64(bytes);
    const query = queryOf({ uploadType: "multipart", ifGenerationMatch: ifGeneration, fields: objectFields });
    const answer = await send({
      method: "POST",
      path: `/upload${objectsPath}${query}`,
      headers: { "content-type": `multipart/related; boundary=${boundary}` },
      body: multipartBody({ name: prefix + name, contentType, crc32c, metadata }, contentType, bytes, boundary),
      signal,
      doing: "write",
      name,
    });
    if (answer.status !== 200) throw failed(answer, "write", name, ifGeneration);
    const info = infoOfObject(parse<GcsObject>(answer, name), prefix);
    if (info.sizeBytes !== bytes.length || info.crc32c !== crc32c)
      throw checksumMismatch(uri(name), "other bytes were stored than were sent");
    return info;
  };

  /** Moves no bytes through this process; large objects take several calls. */
  const rewrite = async (
    source: CopySource,
    from: { bucket: string; prefix: string },
    name: string,
    writing: WriteOptions,
  ): Promise<ObjectInfo> => {
    const { ifGeneration, signal } = writing;
    assertOwn(name);
    const sourcePath = `/storage/v1/b/${from.bucket}/o/${pathSegment(from.prefix + source.name)}`;
    const body = await overrides(source, writing);
    for (let rewriteToken: string | undefined; ;) {
      const query = queryOf({ sourceGeneration: source.generation, ifGenerationMatch: ifGeneration, rewriteToken });
      const answer = await send({
        method: "POST",
        path: `${sourcePath}/rewriteTo/b/${bucket}/o/${pathSegment(prefix + name)}${query}`,
        headers: { "content-type": "application/json" },
        body,
        signal,
        doing: "copy to",
        name,
      });
      if (answer.status === 404) throw notFound(source.store.uri(source.name), source.generation);
      if (answer.status !== 200) throw failed(answer, "copy to", name, ifGeneration);
      const result = parse<{ done: boolean; rewriteToken?: string; resource?: GcsObject }>(answer, name);
      if (result.done && result.resource !== undefined) return infoOfObject(result.resource, prefix);
      rewriteToken = result.rewriteToken;
    }
  };

  async function* list(listing: ListOptions = {}): AsyncGenerator<ListPage> {
    const { startOffset, endOffset, delimiter, signal } = listing;
    const asked = {
      prefix: prefix + (listing.prefix ?? ""),
      startOffset: startOffset === undefined ? undefined : prefix + startOffset,
      endOffset: endOffset === undefined ? undefined : prefix + endOffset,
      delimiter,
      maxResults: pageSize,
      fields: `items(${objectFields}),prefixes,nextPageToken`,
    };
    for (let pageToken: string | undefined; ;) {
      const answer = await send({
        method: "GET",
        path: objectsPath + queryOf({ ...asked, pageToken }),
        signal,
        doing: "list",
        name: listing.prefix ?? "",
      });
      if (answer.status !== 200) throw failed(answer, "list", listing.prefix ?? "");
      const page = parse<{ items?: GcsObject[]; prefixes?: string[]; nextPageToken?: string }>(answer, listing.prefix ?? "");
      const objects = (page.items ?? []).map((object) => infoOfObject(object, prefix));
      const prefixes = (page.prefixes ?? []).map((name) => name.slice(prefix.length));
      if (objects.length + prefixes.length > 0) yield { objects, prefixes };
      pageToken = page.nextPageToken;
      if (pageToken === undefined || pageToken === "") return;
    }
  }

  const store: ObjectStore = {
    url: `gs://${bucket}${prefix === "" ? "" : `/${prefix.slice(0, -1)}`}`,
    bucket,
    prefix,
    capabilities,
    list,
    stat: async (name, { signal } = {}) => stat(name, signal),
    read: async (name, reading = {}) => read(name, reading),
    write: async (name, bytes, writing = {}) => write(name, bytes, writing),
    copy: async (source, name, writing = {}) => {
      const from = nativeOf(source.store);
      if (from?.kind !== "gs" || from.origin !== origin.origin) return copyBytes(store, source, name, writing);
      return rewrite(source, from, name, writing);
    },
    delete: async (name, { ifGeneration, signal } = {}) => {
      assertOwn(name);
      const path = pathOf(name) + queryOf({ ifGenerationMatch: ifGeneration });
      const answer = await send({ method: "DELETE", path, signal, doing: "delete", name });
      if (answer.status === 404) return false;
      if (answer.status >= 300) throw failed(answer, "delete", name, ifGeneration);
      return true;
    },
    uri,
    close: async () => transport.close(),
  };
  return setNative(store, { kind: "gs", bucket, prefix, origin: origin.origin });
}

/** A copy takes the source's description along, unless it is given one: then that is all it gets. */
async function overrides(source: CopySource, { contentType, metadata, signal }: WriteOptions): Promise<Uint8Array[]> {
  if (contentType === undefined && metadata === undefined) return [];
  const original = await source.store.stat(source.name, signal === undefined ? {} : { signal });
  return [Buffer.from(JSON.stringify({ contentType: contentType ?? original?.contentType, metadata: metadata ?? original?.metadata }))];
}

/** As stored: what was compressed for the way alone is inflated, what is stored compressed stays so. */
function storedBytes({ headers, body }: GcsAnswer): Buffer {
  const compressedOnTheWay = headers["content-encoding"] === "gzip" && headers["x-goog-stored-content-encoding"] === "identity";
  return compressedOnTheWay ? gunzipSync(body) : body;
}

function checked(bytes: Buffer, info: ObjectInfo, uri: string): Buffer {
  if (bytes.length !== info.sizeBytes) throw checksumMismatch(uri, `${bytes.length} of ${info.sizeBytes} bytes arrived`);
  const actual = crc32cBase64(bytes);
  if (info.crc32c !== undefined && actual !== info.crc32c) throw checksumMismatch(uri, `crc32c is ${actual}, should be ${info.crc32c}`);
  return bytes;
}
