import type { SparkEngineConfig } from "../../../configs/config.ts";
import type { Fleet } from "../../../capacity/fleet.ts";

/** Measured with a standalone cluster of one machine: spark-submit, the application, its first executor. */
const startMs = 6000;
/** A worker process of its own for each shard: measured as what a run takes beyond the local engine's, by shard. */
export const shardStartMs = 300;

/**
 * What a Spark cluster gives a run, as far as the configuration says it: `spark.machines`, and properties that bound the
 * application. Undefined where nothing does: the cluster is asked for all it has.
 */
export function sparkFleet(config: SparkEngineConfig, localCores: number): Fleet | undefined {
  const cores = coresOf(config, localCores);
  if (cores === undefined) return undefined;
  const { machines, taskCpus } = config;
  return {
    billing: isLocal(config) ? "own" : "machines",
    machines: machines === undefined ? [] : [machines],
    workers: Math.max(1, Math.floor(cores / taskCpus)),
    threads: taskCpus,
    startMs,
    shardStartMs,
    shuffleBytes: 0,
  };
}

function isLocal({ master = "" }: SparkEngineConfig): boolean {
  return master.startsWith("local");
}

function coresOf(config: SparkEngineConfig, localCores: number): number | undefined {
  const { master = "", machines, conf } = config;
  const inOne = /^local(?:\[([^,\]]+)[^\]]*\])?$/.exec(master);
  if (inOne !== null) return inOne[1] === "*" ? localCores : Number(inOne[1] ?? 1);
  const bounds = [
    machines && machines.count * machines.vcpus,
    numberOf(conf["spark.cores.max"]),
    product(numberOf(conf["spark.executor.instances"]), numberOf(conf["spark.executor.cores"])),
  ].filter((bound) => bound !== undefined);
  return bounds.length === 0 ? undefined : Math.min(...bounds);
}

function numberOf(text: string | undefined): number | undefined {
  const value = Number(text);
  return text !== undefined && Number.isInteger(value) && value > 0 ? value : undefined;
}

function product(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : a * b;
}
