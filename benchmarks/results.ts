import type { Corpus } from "./corpus.ts";
import type { Measurement } from "./contenders.ts";
import type { MachineCard } from "./machine.ts";
import { median, range, round3 } from "./statistics.ts";

/** `runs/<date>-<machine>.json` */
export interface Results {
  machine: MachineCard;
  corpus: Corpus;
  /** Runs on one image. */
  startUp: Measurement[];
  contenders: { name: string; what: string; measurements: Measurement[] }[];
  stages: Stage[];
}

export interface Stage {
  name: string;
  what: string;
  images: number;
  /** One value a repetition. */
  imagesPerSecond: number[];
  cpuMsPerImage: number[];
}

/** The table of the whole, as Markdown. The first contender is what the others are compared with. */
export function report(results: Results): string {
  return [
    machineLine(results.machine),
    `${results.corpus.description}.`,
    contenderTable(results),
    startUpLines(results),
    results.contenders.map(({ name, what }) => `- ${name}: ${what}`).join("\n"),
    results.stages.length === 0 ? "" : stageTable(results.stages),
  ]
    .filter((part) => part !== "")
    .join("\n\n");
}

export function machineLine(card: MachineCard): string {
  const load = card.loadBefore > 0.5 ? ` **Others were at work: load ${card.loadBefore} before the start.**` : "";
  return (
    `${card.date}, imagemill ${card.commit}: ${card.cpu}, ${card.cores} cores, ${card.memoryGiB} GiB, ${card.fileSystem}, ${card.system}, ` +
    `Node ${card.node}, sharp ${card.sharp}, libvips ${card.libvips}.${load}`
  );
}

function contenderTable({ contenders, startUp }: Results): string {
  const reference = median(ratesOf(contenders[0]?.measurements ?? [], undefined));
  const rows = contenders.flatMap(({ name, measurements }) => {
    const whole = row(name, measurements, reference, undefined);
    if (!name.startsWith("imagemill") || startUp.length === 0) return [whole];
    const start = { wallMs: median(startUp.map((one) => one.wallMs)), cpuMs: median(startUp.map((one) => one.cpuMs ?? Number.NaN)) };
    return [row(`${name}, after start-up`, measurements, reference, start), whole];
  });
  return markdown(["", "images/s (lowest-highest)", "ratio", "CPU ms an image", "MB/s in", "images", "repetitions"], rows);
}

interface StartUp {
  wallMs: number;
  cpuMs: number;
}

function row(name: string, measurements: Measurement[], reference: number, startUp: StartUp | undefined): (string | number)[] {
  const rates = ratesOf(measurements, startUp);
  const cpu = median(measurements.map(({ cpuMs, images }) => ((cpuMs ?? Number.NaN) - (startUp?.cpuMs ?? 0)) / images));
  const { images = 0, bytesIn = 0 } = measurements[0] ?? {};
  const [low, high] = range(rates);
  return [
    name,
    `${round3(median(rates))} (${round3(low)}-${round3(high)})`,
    round3(median(rates) / reference),
    Number.isNaN(cpu) ? "–" : round3(cpu),
    round3((median(rates) * bytesIn) / Math.max(1, images) / 1e6),
    images,
    measurements.length,
  ];
}

function ratesOf(measurements: Measurement[], startUp: StartUp | undefined): number[] {
  return measurements.map(({ images, wallMs }) => (images * 1000) / Math.max(1, wallMs - (startUp?.wallMs ?? 0)));
}

function startUpLines({ startUp, contenders }: Results): string {
  if (startUp.length === 0) return "";
  const seconds = startUp.map(({ wallMs }) => wallMs / 1000);
  const around = median((contenders[0]?.measurements ?? []).map((one) => (one.processMs - one.wallMs) / 1000));
  return (
    `Start-up: a run on one image takes ${round3(median(seconds))} s from process start to rows loaded (${seconds.map(round3).join(", ")}). ` +
    `The bare loop's process needs ${round3(around)} s around its loop, which its images/s leave out.`
  );
}

function stageTable(stages: Stage[]): string {
  const rows = stages.map(({ name, images, imagesPerSecond, cpuMsPerImage, what }) => [
    name,
    round3(median(imagesPerSecond)),
    round3(median(cpuMsPerImage)),
    images,
    what,
  ]);
  return `One stage at a time, in one process, nothing of the others in its way:\n\n${markdown(["stage", "images/s", "CPU ms an image", "images", "what"], rows)}`;
}

export function markdown(head: string[], rows: (string | number)[][]): string {
  const lines = [head, ...rows].map((cells) => cells.map(String));
  const widths = head.map((_, column) => Math.max(...lines.map((cells) => cells[column]!.length), 3));
  const line = (cells: string[]): string => `| ${cells.map((cell, column) => cell.padEnd(widths[column]!)).join(" | ")} |`;
  return [line(lines[0]!), `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`, ...lines.slice(1).map(line)].join("\n");
}
