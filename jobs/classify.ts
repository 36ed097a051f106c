import { printable } from "../core/names.ts";
import type { QuarantineReason } from "../core/types.ts";
import type { ImageHeader } from "./job.ts";
import { sniff } from "./magic.ts";

export interface Failure {
  reason: QuarantineReason;
  /** For people: what is wrong with this image. */
  message: string;
}

const maxMessage = 300;

export const emptyFailure: Failure = { reason: "empty", message: "the object holds no bytes" };

/** `error` is what libvips said when it could not read the header. */
export function headerFailure(bytes: Uint8Array, error: string): Failure {
  const { name, kind } = sniff(bytes);
  if (kind === "other") return { reason: "unsupported_format", message: `${name} is a format that imagemill does not read` };
  if (kind === "text") return { reason: "not_an_image", message: `the object is ${name}, not an image` };
  if (kind === "unknown") return { reason: "not_an_image", message: "the bytes are of no known image format" };
  const detail = told(error);
  if (isUnsupported(error)) return { reason: "unsupported_format", message: `${name} of a kind that imagemill does not read: ${detail}` };
  return isCutShort(error)
    ? { reason: "truncated", message: `the ${name} ends within its header: ${detail}` }
    : { reason: "corrupt", message: `the header of the ${name} cannot be read: ${detail}` };
}

/** Undefined when the header promises an image that can be decoded within the limit. */
export function headerRefusal(header: ImageHeader, compression: string | undefined, maxPixels: number): Failure | undefined {
  if (compression !== undefined && compression !== "av1" && header.format === "heif") {
    const name = compression === "hevc" ? "HEIC with HEVC compression" : `HEIF with ${compression} compression`;
    return { reason: "unsupported_format", message: `${name} is a format that imagemill does not read; convert it to AVIF, JPEG or PNG` };
  }
  const pixels = header.width * header.height;
  if (pixels <= maxPixels) return undefined;
  return {
    reason: "too_many_pixels",
    message: `${header.width} x ${header.height} are ${megapixels(pixels)} megapixels; the limit (limits.maxPixels) is ${megapixels(maxPixels)}`,
  };
}

/** `error` is what libvips said when it could not decode the pixels, not even leniently. */
export function decodeFailure(header: ImageHeader, error: string): Failure {
  const detail = told(error);
  if (isTimeout(error)) return { reason: "timeout", message: `the decode took too long (limits.imageTimeoutMs): ${detail}` };
  if (/exceeds pixel limit/.test(error)) return { reason: "too_many_pixels", message: detail };
  if (isUnsupported(error))
    return { reason: "unsupported_format", message: `${header.format} of a kind that imagemill does not read: ${detail}` };
  return isCutShort(error)
    ? { reason: "truncated", message: `the ${header.format} ends before its last pixel: ${detail}` }
    : { reason: "corrupt", message: `the ${header.format} cannot be decoded: ${detail}` };
}

export function isTimeout(error: string): boolean {
  return /^timeout: /m.test(error);
}

function isUnsupported(error: string): boolean {
  return /not (configured|supported|implemented)|unsupported|Unsupported/.test(error);
}

function isCutShort(error: string): boolean {
  return /premature end|unexpected end|end of (file|stream|data)|read error|bad seek|Not enough data|truncated|No such strip|EOF/i.test(
    error,
  );
}

/** The first lines of what libvips said: it may repeat itself for each row of pixels. */
export function told(error: string): string {
  const lines = error.split("\n").map((line) => line.trim());
  const text = [...new Set(lines.filter((line) => line !== ""))].slice(0, 2).join("; ");
  return printable(text.replace(/^Input buffer has corrupt header: /, "")).slice(0, maxMessage);
}

function megapixels(pixels: number): string {
  return (pixels / 1e6).toLocaleString("en", { maximumFractionDigits: 1 });
}
