import { z } from "zod";
import { logLevels } from "../core/log.ts";
import type { ArchivePolicy, GatePolicy, Limits, PackingPolicy } from "../core/types.ts";
import {
  engineNames,
  type Config,
  type GoogleConfig,
  type JobConfig,
  type LocalEngineConfig,
  type SelectConfig,
  type SparkEngineConfig,
} from "./config.ts";
import { parseDuration, parsePixels, parseSize } from "./units.ts";

/*
 * The one description of what a user can write. The loader, the JSON schema for editors, docs/configuration.md and the
 * messages all come from here. Error texts continue the sentence "<key> …".
 */

const text = (what: string) => z.string({ error: `must be ${what}` }).min(1, { error: `must be ${what}` });
const flag = () => z.boolean({ error: "must be true or false" });
const whole = (min: number, max: number) => {
  const error = `must be a whole number from ${min} to ${max}`;
  return z.int({ error }).min(min, { error }).max(max, { error });
};
const ratio = () => {
  const error = "must be a number from 0 to 1";
  return z.number({ error }).min(0, { error }).max(1, { error });
};
const oneOf = <const T extends readonly [string, ...string[]]>(values: T) =>
  z.enum(values, { error: `must be one of ${values.join(", ")}` });

/** A number, or a text with a unit; `min` and `max` hold for both. */
function quantity(what: string, pattern: RegExp, parse: (text: string) => number | undefined, min: number, max: number) {
  const error = `must be ${what}`;
  const number = z.int({ error }).min(min, { error }).max(max, { error });
  const written = z.string().regex(pattern, { error });
  return z.union([number, written], { error }).transform((value, context) => {
    const parsed = typeof value === "number" ? value : parse(value);
    if (parsed !== undefined && parsed >= min && parsed <= max) return parsed;
    context.addIssue({ code: "custom", message: error });
    return z.NEVER;
  });
}

const duration = (minMs: number, example: string, maxMs: number, maxText: string) =>
  quantity(
    `a duration like ${example}, at most ${maxText}, or milliseconds`,
    /^\d+(\.\d+)?\s*(ms|s|m|min|h|d)$/,
    parseDuration,
    minMs,
    maxMs,
  );
const size = (minBytes: number, minText: string, example: string) =>
  quantity(
    `a size like ${example}, at least ${minText}, or bytes`,
    /^\d+(\.\d+)?\s*([kKMGT]?B|[KMGT]iB)$/,
    parseSize,
    minBytes,
    Number.MAX_SAFE_INTEGER,
  );

const day = 24 * 3_600_000;
const instant = (which: string) =>
  z
    .string({ error: "must be a date or an instant, like 2026-11-23 or 2026-11-23T06:00:00Z" })
    .regex(/^(\d{4}-\d{2}-\d{2}|\{run_date\})([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2}))?$/, {
      error: "must be a date or an instant, like 2026-11-23 or 2026-11-23T06:00:00Z",
    })
    .exactOptional()
    .describe(`Only objects created ${which}; may contain {run_date}.`);

const job = z
  .union(
    [
      text("the name of a job"),
      z.strictObject({
        name: text("the name of a job, or the path of a module").describe("A built-in job, or the path of a module (./jobs/mine.ts)."),
        params: z.record(z.string(), z.unknown()).default({}).describe("Parameters of the job; docs/jobs.md lists them."),
      }),
      z
        .record(z.string(), z.record(z.string(), z.unknown()))
        .refine((value) => Object.keys(value).length === 1, { error: "must hold one job: `- thumbnails: { sizes: [256] }`" })
        .describe("`<name>: <params>`, the short form."),
    ],
    { error: "must be a job: `facts`, `thumbnails: { sizes: [256] }` or `{ name: …, params: … }`" },
  )
  .transform(jobOf);

function jobOf(written: string | { name: string; params: Record<string, unknown> } | Record<string, Record<string, unknown>>): JobConfig {
  if (typeof written === "string") return { name: written, params: {} };
  if (typeof written.name === "string") return { name: written.name, params: written.params ?? {} };
  const [name, params] = Object.entries(written)[0]!;
  return { name, params: params as Record<string, unknown> };
}

const select = z.strictObject({
  include: z
    .array(text("a glob"), { error: "must be a list of globs" })
    .default([])
    .describe("Globs on names; empty takes everything. `**/*.jpg`"),
  exclude: z
    .array(text("a glob"), { error: "must be a list of globs" })
    .default(["**/.DS_Store", "**/Thumbs.db", "**/desktop.ini", "**/._*"])
    .describe("Globs on names that are left out, even where `include` takes them. The default leaves out what desktops strew."),
  createdAfter: instant("at this instant or later"),
  createdBefore: instant("before this instant"),
}) satisfies z.ZodType<SelectConfig>;

const packing = z.strictObject({
  shardSeconds: z
    .number({ error: "must be a number of seconds from 1 to 3600" })
    .min(1, { error: "must be a number of seconds from 1 to 3600" })
    .max(3600, { error: "must be a number of seconds from 1 to 3600" })
    .default(60)
    .describe("Predicted work of a shard, at most. Shorter shards even out the end of a run, longer ones save start-up."),
  minShards: whole(1, 100_000).default(16).describe("A small run is cut at least this fine, so that every worker gets a share."),
  maxShardObjects: whole(1, 1_000_000).default(10_000).describe("Source objects of a shard, at most."),
  maxShardBytes: size(1, "1 B", "4GiB").prefault("4GiB").describe("Bytes of a shard, at most."),
}) satisfies z.ZodType<PackingPolicy>;

const limits = z.strictObject({
  imageTimeoutMs: duration(1, "30s", day, "24h")
    .prefault("30s")
    .describe("Deadline of one image; after it the image is quarantined as `timeout`."),
  shardTimeoutMs: duration(1000, "1h", 7 * day, "7d")
    .prefault("1h")
    .describe("Deadline of one attempt at a shard."),
  runTimeoutMs: duration(1000, "24h", 30 * day, "30d")
    .prefault("24h")
    .describe("Deadline of a run."),
  maxObjectBytes: size(1, "1 B", "256MiB")
    .prefault("256MiB")
    .describe("Larger source objects are quarantined as `too_large` without being read."),
  maxPixels: quantity("a number of pixels like 250MP or 250000000", /^\d+(\.\d+)?\s*MP$/, parsePixels, 1, 10_000_000_000)
    .prefault("250MP")
    .describe("Larger images are quarantined as `too_many_pixels` from their header."),
  workerMemoryBytes: size(256 * 2 ** 20, "256MiB", "2GiB")
    .prefault("2GiB")
    .describe("Memory of one worker process; read-ahead and images in flight are planned to fit into it."),
  storageAttempts: whole(1, 20).default(6).describe("Attempts at reading or writing one object, the first one included."),
  storageConcurrency: whole(1, 1000).default(32).describe("Requests in flight from one process to one store."),
}) satisfies z.ZodType<Limits>;

const gate = z.strictObject({
  maxQuarantinedRatio: ratio()
    .default(0.5)
    .describe("When a larger share of the processed objects is quarantined, nothing is loaded and the exit code is 3."),
}) satisfies z.ZodType<GatePolicy>;

const archivePolicy = z.strictObject({
  days: whole(1, 3650).default(7).describe("Age in days at which the archive deletes outputs."),
  sources: flag().default(true).describe("Copy each processed source image into the archive, beside its outputs."),
  onArchived: oneOf(["keep", "move"])
    .default("keep")
    .describe("`move` deletes a source object after its rows are loaded and its archive copy matches. Needs `iAcceptLossAfterDays: 7`."),
  durable: flag().default(false).describe("Force outputs to disk one by one. Only a power cut needs it; a kill never loses outputs."),
}) satisfies z.ZodType<ArchivePolicy>;

const auto = (min: number, max: number) => {
  const error = `must be auto or a whole number from ${min} to ${max}`;
  return z.union([z.literal("auto"), z.int().min(min).max(max)], { error });
};

const local = z.strictObject({
  processes: auto(1, 1024).default("auto").describe("Worker processes at once; `auto` is one a core, as memory allows."),
  threadsPerProcess: auto(1, 256).default("auto").describe("Threads of a worker process."),
  pin: flag().default(true).describe("Bind each worker to a core where the system can."),
  shardAttempts: whole(1, 10).default(3).describe("Attempts at a shard before the run fails."),
}) satisfies z.ZodType<LocalEngineConfig>;

/** `{ spark: { executor: { memory: "2g" } } }`, as `--set spark.conf.spark.executor.memory=2g` says it, is one property. */
function flatProperties(written: Record<string, unknown>, prefix: string): Record<string, unknown> {
  const flat = Object.entries(written).map(([key, value]) =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? flatProperties(value as Record<string, unknown>, `${prefix}${key}.`)
      : { [prefix + key]: value },
  );
  return Object.assign({}, ...flat) as Record<string, unknown>;
}

const spark = z.strictObject({
  master: z
    .string({ error: "must be a Spark master like spark://host:7077, yarn, k8s://https://host:port or local[2]" })
    .regex(/^(spark:\/\/\S+|k8s:\/\/\S+|yarn|local(\[[^\]\s]+\])?)$/, {
      error: "must be a Spark master like spark://host:7077, yarn, k8s://https://host:port or local[2]",
    })
    .exactOptional()
    .describe("The cluster: spark://host:7077, yarn, k8s://https://host:port or local[N]; also --spark-master."),
  submitCommand: text("a command").default("spark-submit").describe("How Spark is started on this machine."),
  conf: z
    .record(z.string(), z.unknown(), { error: "must be a mapping of Spark properties" })
    .transform((written, context) => {
      const properties = flatProperties(written, "");
      const wrong = Object.entries(properties).find(([, value]) => typeof value === "object");
      if (wrong === undefined) return Object.fromEntries(Object.entries(properties).map(([key, value]) => [key, String(value)]));
      context.addIssue({ code: "custom", message: `must map Spark properties to texts or numbers; ${wrong[0]} is neither` });
      return z.NEVER;
    })
    .prefault({})
    .describe("Properties of Spark (`spark.executor.memory: 2g`), over those that the engine sets."),
  taskCpus: whole(1, 256).default(1).describe("Cores of one Spark task (`spark.task.cpus`): the threads of its worker process."),
  shardAttempts: whole(1, 10).default(4).describe("Attempts at a shard before it is given up."),
  speculation: flag()
    .default(true)
    .describe("Try what takes much longer than the rest a second time, elsewhere; the first to commit wins."),
  worker: oneOf(["auto", "here", "bundle"])
    .default("auto")
    .describe(
      "What nodes execute: `here` is this installation, at the same path on every node; `bundle` is the archive of `imagemill bundle`, sent along; `auto` is `here` where the master is this machine.",
    ),
}) satisfies z.ZodType<SparkEngineConfig>;

const endpoint = (service: string, variable: string) =>
  z
    .string({ error: "must be an address like http://127.0.0.1:4443 or host:port" })
    .regex(/^(https?:\/\/[^\s/]+(\/\S*)?|[^\s:/]+:\d+)$/, { error: "must be an address like http://127.0.0.1:4443 or host:port" })
    .exactOptional()
    .describe(`Where ${service} answers; also ${variable}. On the loopback range no credentials are looked for.`);

const google = z.strictObject({
  project: text("the id of a project").exactOptional().describe("Project for buckets and jobs; also GOOGLE_CLOUD_PROJECT."),
  location: text("a location like EU, US or europe-west4")
    .default("EU")
    .describe("Location of the buckets and the dataset that `init` creates."),
  endpoints: z
    .strictObject({
      storage: endpoint("Cloud Storage", "IMAGEMILL_STORAGE_ENDPOINT"),
      bigquery: endpoint("BigQuery", "IMAGEMILL_BIGQUERY_ENDPOINT"),
      dataproc: endpoint("Dataproc", "IMAGEMILL_DATAPROC_ENDPOINT"),
      batch: endpoint("Batch", "IMAGEMILL_BATCH_ENDPOINT"),
    })
    .prefault({})
    .describe("Addresses of Google's services, where they are not the usual ones."),
}) satisfies z.ZodType<GoogleConfig>;

const location = "a folder, file:///absolute/path or gs://bucket/prefix";

/** What stands in a file: flat, with units allowed. */
const fileSchema = z.strictObject({
  source: text(location)
    .exactOptional()
    .describe("The images: a folder or gs://bucket/prefix. May contain {run_date}. Never written to, unless `onArchived` is `move`."),
  archive: text(location)
    .default("out/archive")
    .describe("Where outputs go: a folder or gs://bucket/prefix. Deleted after `archivePolicy.days`."),
  control: text(location)
    .default("out/control")
    .describe("Where plans, rows and commits are kept: a folder or gs://bucket/prefix. Outlives the archive."),
  warehouse: text("duckdb:///path/to/file.duckdb or bigquery://project/dataset")
    .default("out/warehouse.duckdb")
    .describe("Where rows go: a DuckDB file (a plain path or duckdb:///path.duckdb) or bigquery://project/dataset."),
  engine: oneOf(engineNames).default("local").describe("Where shards are processed."),
  jobs: z
    .array(job, { error: "must be a list of jobs" })
    .min(1, { error: "must name at least one job" })
    .prefault(["facts", { thumbnails: { sizes: [256] } }])
    .describe("What is done to each image."),
  select: select.prefault({}).describe("Which source objects are taken."),
  packing: packing.prefault({}).describe("How the source is cut into shards."),
  limits: limits.prefault({}).describe("Bounds that every worker obeys."),
  gate: gate.prefault({}).describe("What a run must keep before its rows are loaded."),
  archivePolicy: archivePolicy.prefault({}).describe("What is archived, and for how long."),
  iAcceptLossAfterDays: whole(1, 3650)
    .exactOptional()
    .describe(
      "Must be 7 where `archivePolicy.onArchived` is `move`: says that you know the source images are gone for good after these days.",
    ),
  local: local.prefault({}).describe("The engine `local`: this machine."),
  spark: spark.prefault({}).describe("The engine `spark`: any Spark cluster."),
  google: google.prefault({}).describe("Google Cloud."),
  logLevel: oneOf(logLevels).default("warn").describe("Least level of the structured log on stderr."),
});

/** Locations are still as written: `load.ts` makes them absolute, knowing what each is relative to. */
export const configSchema: z.ZodType<Config> = fileSchema.transform(toConfig);

function toConfig(file: z.output<typeof fileSchema>): Config {
  const { packing: packingPolicy, limits: limitPolicy, gate: gatePolicy, archivePolicy: archive, ...rest } = file;
  return { ...rest, source: file.source ?? "", policy: { limits: limitPolicy, archive, gate: gatePolicy, packing: packingPolicy } };
}
