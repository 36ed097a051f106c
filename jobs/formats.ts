/** What an output's `format` means to those who store it. */
const formats: Record<string, { extension: string; contentType: string }> = {
  jpeg: { extension: "jpg", contentType: "image/jpeg" },
  png: { extension: "png", contentType: "image/png" },
  webp: { extension: "webp", contentType: "image/webp" },
  avif: { extension: "avif", contentType: "image/avif" },
  gif: { extension: "gif", contentType: "image/gif" },
  tiff: { extension: "tif", contentType: "image/tiff" },
  heif: { extension: "heic", contentType: "image/heif" },
};

/** Without the dot; a format that is not known here is its own extension. */
export function extensionOf(format: string): string {
  return formats[format]?.extension ?? format;
}

export function contentTypeOf(format: string): string {
  return formats[format]?.contentType ?? "application/octet-stream";
}
