import { contentTypeOf, extensionOf } from "../jobs/formats.ts";
import { sniff } from "../jobs/magic.ts";

export type Recognised =
  | { image: true; extension: string; contentType: string }
  | { image: false; reason: "empty" | "not_an_image" | "unsupported_format"; message: string };

/** What `sniff` calls a format -> what the jobs call it. */
const formats: Record<string, string> = {
  JPEG: "jpeg",
  PNG: "png",
  GIF: "gif",
  WebP: "webp",
  TIFF: "tiff",
  BigTIFF: "tiff",
  AVIF: "avif",
  HEIF: "heif",
};

/** By the first bytes alone: whether the rest decodes is for the run to find out. */
export function recognise(bytes: Uint8Array): Recognised {
  if (bytes.length === 0) return { image: false, reason: "empty", message: "it has no bytes" };
  const sniffed = sniff(bytes);
  const format = sniffed?.kind === "read" ? formats[sniffed.name] : undefined;
  if (format !== undefined) return { image: true, extension: extensionOf(format), contentType: contentTypeOf(format) };
  if (sniffed?.kind === "unread") {
    return { image: false, reason: "unsupported_format", message: `it is ${sniffed.name}, which imagemill does not read` };
  }
  const what = sniffed === undefined ? `it starts with ${hexHead(bytes)}, like no image` : `it is ${sniffed.name}`;
  return { image: false, reason: "not_an_image", message: what };
}

function hexHead(bytes: Uint8Array): string {
  return Buffer.from(bytes.subarray(0, 8)).toString("hex");
}
