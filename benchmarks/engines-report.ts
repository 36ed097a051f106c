import { machineLine, markdown } from "./results.ts";
import { median, range, round3 } from "./statistics.ts";
import type { MachineCard } from "./machine.ts";

export type EngineName = "local" | "local, not bound" | "spark" | "spark, one worker";

export interface Took {
  /** From the start of the process to the first worker's first shard. */
  startUpMs: number;
  /** From there to the last commit. */
  workMs: number;
  wallMs: number;
}

/** `runs/<date>-engines-<machine>.json` */
export interface EngineResults {
  machine: MachineCard;
  images: number;
  description: string;
  cores: number;
  repetitions: Record<EngineName, Took>[];
}

/** Less work than this is a story about start-up and the tail. */
const leastWorkMs = 60_000;

/** Ratios are taken within each repetition, where both sides met the same machine; the table shows their medians. */
export function enginesReport({ machine, images, description, cores, repetitions }: EngineResults): string {
  const names = Object.keys(repetitions[0] ?? {}) as EngineName[];
  const rows = names.map((name) => {
    const took = repetitions.map((repetition) => repetition[name]);
    const work = took.map(({ workMs }) => workMs / 1000);
    return [
      name,
      round3(median(took.map(({ startUpMs }) => startUpMs / 1000))),
      `${round3(median(work))} (${range(work).map(round3).join("-")})`,
      round3(images / median(work)),
    ];
  });
  const overhead = (against: EngineName): string =>
    ratioText(repetitions.map((repetition) => (100 * repetition.spark.workMs) / repetition[against].workMs - 100));
  const speedUp = ratioText(repetitions.map((repetition) => repetition["spark, one worker"].workMs / repetition.spark.workMs));
  const shortest = Math.min(...repetitions.flatMap(({ local }) => local.workMs));
  return [
    machineLine(machine),
    `${description}. ${repetitions.length} repetitions, contenders in turn.`,
    markdown(["", "start-up s", "work s (lowest-highest)", "images/s of work"], rows),
    [
      `- Overhead of spark after start-up, ${cores} workers each: ${overhead("local")} %; against workers that are not bound to a core, as Spark's are not: ${overhead("local, not bound")} %.`,
      `- ${cores} spark workers against one: ${speedUp} times as fast.`,
      ...(shortest < leastWorkMs ? [`- **Too short to count: ${round3(shortest / 1000)} s of work; raise --copies.**`] : []),
    ].join("\n"),
  ].join("\n\n");
}

function ratioText(values: number[]): string {
  return `${round3(median(values))} (${values.map(round3).join(", ")})`;
}
