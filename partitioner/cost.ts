import type { Limits, SourceObject } from "../core/types.ts";

/** Formats that cost alike. `other` is everything else, what is no image included. */
export const families = ["jpeg", "png", "webp", "gif", "heif", "tiff", "svg", "other"] as const;
export type Family = (typeof families)[number];

export interface FamilyCost {
  fixedMs: number;
  /** 10^6 bytes. */
  msPerMegabyte: number;
  /** 10^6 pixels. */
  msPerMegapixel: number;
  /** Stands in for the pixels where only bytes are known. */
  megapixelsPerMegabyte: number;
  /** Images that it was fitted to, as far as they still count; 0 for the default. */
  samples: number;
}

/** What one image costs one thread: fixedMs + bytes + pixels, by family. Plain data, stored as JSON. */
export interface CostModel {
  format: 1;
  families: Record<Family, FamilyCost>;
}

/**
 * Measured with sharp 0.35 in one thread: SHA-256, header, one decode to 512 px, two JPEGs of it; photographs of 0.1 to
 * 6 megapixels in each format. A model fitted to the user's own runs replaces it.
 */
export const defaultCostModel: CostModel = {
  format: 1,
  families: {
    jpeg: { fixedMs: 6.5, msPerMegabyte: 6, msPerMegapixel: 1.5, megapixelsPerMegabyte: 3, samples: 0 },
    png: { fixedMs: 5.5, msPerMegabyte: 1, msPerMegapixel: 8, megapixelsPerMegabyte: 0.7, samples: 0 },
    webp: { fixedMs: 5.5, msPerMegabyte: 10, msPerMegapixel: 7, megapixelsPerMegabyte: 7, samples: 0 },
    gif: { fixedMs: 4.5, msPerMegabyte: 2, msPerMegapixel: 9, megapixelsPerMegabyte: 1.2, samples: 0 },
    heif: { fixedMs: 5, msPerMegabyte: 5, msPerMegapixel: 35, megapixelsPerMegabyte: 12, samples: 0 },
    tiff: { fixedMs: 6, msPerMegabyte: 3, msPerMegapixel: 9, megapixelsPerMegabyte: 0.6, samples: 0 },
    svg: { fixedMs: 6, msPerMegabyte: 30, msPerMegapixel: 10, megapixelsPerMegabyte: 10, samples: 0 },
    other: { fixedMs: 4, msPerMegabyte: 5, msPerMegapixel: 5, megapixelsPerMegabyte: 1, samples: 0 },
  },
};

/** Predicted milliseconds of one thread, to a microsecond, so that a sum does not depend on how numbers are printed. */
export function predictMs(object: SourceObject, model: CostModel): number {
  const cost = model.families[familyOf(object.name, object.contentType)];
  const megabytes = object.sizeBytes / 1e6;
  const megapixels = object.pixels === undefined ? megabytes * cost.megapixelsPerMegabyte : object.pixels / 1e6;
  const ms = cost.fixedMs + cost.msPerMegabyte * megabytes + cost.msPerMegapixel * megapixels;
  return Math.round(ms * 1000) / 1000;
}

/** The same under the limits of a run: what is too large is never read, and no image takes longer than its deadline. */
export function predictWork(object: SourceObject, model: CostModel, { maxObjectBytes, imageTimeoutMs }: Limits): number {
  if (object.sizeBytes > maxObjectBytes || object.sizeBytes === 0) return unreadMs;
  return Math.min(predictMs(object, model), imageTimeoutMs);
}

/** A row without a look at the object. */
const unreadMs = 1;

const byWord = new Map<string, Family>([
  ["jpeg", "jpeg"],
  ["jpg", "jpeg"],
  ["jpe", "jpeg"],
  ["jfif", "jpeg"],
  ["pjpeg", "jpeg"],
  ["png", "png"],
  ["apng", "png"],
  ["webp", "webp"],
  ["gif", "gif"],
  ["heic", "heif"],
  ["heif", "heif"],
  ["hif", "heif"],
  ["avif", "heif"],
  ["tif", "tiff"],
  ["tiff", "tiff"],
  ["svg", "svg"],
  ["svg+xml", "svg"],
]);

/** By content type where it names an image format, else by extension. */
export function familyOf(name: string, contentType?: string): Family {
  if (contentType !== undefined && contentType.startsWith("image/")) {
    const family = byWord.get(contentType.slice(6).split(";")[0]!.trim().toLowerCase());
    if (family !== undefined) return family;
  }
  const dot = name.lastIndexOf(".");
  if (dot === -1 || name.length - dot > 6) return "other";
  const extension = name.slice(dot + 1);
  return byWord.get(extension) ?? byWord.get(extension.toLowerCase()) ?? "other";
}
