import { pipeline, Readable, type Duplex } from "node:stream";
import { brotliDecompressSync, createGunzip, gunzipSync, zstdDecompressSync } from "node:zlib";
import { parse } from "csv-parse";
import { parquetMetadataAsync, parquetReadObjects, parquetSchema, type AsyncBuffer, type Compressors } from "hyparquet";
import { ImagemillError, messageOf } from "../core/errors.ts";
import { printable } from "../core/names.ts";
import { notFound } from "./outcomes.ts";
import type { ObjectInfo, ObjectStore } from "./store.ts";
import type { ListFormat } from "./url.ts";

export interface UriFile {
  store: ObjectStore;
  name: string;
  format: ListFormat;
}

const columns = ["uri", "url", "path", "name"];
const pieceBytes = 4 << 20;
const pageRows = 1_000;
const parquetRows = 20_000;
const maxLineChars = 1 << 20;

/** The URIs of a list as they are written, page by page; bounded memory, except for the row groups of Parquet. */
export async function* readUris(file: UriFile, signal?: AbortSignal): AsyncGenerator<string[]> {
  const info = await file.store.stat(file.name, signal === undefined ? {} : { signal });
  if (info === undefined) throw notFound(file.store.uri(file.name));
  if (file.format === "parquet") yield* parquetUris(file, info, signal);
  else if (file.format === "csv") yield* pagesOf(csvUris(file, info, signal));
  else yield* pagesOf(ndjsonUris(file, info, signal));
}

async function* pagesOf(uris: AsyncIterable<string>): AsyncGenerator<string[]> {
  let page: string[] = [];
  for await (const uri of uris) {
    page.push(uri);
    if (page.length < pageRows) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}

async function* pieces({ store, name }: UriFile, { sizeBytes, generation }: ObjectInfo, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < sizeBytes; start += pieceBytes) {
    const range = { start, end: Math.min(sizeBytes, start + pieceBytes) };
    yield (await store.read(name, { range, generation, ...(signal && { signal }) })).bytes;
  }
}

/** The file through what decodes it; an error of any of them, or leaving early, ends them all. */
function decoded(file: UriFile, info: ObjectInfo, signal: AbortSignal | undefined, ...decoders: Duplex[]): AsyncIterable<unknown> {
  const gunzip = file.name.toLowerCase().endsWith(".gz") ? [createGunzip()] : [];
  const streams = [Readable.from(pieces(file, info, signal)), ...gunzip, ...decoders];
  // What goes wrong is thrown where the last stream is read.
  if (streams.length > 1) pipeline(streams, () => undefined);
  return streams.at(-1)!;
}

async function* csvUris(file: UriFile, info: ObjectInfo, signal?: AbortSignal): AsyncGenerator<string> {
  let column: string | undefined;
  const parser = parse({
    bom: true,
    record_delimiter: ["\r\n", "\n", "\r"],
    skip_empty_lines: true,
    info: true,
    max_record_size: maxLineChars,
    columns: (header: string[]) => {
      column = columnOf(header, file);
      return header;
    },
  });
  try {
    for await (const { record, info: place } of decoded(file, info, signal, parser) as AsyncIterable<CsvRecord>) {
      yield checked(record[column!], file, `line ${place.lines}`);
    }
  } catch (error) {
    throw badList(error, file, signal);
  }
}

interface CsvRecord {
  record: Record<string, string>;
  info: { lines: number };
}

async function* ndjsonUris(file: UriFile, info: ObjectInfo, signal?: AbortSignal): AsyncGenerator<string> {
  let line = 0;
  let column: string | undefined;
  try {
    for await (const text of linesOf(decoded(file, info, signal) as AsyncIterable<Uint8Array>)) {
      line++;
      if (text.trim() === "") continue;
      const value: unknown = JSON.parse(text);
      if (typeof value === "string") yield value;
      else if (!isRecord(value)) throw new Error("it is neither an object nor a text");
      else yield checked(value[(column ??= columnOf(Object.keys(value), file))], file, `line ${line}`);
    }
  } catch (error) {
    throw error instanceof ImagemillError ? error : badList(new Error(`line ${line}: ${messageOf(error)}`, { cause: error }), file, signal);
  }
}

async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop()!;
    yield* lines;
    if (rest.length > maxLineChars) throw new Error(`the line is longer than ${maxLineChars} characters`);
  }
  if (rest !== "") yield rest;
}

const compressors: Compressors = {
  GZIP: (bytes) => gunzipSync(bytes),
  ZSTD: (bytes) => zstdDecompressSync(bytes),
  BROTLI: (bytes) => brotliDecompressSync(bytes),
};

async function* parquetUris(file: UriFile, { sizeBytes, generation }: ObjectInfo, signal?: AbortSignal): AsyncGenerator<string[]> {
  const buffer: AsyncBuffer = {
    byteLength: sizeBytes,
    slice: async (start, end = sizeBytes) => {
      const { bytes } = await file.store.read(file.name, { range: { start, end }, generation, ...(signal && { signal }) });
      return Uint8Array.from(bytes).buffer;
    },
  };
  try {
    const metadata = await parquetMetadataAsync(buffer);
    const column = columnOf(
      parquetSchema(metadata).children.map(({ element }) => element.name),
      file,
    );
    const rows = Number(metadata.num_rows);
    for (let rowStart = 0; rowStart < rows; rowStart += parquetRows) {
      const rowEnd = Math.min(rows, rowStart + parquetRows);
      const read = await parquetReadObjects({ file: buffer, metadata, columns: [column], rowStart, rowEnd, compressors });
      yield read.map((row, index) => checked(row[column], file, `row ${rowStart + index + 1}`));
    }
  } catch (error) {
    throw badList(error, file, signal);
  }
}

function columnOf(names: string[], file: UriFile): string {
  for (const wanted of columns) {
    const found = names.find((name) => name.trim().toLowerCase() === wanted);
    if (found !== undefined) return found;
  }
  const listed = names.map((name) => JSON.stringify(name)).join(", ");
  throw badList(new Error(`it has no column ${columns.join(", ")}; it has ${printable(listed).slice(0, 200)}`), file);
}

function checked(value: unknown, file: UriFile, place: string): string {
  if (typeof value === "string" && value.trim() !== "") return value.trim();
  throw badList(new Error(`${place} has no URI`), file);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What stopped the reading stays what it is; everything else is about what the file holds. */
function badList(error: unknown, file: UriFile, signal?: AbortSignal): unknown {
  if (error instanceof ImagemillError || signal?.aborted === true) return error;
  return new ImagemillError("BAD_LIST", `the list ${printable(file.store.uri(file.name))} cannot be read: ${printable(messageOf(error))}`, {
    hint: "A list is CSV with a header, NDJSON or Parquet, with one URI a row in a column called uri, url, path or name.",
    exitCode: 2,
    cause: error,
  });
}
