import { gib, serverlessDiskBytes, serverlessDriver, type Fleet } from "../capacity/fleet.ts";
import type { Config } from "../configs/config.ts";
import { ImagemillError } from "../core/errors.ts";
import type { Plan } from "../core/types.ts";
import { computeFleet, machineOf } from "./engines/compute/fleet.ts";
import { fleetOf as dataprocFleetOf, spotWorkersOf } from "./engines/dataproc/fleet.ts";
import { shardStartMs, sparkFleet } from "./engines/spark/fleet.ts";

export interface KnownFleet extends Fleet {
  /** Nothing says how large the engine's cluster is: this machine stands in for it. */
  assumed: boolean;
}

/** What an engine would do with a plan, in terms of its configuration. */
type FleetConfig = Pick<Config, "spark" | "dataproc" | "compute">;

/** A worker process until it takes its first shard; it then takes one after the other. */
const localStartMs = 700;
/** Until machines of Google work: not measured, a start; `capacity --start-up` has the same. */
const cloudStartMs = 120_000;

/** What the engine of a configuration brings up for a plan, or has. `sizing`: of this machine. */
export function fleetOf(
  config: FleetConfig,
  engine: string,
  sizing: { processes: number; threadsPerProcess: number },
  plan: Plan,
): KnownFleet {
  const here = localFleet(sizing);
  if (engine === "local") return { ...here, assumed: false };
  const there = remoteFleet(config, engine, here.workers * here.threads, plan);
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

function remoteFleet(config: FleetConfig, engine: string, localCores: number, plan: Plan): Fleet | undefined {
  try {
    if (engine === "dataproc") return dataprocFleet(config.dataproc, plan);
    if (engine === "compute") return computeFleet(plan.shards, config.compute, plan.policy.limits.workerMemoryBytes);
    return sparkFleet(config.spark, localCores);
  } catch (error) {
    // What the engine cannot do is its own to refuse, at submit.
    if (error instanceof ImagemillError) return undefined;
    throw error;
  }
}

const onGoogle = { startMs: cloudStartMs, shardStartMs, shuffleBytes: 0 } as const;

function dataprocFleet(config: Config["dataproc"], plan: Plan): Fleet {
  const fleet = dataprocFleetOf(config, plan, plan.shards);
  const { executors, slots, heapMiB, overheadMiB } = fleet;
  const work = { ...onGoogle, workers: executors * slots, threads: config.taskCpus };
  // What a cluster that is there has is its owner's to know.
  if (config.mode === "cluster") return { ...work, billing: "managed", machines: [] };
  if (config.mode === "serverless") {
    const executor = { count: executors, vcpus: config.executorCores, memoryBytes: (heapMiB + overheadMiB) * 2 ** 20, spot: false };
    const machines = [executor, serverlessDriver];
    return { ...work, billing: "dcus", machines, shuffleBytes: serverlessDiskBytes(machines) };
  }
  const shape = shapeOf(config.ephemeral.machineType);
  if (shape === undefined) return { ...work, billing: "managed", machines: [] };
  const primary = { ...shape, count: 1 + config.ephemeral.workers, spot: false };
  const secondary = { ...shape, count: spotWorkersOf(config, fleet), spot: true };
  return { ...work, billing: "managed", machines: secondary.count === 0 ? [primary] : [primary, secondary] };
}

function shapeOf(machineType: string): { vcpus: number; memoryBytes: number } | undefined {
  const machine = machineOf(machineType);
  return machine && { vcpus: machine.cpus, memoryBytes: (machine.memoryMib / 1024) * gib };
}
