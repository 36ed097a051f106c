import { printable } from "../core/names.ts";
import type { QuarantineReason } from "../core/types.ts";
import { endsEarly } from "./ending.ts";
import type { ImageHeader } from "./job.ts";
import { sniff } from "./magic.ts";

/** Why an image is quarantined; `message` is for people. */
export interface Failure {
  reason: QuarantineReason;
  message: string;
}

export const emptyFailure: Failure = { reason: "empty", message: "the object holds no bytes" };

/** `error` is what libvips said when it could not read the header. */
export function headerFailure(bytes: Uint8Array, error: string): Failure {
  const sniffed = sniff(bytes);
  if (sniffed === undefined) return { reason: "not_an_image", message: "the bytes are of no image format that imagemill knows" };
  const { name, kind } = sniffed;
  if (kind === "other") return { reason: "not_an_image", message: `it is ${name}, not an image` };
  if (kind === "unread") return { reason: "unsupported_format", message: `it is ${name}, which imagemill does not read` };
  return pixelsFailure(bytes, name, error);
}

/** By its first bytes, an image of a format that imagemill reads: what is wrong with it, only libvips can say. */
export function isRead(bytes: Uint8Array): boolean {
  return sniff(bytes)?.kind === "read";
}

/**
 * Undefined when the header promises an image that can be decoded within the limit. Of several pages one is decoded,
 * so the limit is about the pixels of one.
 */
export function headerRefusal(header: ImageHeader, compression: string | undefined, maxPixels: number): Failure | undefined {
  if (header.format === "heif") {
    const name = compression === "hevc" ? "HEIC (HEVC compression)" : `HEIF with ${compression ?? "unknown"} compression`;
    return { reason: "unsupported_format", message: `it is ${name}, which imagemill does not read; AVIF, JPEG and PNG it does` };
  }
  const pixels = header.width * header.height;
  if (pixels <= maxPixels) return undefined;
  return {
    reason: "too_many_pixels",
    message: `${header.width} x ${header.height} is ${megapixels(pixels)} megapixels; limits.maxPixels is ${megapixels(maxPixels)}`,
  };
}

/** `error` is what libvips said when it could not decode the pixels. */
export function decodeFailure(bytes: Uint8Array, header: ImageHeader, error: string): Failure {
  return pixelsFailure(bytes, header.format === "webp" ? "WebP" : header.format.toUpperCase(), error);
}

function pixelsFailure(bytes: Uint8Array, format: string, error: string): Failure {
  if (isTimeout(error)) return timeoutFailure(told(error));
  if (/exceeds (pixel|channel) limit/.test(error)) return { reason: "too_many_pixels", message: told(error) };
  if (endsEarly(bytes) ?? isCutShort(error))
    return { reason: "truncated", message: `the ${format} ends too early: ${told(error, cutShort)}` };
  if (isUnsupported(error))
    return { reason: "unsupported_format", message: `a kind of ${format} that imagemill does not read: ${told(error, unsupported)}` };
  return { reason: "corrupt", message: `the ${format} is damaged: ${told(error)}` };
}

export function timeoutFailure(detail: string): Failure {
  return { reason: "timeout", message: `the image took longer than limits.imageTimeoutMs: ${detail}` };
}

export function isTimeout(error: string): boolean {
  return /^timeout: /m.test(error);
}

const unsupported =
  /not configured|not supported|not impl\w+|unsupported|Unsupported|not a whole number of bytes|bad labq format|No codec|Unknown compression/;
const cutShort = /premature end|unexpected end|end of (file|stream|data)|libpng read error|bad seek|not enough data/i;

/** Formats come in kinds that the build of libvips was not given, or that libvips never had. */
export function isUnsupported(error: string): boolean {
  return unsupported.test(error);
}

export function isCutShort(error: string): boolean {
  return cutShort.test(error);
}

const maxMessage = 240;
/** What libvips adds to the line that matters. */
const noise =
  /^(Input buffer has corrupt header:|Warning treated as error due to failOn setting|.*Defined set_get_field_type of custom tag.*)$/;

/** The line that matters of what libvips said: it repeats itself for each row of pixels. */
export function told(error: string, about?: RegExp): string {
  const lines = error
    .split("\n")
    .map((line) => line.replace(/^Input buffer has corrupt header: /, "").trim())
    .filter((line) => line !== "");
  const line = lines.find((each) => about?.test(each)) ?? lines.find((each) => !noise.test(each)) ?? "libvips cannot read it";
  return printable(line.slice(0, maxMessage));
}

function megapixels(pixels: number): string {
  return (pixels / 1e6).toLocaleString("en", { maximumFractionDigits: 1 });
}
