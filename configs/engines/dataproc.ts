import { z } from "zod";
import { dataprocModes, type DataprocEngineConfig } from "../config.ts";
import { duration, day, flag, oneOf, text, whole } from "../fields.ts";
import { sparkProperties } from "./spark.ts";

const named = (pattern: RegExp, what: string) => z.string({ error: `must be ${what}` }).regex(pattern, { error: `must be ${what}` });

const ephemeral = z.strictObject({
  imageVersion: text("an image version like 2.3-debian12").default("2.3-debian12").describe("Image of its nodes."),
  machineType: named(/^[a-z][a-z0-9]*(-[a-z0-9]+)*-\d+$/, "a machine type that ends in its number of cores, like n2-standard-8")
    .default("n2-standard-8")
    .describe("Machine type of its nodes."),
  workers: whole(2, 1000).default(2).describe("Primary workers, which are not spot machines."),
  spotWorkers: z
    .union([z.literal("auto"), z.int().min(0).max(1000)], { error: "must be auto or a whole number from 0 to 1000" })
    .default("auto")
    .describe("Secondary workers, spot machines; `auto` is as many as the run's predicted work takes."),
  idleDeleteMs: duration(5 * 60_000, "10m", 14 * day, "14d")
    .prefault("10m")
    .describe("The cluster is deleted after that long without a job, at least 5m, even if nobody here is left to do it."),
  zone: text("a zone like europe-west4-a").exactOptional().describe("Zone of its nodes; without it the service chooses."),
});

export const dataproc = z.strictObject({
  region: named(/^[a-z]+-[a-z]+\d+$/, "a region like europe-west4")
    .exactOptional()
    .describe("Region of the batch or cluster, as near to the buckets as can be."),
  mode: oneOf(dataprocModes)
    .default("serverless")
    .describe(
      "`serverless` is a batch without a cluster; `cluster` is a job on `dataproc.cluster`; `ephemeral` makes a cluster for the run.",
    ),
  cluster: named(/^[a-z]([a-z0-9-]{0,49}[a-z0-9])?$/, "the name of a cluster")
    .exactOptional()
    .describe("The cluster of the mode `cluster`."),
  runtimeVersion: named(/^\d+\.\d+$/, "a runtime version like 2.3")
    .default("2.3")
    .describe("Runtime of a serverless batch."),
  image: text("an image like europe-docker.pkg.dev/project/repository/imagemill:1")
    .exactOptional()
    .describe(
      "A container image with `imagemill` on its path (submit/bundle/Containerfile), for a serverless batch; without one, nodes are sent the archive of `imagemill bundle`.",
    ),
  executorCores: z
    .union([z.literal(4), z.literal(8), z.literal(16)], { error: "must be 4, 8 or 16" })
    .default(4)
    .describe("Cores of a Spark executor: 4, 8 or 16."),
  maxExecutors: whole(2, 2000).default(100).describe("Executors at most, whatever the predicted work."),
  targetDurationMs: duration(60_000, "30m", 7 * day, "7d")
    .prefault("30m")
    .describe("How long the work should take once executors are up: decides how many there are, up to `maxExecutors`."),
  taskCpus: whole(1, 16).default(1).describe("Cores of one Spark task (`spark.task.cpus`): the threads of its worker process."),
  shardAttempts: whole(1, 10).default(4).describe("Attempts at a shard before it is given up."),
  speculation: flag()
    .default(true)
    .describe("Try what takes much longer than the rest a second time, elsewhere; the first to commit wins."),
  properties: sparkProperties().describe("Properties of Spark (`spark.driver.memory: 8g`), over those that the engine sets."),
  labels: z
    .record(
      z.string().regex(/^[a-z][a-z0-9_-]{0,62}$/, { error: "must be a label's key: lower-case letters, digits, _ and -" }),
      z.string().regex(/^[a-z0-9_-]{0,63}$/, { error: "must be a label's value: lower-case letters, digits, _ and -" }),
    )
    .default({})
    .describe("Labels of batches, jobs and clusters, for the bill."),
  serviceAccount: text("the address of a service account")
    .exactOptional()
    .describe("Account of the nodes; without it the project's default one."),
  network: text("a network").exactOptional().describe("Network of the nodes, where not a subnetwork says more."),
  subnetwork: text("a subnetwork").exactOptional().describe("Subnetwork of the nodes; it needs Private Google Access."),
  networkTags: z
    .array(text("a network tag"), { error: "must be a list of network tags" })
    .default([])
    .describe("Network tags of the nodes, for firewall rules."),
  stagingBucket: named(/^[a-z0-9][a-z0-9_.-]{1,220}[a-z0-9]$/, "the name of a bucket, without gs://")
    .exactOptional()
    .describe("Bucket for the service's own files, driver logs among them; without it the service makes one."),
  ephemeral: ephemeral.prefault({}).describe("The cluster of the mode `ephemeral`."),
}) satisfies z.ZodType<DataprocEngineConfig>;
