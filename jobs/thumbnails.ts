import type { Sharp } from "sharp";
import { contentTypeOf } from "./formats.ts";
import { defineJob, type Job, type JobOutput, type PixelBox } from "./job.ts";

export interface ThumbnailsParams {
  /** Edges of the squares that the outputs fit inside, in pixels; ascending, without repeats. */
  sizes: number[];
  format: "jpeg" | "webp" | "avif" | "png";
  /** Of the lossy formats; PNG is lossless. */
  quality: number;
}

/** Smaller copies: upright, sRGB, without metadata, never enlarged; of an animation the first page. */
const thumbnails: Job<ThumbnailsParams> = defineJob<ThumbnailsParams>({
  name: "thumbnails",
  version: 1,
  params: (zod) =>
    zod.strictObject({
      sizes: zod
        .array(zod.int().min(8).max(8192))
        .min(1)
        .max(16)
        .default([256])
        .transform((sizes) => [...new Set(sizes)].sort((a, b) => a - b)),
      format: zod.enum(["jpeg", "webp", "avif", "png"]).default("jpeg"),
      quality: zod.int().min(1).max(100).default(80),
    }),
  needs: (_header, params) => ({ pixels: params.sizes.map(square) }),
  run: async (image, params) => {
    const outputs: JobOutput[] = [];
    // One after the other: the images around this one keep the other cores busy.
    for (const size of params.sizes) {
      const pixels = image.pixels(square(size));
      // JPEG has no alpha, and black is what most viewers would show instead.
      const opaque = params.format === "jpeg" && image.header.hasAlpha ? pixels.flatten({ background: "white" }) : pixels;
      const { data, info } = await encode(opaque, params).toUint8Array();
      outputs.push({
        variant: String(size),
        bytes: data,
        format: params.format,
        contentType: contentTypeOf(params.format),
        width: info.width,
        height: info.height,
      });
    }
    return { outputs };
  },
});
export default thumbnails;

function square(size: number): PixelBox {
  return { width: size, height: size };
}

function encode(pixels: Sharp, { format, quality }: ThumbnailsParams): Sharp {
  if (format === "jpeg") return pixels.jpeg({ quality });
  if (format === "webp") return pixels.webp({ quality });
  return format === "avif" ? pixels.avif({ quality }) : pixels.png();
}
