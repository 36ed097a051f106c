import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import sharp, { type Sharp } from "sharp";
import { seededRandom, type Random } from "../core/clock.ts";
import { inParallel } from "../core/parallel.ts";
import { readPhotographs } from "../demo/photos.ts";

/** What was made, kept beside it as corpus.json; a later run takes it as it is. */
export interface Corpus {
  /** Raise it when the recipe changes. */
  recipe: 1;
  /** Of about 0.1 MB. */
  small: number;
  /** Of 4 megapixels and more. */
  large: number;
  /** Of each image: equal pixels, other bytes. */
  copies: number;
  images: number;
  bytes: number;
  megapixels: number;
  /** For tables and committed results. */
  description: string;
}

export interface CorpusRequest {
  small: number;
  large: number;
  copies: number;
}

const recipe = 1;
const encodersAtOnce = 4;

/**
 * A folder of photographs to measure with, made of the few real ones there are: crops, mirror images and other
 * encodings, none with the bytes of another. Equal requests give equal folders.
 */
export async function makeCorpus(
  cache: string,
  request: CorpusRequest,
  log: (line: string) => void,
): Promise<{ folder: string; corpus: Corpus }> {
  const name = `corpus-${recipe}-${request.small}-${request.large}-${request.copies}`;
  const folder = join(cache, name);
  const about = join(folder, "..", `${name}.json`);
  const known = await readFile(about, "utf8").catch(() => undefined);
  if (known !== undefined) return { folder, corpus: JSON.parse(known) as Corpus };
  log(`making ${(request.small + request.large) * request.copies} images in ${folder} (once)`);
  const unfinished = `${folder}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  await rm(folder, { recursive: true, force: true });
  const corpus = await fill(unfinished, request);
  await rename(unfinished, folder);
  await writeFile(about, `${JSON.stringify(corpus, undefined, 1)}\n`);
  return { folder, corpus };
}

async function fill(folder: string, { small, large, copies }: CorpusRequest): Promise<Corpus> {
  const photos = await readPhotographs();
  const corpus: Corpus = { recipe, small, large, copies, images: 0, bytes: 0, megapixels: 0, description: "" };
  await mkdir(join(folder, "small"), { recursive: true });
  await mkdir(join(folder, "large"), { recursive: true });
  const wanted = Array.from({ length: small + large }, (_, index) => index);
  await inParallel(wanted, encodersAtOnce, async (index) => {
    const random = seededRandom(index + 1);
    const photo = photos[index % photos.length]!;
    const { bytes, megapixels } = index < small ? await smallPhoto(photo.bytes, random) : await largePhoto(photo.bytes, random);
    for (let copy = 0; copy < copies; copy += 1) {
      const own = withComment(bytes, `${index}/${copy}`);
      await writeFile(join(folder, index < small ? "small" : "large", `${photo.name.slice(0, -4)}-${index}-${copy}.jpg`), own);
      corpus.images += 1;
      corpus.bytes += own.length;
      corpus.megapixels += megapixels;
    }
  });
  corpus.megapixels = Math.round(corpus.megapixels * 10) / 10;
  corpus.description = describe(corpus, photos.length);
  return corpus;
}

function describe({ small, large, copies, bytes, megapixels, images }: Corpus, photos: number): string {
  const again = copies === 1 ? "" : `, each ${copies} times with equal pixels and another comment in its bytes`;
  return (
    `${images} JPEGs, ${Math.round(bytes / 1e6)} MB, ${Math.round(megapixels)} megapixels, made of ${photos} real photographs: ` +
    `${small} crops, mirrored or not, of about 0.1 MB and ${large} enlarged, with grain, to 4 megapixels and more${again}`
  );
}

interface Made {
  bytes: Buffer;
  megapixels: number;
}

/** 640 to 1,000 pixels wide, at the qualities that cameras and the web use. */
async function smallPhoto(photo: Buffer, random: Random): Promise<Made> {
  const width = between(random, 640, 1000);
  return encode(await cropped(photo, random), { width }, between(random, 80, 92));
}

/** 4 to 12 megapixels. Grain stands for the detail that enlarging does not bring back. */
async function largePhoto(photo: Buffer, random: Random): Promise<Made> {
  const { data: crop, info } = await (await cropped(photo, random)).raw().toBuffer({ resolveWithObject: true });
  const scale = Math.sqrt((between(random, 41, 120) * 100_000) / (info.width * info.height));
  const size = { width: Math.ceil(info.width * scale), height: Math.ceil(info.height * scale) };
  const enlarged = await sharp(crop, { raw: info })
    .resize({ ...size, fit: "fill" })
    .png({ compressionLevel: 1 })
    .toBuffer();
  const grain = await sharp({
    create: { width: 512, height: 512, channels: 3, background: "#808080", noise: { type: "gaussian", mean: 128, sigma: 24 } },
  })
    .png()
    .toBuffer();
  return encode(sharp(enlarged).composite([{ input: grain, tile: true, blend: "soft-light" }]), {}, between(random, 82, 92));
}

async function cropped(photo: Buffer, random: Random): Promise<Sharp> {
  const { width, height } = await sharp(photo).metadata();
  const share = between(random, 60, 97) / 100;
  const [w, h] = [Math.floor(width * share), Math.floor(height * share)];
  const crop = sharp(photo).extract({ left: between(random, 0, width - w), top: between(random, 0, height - h), width: w, height: h });
  return random.next() < 0.5 ? crop.flop() : crop;
}

async function encode(image: Sharp, size: { width?: number }, quality: number): Promise<Made> {
  const { data, info } = await image.resize(size).keepMetadata().jpeg({ quality }).toBuffer({ resolveWithObject: true });
  return { bytes: data, megapixels: (info.width * info.height) / 1e6 };
}

/** Whole numbers, both ends included. */
function between(random: Random, least: number, most: number): number {
  return least + Math.floor(random.next() * (most - least + 1));
}

/** Puts a comment after the start marker of a JPEG: other bytes, other digests, equal pixels. */
export function withComment(jpeg: Uint8Array, text: string): Buffer {
  const comment = Buffer.from(text, "latin1");
  const segment = Buffer.from([0xff, 0xfe, (comment.length + 2) >> 8, (comment.length + 2) & 0xff]);
  return Buffer.concat([jpeg.subarray(0, 2), segment, comment, jpeg.subarray(2)]);
}

/** Absolute paths, sorted. */
export async function imagesOf(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true });
  return names
    .filter((name) => name.endsWith(".jpg"))
    .sort()
    .map((name) => join(folder, name));
}
