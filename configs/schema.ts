import { z } from "zod";
import { logLevels } from "../core/log.ts";
import type { ArchivePolicy, GatePolicy, Limits, PackingPolicy } from "../core/types.ts";
import { engineNames, type Config, type GoogleConfig, type JobConfig, type SelectConfig } from "./config.ts";
import { compute } from "./engines/compute.ts";
import { dataproc } from "./engines/dataproc.ts";
import { local } from "./engines/local.ts";
import { spark } from "./engines/spark.ts";
import { day, duration, flag, instant, oneOf, quantity, ratio, size, text, whole } from "./fields.ts";
import { prices } from "./prices.ts";
import { kafka } from "./kafka.ts";
import { parsePixels } from "./units.ts";

/*
 * The one description of what a user can write. The loader, the JSON schema for editors, docs/configuration.md and the
 * messages all come from here. Error texts continue the sentence "<key> …".
 */

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
  dataStudioTemplate: z
    .string({ error: "must be the id of a report: what its address has after /reporting/" })
    .regex(/^[A-Za-z0-9_-]{8,64}$/, { error: "must be the id of a report: what its address has after /reporting/" })
    .exactOptional()
    .describe("Id of a Data Studio report that `report --data-studio` copies, charts included (docs/dashboards.md)."),
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
  dataproc: dataproc.prefault({}).describe("The engine `dataproc`: Managed Service for Apache Spark on Google Cloud."),
  compute: compute.prefault({}).describe("The engine `compute`: Batch on Compute Engine."),
  kafka: kafka.prefault({}).describe("What `imagemill ingest kafka` reads."),
  google: google.prefault({}).describe("Google Cloud."),
  prices: prices
    .prefault({})
    .describe(
      "List prices, for predictions and for the cost of a run. Nothing has a price unless it is written here; prices-example.yaml has some, with their sources.",
    ),
  logLevel: oneOf(logLevels).default("warn").describe("Least level of the structured log on stderr."),
});

/** Locations are still as written: `load.ts` makes them absolute, knowing what each is relative to. */
export const configSchema: z.ZodType<Config> = fileSchema.transform(toConfig);

function toConfig(file: z.output<typeof fileSchema>): Config {
  const { packing: packingPolicy, limits: limitPolicy, gate: gatePolicy, archivePolicy: archive, ...rest } = file;
  return { ...rest, source: file.source ?? "", policy: { limits: limitPolicy, archive, gate: gatePolicy, packing: packingPolicy } };
}
