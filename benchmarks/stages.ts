import { mkdir, readFile, rm } from "node:fs/promises";
import { join, relative } from "node:path";
import { createHash } from "node:crypto";
import { inParallel } from "../core/parallel.ts";
import { loadJobs } from "../jobs/load.ts";
import { processImage, type ImageResult } from "../jobs/process.ts";
import { resolveJobs } from "../jobs/resolve.ts";
import sharp from "../jobs/sharp.ts";
import { fileStore } from "../storage/file.ts";
import { imagesOf } from "./corpus.ts";
import type { Stage } from "./results.ts";

/*
 * Where an image's time goes: each stage alone, as imagemill does it, with as many images in flight as there are cores.
 * `process` is the run with its reads and writes taken away, `read + process` the run into a writer that drops all.
 *   UV_THREADPOOL_SIZE=<cores> node benchmarks/stages.ts SOURCE SCRATCH CORES IMAGES REPETITIONS
 * Ends with one JSON line.
 */

const [source = "", scratch = "", cores = "1", limit = "500", repetitions = "3"] = process.argv.slice(2);
const all = await imagesOf(source);
// Evenly from the sorted names, so that small and large ones keep their share.
const every = Math.max(1, Math.floor(all.length / Number(limit)));
const names = all.filter((_, index) => index % every === 0).map((path) => relative(source, path));
const store = fileStore(source);
const jobs = await loadJobs(
  await resolveJobs(
    [
      { name: "facts", params: {} },
      { name: "thumbnails", params: { sizes: [256], quality: 80 } },
    ],
    scratch,
  ),
);
const bytesOf = new Map<string, Uint8Array>();
for (const name of names) bytesOf.set(name, await readFile(join(source, name)));
const inMemory = (name: string): Uint8Array => bytesOf.get(name)!;
const milled = async (name: string, bytes: Uint8Array): Promise<ImageResult> =>
  processImage({ name, bytes, jobs, maxPixels: 1e9, timeoutMs: 60_000 });
const outputs = new Map<string, Uint8Array>();
let round = 0;

interface StageWork {
  name: string;
  what: string;
  work(name: string): Promise<unknown>;
}

const stages: StageWork[] = [
  { name: "read", what: "object store read, length and crc32c checked", work: (name) => store.read(name) },
  { name: "sha256", what: "digest of bytes in memory", work: async (name) => createHash("sha256").update(inMemory(name)).digest("hex") },
  { name: "header", what: "header of bytes in memory", work: (name) => sharp(inMemory(name)).metadata() },
  {
    name: "decode",
    what: "decode to 256 pixels, shrinking on load, no encode",
    work: (name) => sharp(inMemory(name), { autoOrient: true, ignoreIcc: true }).resize(256, 256, { fit: "inside" }).raw().toBuffer(),
  },
  {
    name: "process",
    what: "digest, header, decode, jobs, encode; no input or output",
    work: async (name) => outputs.set(name, (await milled(name, inMemory(name))).outputs[0]!.bytes),
  },
  {
    name: "read + process",
    what: "the same with reads; what is made is dropped",
    work: async (name) => milled(name, (await store.read(name)).bytes),
  },
  {
    name: "write",
    what: "object store write of the output, create only",
    work: (name) => scratchStore().write(`out/${name}`, outputs.get(name)!, { ifGeneration: "0" }),
  },
  {
    name: "copy source",
    what: "object store copy of the source",
    work: async (name) => {
      const { generation } = (await store.stat(name))!;
      return scratchStore().copy({ store, name, generation }, `source/${name}`, { ifGeneration: "0" });
    },
  },
];

function scratchStore(): ReturnType<typeof fileStore> {
  return fileStore(join(scratch, String(round)));
}

async function measure(stage: StageWork): Promise<{ rate: number; cpuMs: number }> {
  round += 1;
  await mkdir(join(scratch, String(round)), { recursive: true });
  const [started, before] = [performance.now(), process.cpuUsage()];
  await inParallel(names, Number(cores), async (name) => {
    await stage.work(name);
  });
  const [wallMs, used] = [performance.now() - started, process.cpuUsage(before)];
  await rm(join(scratch, String(round)), { recursive: true });
  return { rate: (names.length * 1000) / wallMs, cpuMs: (used.user + used.system) / 1000 / names.length };
}

const results: Stage[] = stages.map(({ name, what }) => ({ name, what, images: names.length, imagesPerSecond: [], cpuMsPerImage: [] }));
for (let repetition = 0; repetition < Number(repetitions); repetition += 1) {
  for (const [index, stage] of stages.entries()) {
    const { rate, cpuMs } = await measure(stage);
    results[index]!.imagesPerSecond.push(rate);
    results[index]!.cpuMsPerImage.push(cpuMs);
  }
}
await rm(scratch, { recursive: true, force: true });
process.stdout.write(`${JSON.stringify(results)}\n`);
