import { compareNames } from "../../core/names.ts";
import type { ImageRow, OutputRow } from "../../core/rows.ts";
import type { Reason } from "../../core/types.ts";
import { binsOf, durationsOf, round, sumsOf, textsOf, topOf } from "./collect.ts";
import type { Example, ReasonNumbers, RunNumbers, SlowImage, Throughput } from "./numbers.ts";

const examplesKept = 20;
const messagesShown = 5;
const imagesShown = 15;
const samplesShown = 12;
/** A picture of the page, in pixels: smaller outputs would be blurred. */
const sampleSide = 160;
const leastSampleSide = 48;
const maxFormats = 40;
const maxOutputKinds = 60;
const sizeEdges = [0, 10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000, 10_000_000, 30_000_000];
const megapixelEdges = [0, 0.1, 0.3, 1, 3, 10, 30, 100];
const stageNames = ["read", "queue", "process", "write"] as const;

type RowNumbers = Pick<
  RunNumbers,
  "reasons" | "warnings" | "samples" | "throughput" | "timings" | "slowestImages" | "formats" | "sizes" | "megapixels" | "outputs"
>;

/** What rows add up to. */
export interface Tally {
  add(row: ImageRow): void;
  /** Thread time of a shard. */
  workOf(shard: string): number;
  numbers(): RowNumbers;
}

export function createTally(throughput: Throughput): Tally {
  const work = new Map<string, number>();
  const reasons = new Map<Reason, ReturnType<typeof reasonTally>>();
  const warnings = textsOf(messagesShown * 2);
  const stages = { read: durationsOf(), queue: durationsOf(), process: durationsOf(), write: durationsOf() };
  const slowest = topOf<SlowImage>(imagesShown, (a, b) => spentMs(b) - spentMs(a) || compareNames(a.name, b.name));
  const samples = topOf<{ rank: number; sample: Sample }>(
    samplesShown,
    (a, b) => a.rank - b.rank || compareNames(a.sample.name, b.sample.name),
  );
  const formats = sumsOf(maxFormats, "(others)", () => ({ objects: 0, bytes: 0, megapixels: 0, processMs: 0 }));
  const outputs = sumsOf(maxOutputKinds, "(others)\0\0", () => ({ objects: 0, bytes: 0 }));
  const sizes = binsOf(sizeEdges);
  const megapixels = binsOf(megapixelEdges);

  const addReason = (row: ImageRow): void => {
    if (row.reason === null) return;
    let tally = reasons.get(row.reason);
    if (tally === undefined) reasons.set(row.reason, (tally = reasonTally(row.outcome, row.reason)));
    tally.add(row);
  };

  const addTimings = (row: ImageRow): void => {
    work.set(row.shard, (work.get(row.shard) ?? 0) + row.timings.process_ms);
    if (row.outcome === "skipped") return;
    for (const stage of ["read", "queue", "process", "write"] as const) stages[stage].add(row.timings[`${stage}_ms`]);
    slowest.add(slowImage(row));
  };

  const addImage = (row: ImageRow): void => {
    sizes.add(row.size_bytes);
    if (row.megapixels !== null) megapixels.add(row.megapixels);
    const format = formats.at(row.format ?? "(unknown)");
    format.objects += 1;
    format.bytes += row.size_bytes;
    format.megapixels += row.megapixels ?? 0;
    format.processMs += row.timings.process_ms;
    const sample = sampleOf(row);
    if (sample !== undefined) samples.add({ rank: rankOf(row.name), sample });
    for (const output of row.outputs) {
      const kind = outputs.at([output.job, output.variant, output.format].join("\0"));
      kind.objects += 1;
      kind.bytes += output.size_bytes;
    }
  };

  return {
    add: (row) => {
      const bucket = bucketAt(throughput, row.processed_at);
      if (bucket !== undefined) bucket[row.outcome] += 1;
      for (const warning of row.warnings) warnings.add(warning, row.name);
      addReason(row);
      addTimings(row);
      addImage(row);
    },
    workOf: (shard) => work.get(shard) ?? 0,
    numbers: () => ({
      reasons: [...reasons.values()]
        .map((tally) => tally.numbers())
        .sort((a, b) => compareNames(a.outcome, b.outcome) || b.objects - a.objects || compareNames(a.reason, b.reason)),
      warnings: warnings.texts(),
      throughput,
      timings: stageNames.map((stage) => stages[stage].numbers(stage)),
      slowestImages: slowest.values(),
      formats: formats
        .entries()
        .map(([format, sum]) => formatNumbers(format, sum))
        .sort((a, b) => b.objects - a.objects),
      sizes: sizes.bins(),
      megapixels: megapixels.bins(),
      samples: samples.values().map(({ sample }) => sample),
      outputs: outputs.entries().map(([key, sum]) => outputNumbers(key, sum)),
    }),
  };
}

function formatNumbers(format: string, sum: Omit<RunNumbers["formats"][number], "format">): RunNumbers["formats"][number] {
  return { format, objects: sum.objects, bytes: sum.bytes, megapixels: round(sum.megapixels), processMs: round(sum.processMs) };
}

function outputNumbers(key: string, { objects, bytes }: { objects: number; bytes: number }): RunNumbers["outputs"][number] {
  const [job = "", variant = "", format = ""] = key.split("\0");
  return { job, variant, format, objects, bytes };
}

function bucketAt({ startedAt, bucketMs, buckets }: Throughput, processedAt: string): Throughput["buckets"][number] | undefined {
  const index = Math.floor((Date.parse(processedAt) - Date.parse(startedAt ?? "")) / bucketMs);
  // Clocks of machines differ: what lies outside the run is counted at its edge.
  return Number.isNaN(index) ? undefined : buckets[Math.min(Math.max(index, 0), buckets.length - 1)];
}

function spentMs(image: SlowImage): number {
  return image.readMs + image.processMs + image.writeMs;
}

function slowImage(row: ImageRow): SlowImage {
  return {
    ...exampleOf(row),
    format: row.format,
    megapixels: row.megapixels,
    readMs: round(row.timings.read_ms),
    processMs: round(row.timings.process_ms),
    writeMs: round(row.timings.write_ms),
  };
}

type Sample = RunNumbers["samples"][number];

const pictureFormats = new Set(["jpeg", "png", "webp", "avif"]);

function sampleOf(row: ImageRow): Sample | undefined {
  if (row.outcome !== "ok") return undefined;
  const pictures = row.outputs.filter((output) => output.job !== "source" && output.member === null && pictureFormats.has(output.format));
  const sideOf = (output: OutputRow): number => Math.max(output.width ?? 0, output.height ?? 0);
  const sorted = pictures.sort((a, b) => sideOf(a) - sideOf(b));
  const chosen = sorted.find((output) => sideOf(output) >= sampleSide) ?? sorted.at(-1);
  if (chosen === undefined || sideOf(chosen) < leastSampleSide) return undefined;
  const { job, variant, format } = chosen;
  return { name: row.name, generation: row.generation, job, variant, format };
}

/** FNV-1a: an order that has nothing to do with the names, and is the same everywhere. */
function rankOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < name.length; index += 1) hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193);
  return hash >>> 0;
}

function exampleOf(row: ImageRow): Example {
  return { name: row.name, generation: row.generation, sizeBytes: row.size_bytes, message: row.message };
}

function reasonTally(outcome: ImageRow["outcome"], reason: Reason): { add(row: ImageRow): void; numbers(): ReasonNumbers } {
  const sum = { objects: 0, bytes: 0 };
  const messages = textsOf(messagesShown);
  const examples: Example[] = [];
  return {
    add: (row) => {
      sum.objects += 1;
      sum.bytes += row.size_bytes;
      if (row.message !== null) messages.add(row.message, row.name);
      if (examples.length < examplesKept) examples.push(exampleOf(row));
    },
    numbers: () => ({ outcome, reason, ...sum, messages: messages.texts(), examples }),
  };
}
