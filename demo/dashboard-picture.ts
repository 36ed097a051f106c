import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import sharp, { type Sharp } from "sharp";
import { seededRandom, type Random } from "../core/clock.ts";
import { formatBytes } from "../core/format.ts";
import { inParallel } from "../core/parallel.ts";
import { startChromium } from "../test/servers/chromium.ts";
import { brokenFiles } from "./broken.ts";
import { readPhotographs } from "./photos.ts";

/*
 * node demo/dashboard-picture.ts [FILE]
 *
 * Makes docs/images/dashboard.png: ten nights of photographs, crops of the demo's in the formats that people have, some
 * of them broken, through the command line into a dashboard, and that through Chromium into a picture.
 */

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const nights = 10;
const cameras: [make: string, model: string][] = [
  ["Canon", "EOS R5"],
  ["NIKON CORPORATION", "Z 8"],
  ["SONY", "ILCE-7M4"],
  ["Apple", "iPhone 16 Pro"],
  ["Google", "Pixel 9"],
];
const settings = ["--set", "gate.maxQuarantinedRatio=0.9", "--set", "prices.localHour=0.25"];
const maxBytes = 250_000;

async function writeNight(folder: string, night: number, photos: Buffer[], broken: { name: string; bytes: Uint8Array }[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  const random = seededRandom(night + 1);
  const count = 45 + Math.floor(random.next() * 50) + night * 3;
  const numbers = Array.from({ length: count }, (_, index) => index);
  await inParallel(numbers, 4, async (index) => {
    const seed = night * 1000 + index;
    const { bytes, extension } = await photoOf(photos[index % photos.length]!, seededRandom(seed));
    const cut = index % 17 === 5 ? bytes.subarray(0, Math.floor(bytes.length * (0.45 + (index % 5) / 10))) : bytes;
    await writeFile(join(folder, `IMG_${String(seed).padStart(5, "0")}.${extension}`), cut);
  });
  for (const { name, bytes } of broken.filter((_, index) => (index + night) % 3 === 0)) await writeFile(join(folder, name), bytes);
}

async function photoOf(photo: Buffer, random: Random): Promise<{ bytes: Buffer; extension: string }> {
  const image = sharp(photo);
  const { width, height } = await image.metadata();
  const share = 0.55 + 0.4 * random.next();
  const size = { width: Math.floor(width * share), height: Math.floor(height * share) };
  const [make, model] = cameras[Math.floor(random.next() ** 2 * cameras.length)]!;
  const crop = image
    .extract({ left: Math.floor((width - size.width) * random.next()), top: Math.floor((height - size.height) * random.next()), ...size })
    .resize({ width: Math.floor(300 + 3200 * random.next() ** 3) })
    .withExif({ IFD0: { Make: make, Model: model } });
  const formats: [string, (source: Sharp) => Sharp][] = [
    ["jpg", (source) => source.jpeg({ quality: 85 })],
    ["webp", (source) => source.webp({ quality: 80 })],
    ["png", (source) => source.png({ compressionLevel: 3 })],
    ["tif", (source) => source.tiff({ compression: "lzw" })],
    ["avif", (source) => source.avif({ quality: 55, effort: 0 })],
  ];
  const [extension, encode] = formats[Math.floor(random.next() ** 3 * formats.length)]!;
  return { bytes: await encode(crop).toBuffer(), extension };
}

function imagemill(folder: string, ...args: string[]): void {
  const places = ["--archive", join(folder, "archive"), "--control", join(folder, "control"), "--warehouse", "duckdb:warehouse.duckdb"];
  execFileSync(process.execPath, [join(root, "submit", "bin.js"), ...args, ...places], {
    cwd: folder,
    stdio: ["ignore", "ignore", "inherit"],
  });
}

/** As few colors as keep it within `maxBytes`: the page is flat, only its pictures suffer. */
async function small(png: Buffer): Promise<Buffer> {
  for (const colors of [256, 192, 128, 96, 64, 48, 32]) {
    const written = await sharp(png).png({ palette: true, colors, effort: 10, compressionLevel: 9 }).toBuffer();
    if (written.length <= maxBytes) return written;
  }
  throw new Error(`the picture is above ${formatBytes(maxBytes)} even with 32 colors`);
}

const to = process.argv[2] ?? join(root, "docs", "images", "dashboard.png");
const folder = await mkdtemp(join(tmpdir(), "imagemill-picture-"));
try {
  const photos = (await readPhotographs()).map(({ bytes }) => bytes);
  const broken = await brokenFiles(photos[0]!);
  for (let night = 0; night < nights; night += 1) {
    const date = `2026-11-${String(14 + night)}`;
    const source = join(folder, "photos", date);
    await writeNight(source, night, photos, broken);
    imagemill(folder, "run", "--source", source, "--run-date", date, ...settings);
  }
  imagemill(folder, "report", "--to", join(folder, "dashboard.html"));
  await using chromium = await startChromium();
  const { page } = await chromium.open(pathToFileURL(join(folder, "dashboard.html")).href, { viewport: { width: 1320, height: 1790 } });
  await page.waitForSelector("html[data-ready]");
  // The place where the warehouse happened to be says nothing to a reader.
  await page.locator(".lead bdi").evaluate((element: { textContent: string }) => {
    element.textContent = "duckdb:warehouse.duckdb";
  });
  const png = await small(await page.screenshot());
  await mkdir(dirname(to), { recursive: true });
  await writeFile(to, png);
  process.stdout.write(`${to}: ${formatBytes(png.length)}\n`);
} finally {
  await rm(folder, { recursive: true, force: true });
}
