import type { Fleet } from "../capacity/fleet.ts";
import type { Config } from "../configs/config.ts";
import type { Plan } from "../core/types.ts";
import { computeFleet } from "./engines/compute/fleet.ts";
import { sparkFleet } from "./engines/spark/fleet.ts";

export interface KnownFleet extends Fleet {
  /** Nothing says how large the engine's cluster is: this machine stands in for it. */
  assumed: boolean;
}

/** A worker process until it takes its first shard; it then takes one after the other. */
const localStartMs = 700;

/** What the engine of a configuration brings up for a plan, or has. `sizing`: of this machine. */
export function fleetOf(
  config: Pick<Config, "spark" | "compute">,
  engine: string,
  sizing: { processes: number; threadsPerProcess: number },
  { shards, policy }: Pick<Plan, "shards" | "policy">,
): KnownFleet {
  const here = localFleet(sizing);
  if (engine === "local") return { ...here, assumed: false };
  if (engine === "compute") return { ...computeFleet(shards, config.compute, policy.limits.workerMemoryBytes), assumed: false };
  const there = engine === "spark" ? sparkFleet(config.spark, here.workers * here.threads) : undefined;
  return there === undefined ? { ...here, billing: "machines", assumed: true } : { ...there, assumed: false };
}

function localFleet({ processes, threadsPerProcess }: { processes: number; threadsPerProcess: number }): Fleet {
  return {
    billing: "own",
    machines: [],
    workers: processes,
    threads: threadsPerProcess,
    startMs: localStartMs,
    shardStartMs: 0,
    shuffleBytes: 0,
  };
}
