import { z } from "zod";
import type { SparkEngineConfig } from "../config.ts";
import { flag, oneOf, size, text, whole } from "../fields.ts";

/** `{ spark: { executor: { memory: "2g" } } }`, as `--set spark.conf.spark.executor.memory=2g` says it, is one property. */
function flatProperties(written: Record<string, unknown>, prefix: string): Record<string, unknown> {
  const flat = Object.entries(written).map(([key, value]) =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? flatProperties(value as Record<string, unknown>, `${prefix}${key}.`)
      : { [prefix + key]: value },
  );
  return Object.assign({}, ...flat) as Record<string, unknown>;
}

/** Properties of Spark, nested or dotted. */
export const sparkProperties = () =>
  z
    .record(z.string(), z.unknown(), { error: "must be a mapping of Spark properties" })
    .transform((written, context) => {
      const properties = flatProperties(written, "");
      const wrong = Object.entries(properties).find(([, value]) => typeof value === "object");
      if (wrong === undefined) return Object.fromEntries(Object.entries(properties).map(([key, value]) => [key, String(value)]));
      context.addIssue({ code: "custom", message: `must map Spark properties to texts or numbers; ${wrong[0]} is neither` });
      return z.NEVER;
    })
    .prefault({});

export const spark = z.strictObject({
  master: z
    .string({ error: "must be a Spark master like spark://host:7077, yarn, k8s://https://host:port or local[2]" })
    .regex(/^(spark:\/\/\S+|k8s:\/\/\S+|yarn|local(\[[^\]\s]+\])?)$/, {
      error: "must be a Spark master like spark://host:7077, yarn, k8s://https://host:port or local[2]",
    })
    .exactOptional()
    .describe("The cluster: spark://host:7077, yarn, k8s://https://host:port or local[N]; also --spark-master."),
  submitCommand: text("a command").default("spark-submit").describe("How Spark is started on this machine."),
  conf: sparkProperties().describe("Properties of Spark (`spark.executor.memory: 2g`), over those that the engine sets."),
  taskCpus: whole(1, 256).default(1).describe("Cores of one Spark task (`spark.task.cpus`): the threads of its worker process."),
  shardAttempts: whole(1, 10).default(4).describe("Attempts at a shard before it is given up."),
  speculation: flag()
    .default(true)
    .describe("Try what takes much longer than the rest a second time, elsewhere; the first to commit wins."),
  worker: oneOf(["auto", "here", "bundle", "unpacked"])
    .default("auto")
    .describe(
      "What nodes execute: `here` is this installation, at the same path on every node; `bundle` is the archive of `imagemill bundle`, sent along; `unpacked` is the same, which nodes have by other means as `imagemill-runtime` in their working folder; `auto` is `here` where the master is this machine.",
    ),
  machines: z
    .strictObject({
      count: whole(1, 100_000).describe("Machines that run Spark tasks."),
      vcpus: whole(1, 1024).describe("vCPUs of one of them."),
      memoryBytes: size(1, "1 B", "16GiB").describe("Memory of one of them."),
      spot: flag().default(false).describe("Whether they are paid for at the spot price."),
    })
    .exactOptional()
    .describe("The cluster, for predicting time and price; nothing is started or limited by it."),
}) satisfies z.ZodType<SparkEngineConfig>;
