/**
 * How fast the dashboard is in a real Chromium, with as many images as it takes by default:
 *   node benchmarks/dashboard.ts [--rows 200000] [--runs 90] [--repeat 5]
 * The images are made up. A redraw is what a click costs until the next frame is there: filter, count, draw everything.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import type { Page } from "playwright-core";
import { encodeTable } from "../analysis/dashboard/encode.ts";
import { imageColumns, runColumns, type ImageRecord, type RunRecord } from "../analysis/dashboard/model/columns.ts";
import { render } from "../analysis/dashboard/page.ts";
import { clientScript } from "../analysis/dashboard/script.ts";
import { formatBytes } from "../core/format.ts";
import { startChromium } from "../test/servers/chromium.ts";
import { median } from "./statistics.ts";

const { values } = parseArgs({
  options: {
    rows: { type: "string", default: "200000" },
    runs: { type: "string", default: "90" },
    repeat: { type: "string", default: "5" },
  },
});
const [rows, runs, repeat] = [Number(values.rows), Number(values.runs), Number(values.repeat)];
const firstDay = Date.UTC(2026, 7, 1);
const dayMs = 86_400_000;

function dateOf(run: number): string {
  return new Date(firstDay + run * dayMs).toISOString().slice(0, 10);
}

/** Equal on every machine: a number in [0, 1) for each image and question. */
function chance(index: number, question: number): number {
  const hash = Math.imul(index + 1, 0x9e3779b1) ^ Math.imul(question + 1, 0x85ebca6b);
  return (Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> 0) / 2 ** 32;
}

function runAt(run: number): RunRecord {
  const started = firstDay + run * dayMs + 7_200_000;
  const wall = 600_000 + 400_000 * chance(run, 90);
  const objects = Math.ceil(rows / runs);
  return {
    run_id: `${dateOf(run)}-${String(run).padStart(12, "0")}`,
    run_date: dateOf(run),
    engine: "dataproc",
    jobs: "facts@1,thumbnails@1",
    source: "gs://photographs",
    objects,
    ok: Math.round(objects * 0.96),
    skipped: Math.round(objects * 0.02),
    quarantined: Math.round(objects * 0.02),
    outputs: objects * 2,
    bytes_in: objects * 2_000_000,
    bytes_out: objects * 30_000,
    started_at: started,
    ended_at: started + wall,
    wall_ms: wall,
    images_per_second: (objects * 1000) / wall,
    predicted_ms: wall * 0.9,
    predicted_cost: objects / 40_000,
    actual_cost: objects / 44_000,
  };
}

const cameras = ["Canon EOS R5", "NIKON Z 8", "SONY ILCE-7M4", "Apple iPhone 16 Pro", "Google Pixel 9", "FUJIFILM X-T5", null];
const formats = ["jpeg", "jpeg", "jpeg", "jpeg", "heif", "png", "webp", "tiff"];
const reasons = ["truncated", "corrupt", "unsupported_format", "not_an_image", "timeout"];

function imageAt(index: number, all: RunRecord[]): ImageRecord {
  const run = all[index % runs]!;
  const luck = chance(index, 0);
  const outcome = luck < 0.96 ? "ok" : luck < 0.98 ? "skipped" : "quarantined";
  const megapixels = 0.3 * 160 ** chance(index, 1);
  const width = Math.round(Math.sqrt(megapixels * 1.5) * 1000);
  return {
    run_id: run.run_id,
    name: `cameras/${String(index % 400).padStart(4, "0")}/${run.run_date}/IMG_${String(index).padStart(6, "0")}.jpg`,
    generation: String(1_763_900_000_000_000n + BigInt(index) * 7919n),
    outcome,
    reason: outcome === "ok" ? null : outcome === "skipped" ? "duplicate" : reasons[Math.floor(chance(index, 2) * reasons.length)]!,
    message: outcome === "quarantined" ? `the data ends at byte ${Math.floor(chance(index, 3) * 1e6)}` : null,
    format: formats[Math.floor(chance(index, 4) * formats.length)]!,
    color_space: chance(index, 5) < 0.97 ? "srgb" : "cmyk",
    camera: cameras[Math.floor(chance(index, 6) * cameras.length)]!,
    width,
    height: Math.round((megapixels * 1e6) / width),
    megapixels,
    size_bytes: Math.round(megapixels * 300_000 * (0.5 + chance(index, 7))),
    output_bytes: 30_000,
    processed_at: run.started_at + 30_000 + chance(index, 8) * (run.wall_ms - 60_000),
    read_ms: 20 * chance(index, 9),
    process_ms: megapixels * 12 * (0.5 + chance(index, 10)),
    write_ms: 15 * chance(index, 11),
    output_pattern: outcome === "ok" ? "gs://archive/{spread}/thumbnails/256/{name}@{generation}.jpg" : null,
    output_spread: outcome === "ok" ? (index % 256).toString(16).padStart(2, "0") : null,
  };
}

/** Milliseconds from the act to the frame that shows it. */
async function redraw(page: Page, act: () => void): Promise<number> {
  return await page.evaluate(
    `new Promise((resolve) => { const from = performance.now(); (${String(act)})(); requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - from))); })`,
  );
}

/* The acts run in the page, which has a document; here there is none. */
declare const document: { querySelectorAll(selector: string): ArrayLike<{ click(): void }>; querySelector(selector: string): unknown };

const acts: [string, () => void][] = [
  ["an outcome", () => document.querySelectorAll("#by-outcome .line")[2]!.click()],
  ["and a format", () => document.querySelectorAll("#by-format .line")[0]!.click()],
  ["and a camera", () => document.querySelectorAll("#by-camera .line")[1]!.click()],
  ["none again", () => document.querySelectorAll(".filters > .small")[0]!.click()],
  ["a color space", () => document.querySelectorAll("#by-color .line")[0]!.click()],
  ["none again", () => document.querySelectorAll(".filters > .small")[0]!.click()],
];

const folder = await mkdtemp(join(tmpdir(), "imagemill-dashboard-"));
try {
  const all = Array.from({ length: runs }, (_, run) => runAt(run));
  const from = performance.now();
  const [images, runTable, script] = [
    await encodeTable(
      imageColumns,
      Array.from({ length: rows }, (_, index) => imageAt(index, all)),
    ),
    await encodeTable(runColumns, all),
    await clientScript(),
  ];
  const extent = { firstDate: dateOf(0), lastDate: dateOf(runs - 1), olderRuns: 0, share: 1, objects: rows };
  const facts = {
    warehouse: "bigquery://example/images",
    extent,
    limits: { days: runs, rows },
    currency: "USD",
    runPage: "gs://control/runs/{run}/report.html",
    madeAt: Date.UTC(2026, 10, 24),
  };
  const page = render({ facts, images, runs: runTable, pictures: [], script });
  const file = join(folder, "dashboard.html");
  await writeFile(file, page);
  console.log(
    `made in ${Math.round(performance.now() - from)} ms: ${formatBytes(page.length)}, of which script ${formatBytes(script.length)}`,
  );

  await using browser = await startChromium();
  const before = performance.now();
  const opened = await browser.open(pathToFileURL(file).href);
  await opened.page.waitForSelector("html[data-ready]");
  console.log(`opened in ${Math.round(performance.now() - before)} ms`);
  const times = new Map<string, number[]>();
  for (let round = 0; round < repeat; round += 1) {
    for (const [index, [name, act]] of acts.entries()) {
      const key = `${index + 1}. ${name}`;
      times.set(key, [...(times.get(key) ?? []), await redraw(opened.page, act)]);
    }
  }
  for (const [name, measured] of times) {
    console.log(`${name.padEnd(18)} ${Math.round(median(measured))} ms (at most ${Math.round(Math.max(...measured))})`);
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
