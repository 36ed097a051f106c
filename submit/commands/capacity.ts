import { kinds, type Offer } from "../../capacity/offers.ts";
import type { Capacity } from "../capacity.ts";
import { columnsOf, formatBytes, formatCount, formatDuration, formatMany, formatPrice, padStart } from "../terminal/format.ts";
import { runOptions, withDriver } from "./driving.ts";
import { configFlags, duration, runFlags, size, wholeNumber } from "./flags.ts";
import { defineVerb } from "./verb.ts";

const which = { group: "Which question:" } as const;
const defaults = { imageBytes: 1e6, vcpus: 8, memoryBytes: 32 * 2 ** 30, startMs: 120_000 };

export const capacityVerb = defineVerb({
  command: "capacity",
  summary: "How many machines of which kind end by when, and for how much",
  group: "Look",
  positionals: {},
  flags: {
    objects: { ...wholeNumber("objects", "So many JPEGs [default: what the source holds]"), ...which },
    "image-bytes": { ...size("image-bytes", "With --objects: bytes of one [default: 1MB]"), ...which },
    by: { ...duration("by", "The fewest machines that end within it, like 6h [default: a table]"), ...which },
    vcpus: { ...wholeNumber("vcpus", "vCPUs of a machine [default: 8]"), ...which },
    memory: { ...size("memory", "Memory of a machine [default: 32GiB]"), ...which },
    spot: { type: "boolean", describe: "Spot machines", ...which },
    "start-up": { ...duration("start-up", "From the request until machines work [default: 2m]"), ...which },
    ...runFlags,
    ...configFlags,
  },
  examples: [
    ["capacity --objects 5000000 --by 6h --config nightly.yaml", "machines for a night"],
    ["capacity --source gs://photos", "what lies there, on 1 to 64 machines"],
  ],
  run: async (args, shell) => {
    const { capacityOf } = await import("../capacity.ts");
    const { objects, by } = args;
    const shape = {
      vcpus: args.vcpus ?? defaults.vcpus,
      memoryBytes: args.memory ?? defaults.memoryBytes,
      spot: args.spot ?? false,
    };
    const imageBytes = args["image-bytes"] ?? defaults.imageBytes;
    const capacity = await withDriver(args, shell, { source: objects === undefined, phase: "listing" }, async (driver) =>
      capacityOf(driver, runOptions(args), {
        imageBytes,
        shape,
        startMs: args["start-up"] ?? defaults.startMs,
        ...(objects !== undefined && { objects }),
        ...(by !== undefined && { byMs: by }),
      }),
    );
    if (args.json ?? false) shell.out(JSON.stringify(capacityJson(capacity)));
    else {
      const of = objects === undefined ? "" : ` of ${formatBytes(imageBytes)}`;
      shell.out(`${formatMany(capacity.objects, "image")}${of}: ${formatDuration(capacity.workMs)} of one core, ${shardsText(capacity)}`);
      shell.out(`on ${shape.spot ? "spot " : ""}machines of ${formatMany(shape.vcpus, "vCPU")} and ${shape.memoryBytes / 2 ** 30} GiB:`);
      for (const line of tableLines(capacity)) shell.out(line);
    }
    return 0;
  },
});

function capacityJson({ offers, ...rest }: Capacity): Record<string, unknown> {
  const told = offers.map(({ count, workers, wallMs, costs }) => ({
    machines: count,
    workers,
    predictedSeconds: Math.round(wallMs) / 1000,
    predictedCost: costs,
  }));
  return { ...rest, offers: told };
}

function shardsText({ shards, longestShardMs }: Capacity): string {
  return shards === 0 ? "nothing to do" : `${formatMany(shards, "shard")}, the longest ${formatDuration(longestShardMs)}`;
}

function tableLines({ offers, currency }: Capacity): string[] {
  if (offers.length === 0)
    return [
      "no number of machines ends by then: start-up and the longest shard take longer",
      "  next: more time with --by, a shorter --start-up, or smaller shards: --set packing.shardSeconds=30",
    ];
  const rows = [["machines", "time", "own or Batch", "cluster", "serverless"], ...offers.map((one) => rowOf(one, currency))];
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => columnsOf(row[column]!))));
  const hasNoPrice = offers.every(({ costs }) => kinds.every((kind) => costs[kind] === null));
  return [
    ...rows.map((row) => `  ${row.map((cell, column) => padStart(cell, widths[column]!)).join("  ")}`),
    ...(hasNoPrice ? ["no prices: the configuration gives none (configs/prices-example.yaml has some to copy)"] : []),
  ];
}

function rowOf({ count, wallMs, costs }: Offer, currency: string): string[] {
  const prices = kinds.map((kind) => (costs[kind] === null ? "–" : formatPrice(costs[kind], currency)));
  return [formatCount(count), formatDuration(wallMs), ...prices];
}
