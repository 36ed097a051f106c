import { promisify } from "node:util";
import { gunzipSync, gzip, gzipSync } from "node:zlib";
import { ImagemillError } from "./errors.ts";

/** One JSON value a line, gzip. Deterministic: equal values in equal order give equal bytes (no time in the header). */
export function encodeNdjson(values: Iterable<unknown>): Uint8Array {
  let text = "";
  for (const value of values) text += `${JSON.stringify(value)}\n`;
  return gzipSync(text, { level: 6 });
}

const gzipAsync = promisify(gzip);

/** As `encodeNdjson`, of bytes that are NDJSON already; compresses off the main thread. */
export async function gzipNdjson(bytes: Uint8Array): Promise<Uint8Array> {
  return await gzipAsync(bytes, { level: 4 });
}

/** Throws CORRUPT_FILE, naming the file, for anything but whole, valid lines. */
export function decodeNdjson<T>(bytes: Uint8Array, file: string): T[] {
  try {
    const text = gunzipSync(bytes).toString("utf8");
    if (text !== "" && !text.endsWith("\n")) throw new Error("the last line is cut off");
    return text
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line) as T);
  } catch (error) {
    throw new ImagemillError("CORRUPT_FILE", `${file} is not whole`, {
      hint: 'It was damaged after it was written; see docs/operations.md, "A damaged control file".',
      cause: error,
    });
  }
}
