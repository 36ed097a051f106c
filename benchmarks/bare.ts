import { mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import sharp from "sharp";
import { inParallel } from "../core/parallel.ts";
import { imagesOf } from "./corpus.ts";

/*
 * What one would write without imagemill: read a file, shrink it, write it, as many at once as there are cores.
 *   UV_THREADPOOL_SIZE=<cores> node benchmarks/bare.ts SOURCE OUTPUT CORES [tuned]
 * `tuned` is how imagemill sets sharp: one thread an image, no cache. Ends with one JSON line.
 */

const [source = "", output = "", cores = "1", tuning] = process.argv.slice(2);
if (tuning === "tuned") {
  sharp.concurrency(1);
  sharp.cache(false);
}
const images = await imagesOf(source);
await mkdir(output, { recursive: true });

const result = { images: images.length, bytesIn: 0, bytesOut: 0, wallMs: 0, cpuMs: 0 };
const started = performance.now();
const usedBefore = process.cpuUsage();
await inParallel(images, Number(cores), async (image) => {
  const bytes = await readFile(image);
  const small = await sharp(bytes)
    .autoOrient()
    .resize(256, 256, { fit: "inside", withoutEnlargement: true })
    .jpeg({ quality: 80 })
    .toBuffer();
  await writeFile(join(output, basename(image)), small);
  result.bytesIn += bytes.length;
  result.bytesOut += small.length;
});
result.wallMs = performance.now() - started;
const used = process.cpuUsage(usedBefore);
result.cpuMs = (used.user + used.system) / 1000;
process.stdout.write(`${JSON.stringify(result)}\n`);
