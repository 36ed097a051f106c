import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";

/** Small JPEGs, no two alike; every 50th file is no image, so that a run has something to quarantine. */
export async function writePhotos(folder: string, count: number): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (let index = 0; index < count; index += 1) {
    const name = join(folder, `${String(index).padStart(5, "0")}.jpg`);
    await writeFile(name, index % 50 === 49 ? `no image ${index}` : await photo(index));
  }
}

/** A small JPEG, unlike that of any other index. */
export async function photo(index: number): Promise<Buffer> {
  const background = { r: index % 256, g: (index >> 8) % 256, b: (index * 7) % 256 };
  return sharp({ create: { width: 160 + (index % 80), height: 120, channels: 3, background } })
    .jpeg()
    .toBuffer();
}
