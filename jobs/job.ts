import type { Sharp } from "sharp";
import type { z, ZodType } from "zod";

/** What the header says, before any pixel is decoded. Sizes are of the upright image. */
export interface ImageHeader {
  /** jpeg, png, webp, gif, avif, heif, tiff, … as sharp names it. */
  format: string;
  width: number;
  height: number;
  /** EXIF orientation 1-8; 1 where the file says nothing. */
  orientation: number;
  colorSpace: string;
  channels: number;
  /** Bits of one channel as the file stores them: 1, 8, 16, …; 32f and 64f are floating point. */
  bitDepth: string;
  hasAlpha: boolean;
  pages: number;
  /** Raw EXIF block, "Exif\0\0" included. */
  exif?: Uint8Array;
}

export interface PixelBox {
  width: number;
  height: number;
}

/**
 * What a job will ask of the one decode that serves all jobs of the run, declared before it happens:
 * one entry for each different box that it will pass to `JobImage.pixels`; absent or empty = no decode at all.
 * A box = the upright image in sRGB, scaled down to fit inside it (never enlarged); `"full"` = at its full size.
 * Where one job declares one box, it is read straight from the source object (with shrink-on-load); otherwise the
 * decode is made once, for the largest, and everything is scaled from it.
 */
interface JobNeeds {
  pixels?: (PixelBox | "full")[];
}

export interface JobImage {
  readonly name: string;
  readonly header: ImageHeader;
  /** The source object, raw. Not to be changed. */
  readonly bytes: Uint8Array;
  /**
   * A sharp pipeline that starts from the shared decode: upright, 8-bit sRGB (3 channels, or 4 where the header has
   * alpha), inside `box`, without metadata; of several pages the first. Each call gives a fresh one, to be ended with
   * `toUint8Array` or `toBuffer`. It may hold a resize already: another one on it replaces that, and has to say its
   * `fit`. Throws when `needs` did not declare `box`.
   */
  pixels(box: PixelBox | "full"): Sharp;
}

export interface JobOutput {
  /** Unique within the job; a path segment of the archive: [A-Za-z0-9_-]{1,64}. */
  variant: string;
  bytes: Uint8Array;
  /** Also the extension, e.g. `jpeg` -> `.jpg` by `extensionOf`. */
  format: string;
  contentType: string;
  width?: number;
  height?: number;
}

/** Columns of the warehouse row that a job may fill. */
export interface Facts {
  takenAt?: string;
  cameraMake?: string;
  cameraModel?: string;
  lens?: string;
  gpsLatitude?: number;
  gpsLongitude?: number;
  /** 16 hex digits. */
  fingerprint?: string;
}

export interface JobResult {
  outputs?: JobOutput[];
  facts?: Facts;
  warnings?: string[];
}

/**
 * What is done to one image. Pure but for CPU: no I/O, no clock, no state between images; equal input gives equal
 * output. `run` may throw: the image is then quarantined as `job_error`, with the message, and the run goes on.
 */
export interface Job<P = unknown> {
  name: string;
  /** Raise it whenever the output for equal input changes: the ledger then knows that old work is stale. */
  version: number;
  /** A function, so that worker threads, which get validated params, never load zod. */
  params: (zod: typeof z) => ZodType<P>;
  needs(header: ImageHeader, params: P): JobNeeds;
  run(image: JobImage, params: P): Promise<JobResult>;
}

/** Gives a job its parameter type; the identity otherwise. */
export function defineJob<P>(job: Job<P>): Job<P> {
  return job;
}
