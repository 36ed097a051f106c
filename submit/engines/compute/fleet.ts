import type { Fleet } from "../../../capacity/fleet.ts";
import { usageError } from "../../../core/errors.ts";
import type { ShardSummary } from "../../../core/types.ts";
import type { ComputeEngineConfig } from "../../../configs/config.ts";

/** What Batch takes: https://cloud.google.com/batch/quotas */
export const batchLimits = { tasks: 100_000, parallelTasks: 5000 } as const;

/** How a submission is spread over machines. */
export interface Spread {
  machines: number;
  tasksPerMachine: number;
  /** Batch tasks in all; each does a group of shards. */
  tasks: number;
  parallelism: number;
  taskMemoryMib: number;
}

/** Work of a Batch task on its cores: long against its start, short against the whole. */
const taskWorkMs = 300_000;
/** So many tasks a place, where there are shards enough: the end of a run stays even. */
const tasksPerPlace = 3;
/** Of a task beside its pool process: the supervisor, the script. */
const overheadMib = 512;
/** Of a machine's memory: the rest is the system's. */
const usableMemory = 0.93;
/** Machines that are yet to come, and the runtime on them. */
const startMs = 120_000;

/** As many machines as finish in time, and no more. */
export function spreadOf(shards: readonly ShardSummary[], config: ComputeEngineConfig, workerMemoryBytes: number): Spread {
  const { machineType, taskCpus, maxMachines, targetDurationMs } = config;
  const taskMemoryMib = Math.ceil(workerMemoryBytes / 2 ** 20) + overheadMib;
  const machine = machineOf(machineType);
  const tasksPerMachine = machine === undefined ? 1 : fitting(machine, taskCpus, taskMemoryMib);
  if (tasksPerMachine < 1) throw tooSmall(config, taskMemoryMib);
  const workMs = shards.reduce((sum, shard) => sum + shard.predictedMs, 0);
  const perMachine = tasksPerMachine * taskCpus;
  const worth = Math.min(maxMachines, Math.max(1, Math.ceil(workMs / targetDurationMs / perMachine)));
  const asked = config.parallelism === "auto" ? Infinity : config.parallelism;
  const places = Math.min(asked, worth * tasksPerMachine, batchLimits.parallelTasks);
  const wanted = Math.max(places * tasksPerPlace, Math.ceil(workMs / (taskWorkMs * taskCpus)));
  const tasks = Math.min(shards.length, wanted, batchLimits.tasks);
  const parallelism = Math.min(places, tasks);
  return { machines: Math.ceil(parallelism / tasksPerMachine), tasksPerMachine, tasks, parallelism, taskMemoryMib };
}

/** What a run gets, for a prediction of its time and price. */
export function computeFleet(shards: readonly ShardSummary[], config: ComputeEngineConfig, workerMemoryBytes: number): Fleet {
  const { machines: count, parallelism } = spreadOf(shards, config, workerMemoryBytes);
  const machine = machineOf(config.machineType);
  const spot = config.provisioning === "spot";
  return {
    billing: "machines",
    machines: machine === undefined ? [] : [{ count, vcpus: machine.cpus, memoryBytes: machine.memoryMib * 2 ** 20, spot }],
    workers: Math.max(1, parallelism),
    threads: config.taskCpus,
    startMs,
    shardStartMs: 0,
    shuffleBytes: 0,
  };
}

interface MachineShape {
  cpus: number;
  memoryMib: number;
}

/** GiB a core, by kind; series that differ have their own. */
const memoryKinds: Record<string, number> = { highcpu: 1, standard: 4, highmem: 8 };
const memoryOfSeries: Record<string, Record<string, number>> = {
  n1: { highcpu: 0.9, standard: 3.75, highmem: 6.5 },
  c2d: { highcpu: 2 },
  c3: { highcpu: 2 },
  c3d: { highcpu: 2 },
  c4: { highcpu: 2, standard: 3.75, highmem: 7.75 },
  c4a: { highcpu: 2 },
  c4d: { highcpu: 1.875, standard: 3.875, highmem: 7.875 },
  n4: { highcpu: 2 },
};
const sharedCores: Record<string, MachineShape> = {
  "e2-micro": { cpus: 2, memoryMib: 1024 },
  "e2-small": { cpus: 2, memoryMib: 2048 },
  "e2-medium": { cpus: 2, memoryMib: 4096 },
};

/** Cores and memory as the name tells; undefined where it tells nothing. */
export function machineOf(machineType: string): MachineShape | undefined {
  const custom = /(?:^|-)custom-(\d+)-(\d+)(?:-ext)?$/.exec(machineType);
  if (custom !== null) return { cpus: Number(custom[1]), memoryMib: Number(custom[2]) };
  const [, series, kind, cores] = /^([a-z0-9]+)-([a-z]+)-(\d+)(?:-lssd|-metal)?$/.exec(machineType) ?? [];
  if (series === undefined) return sharedCores[machineType];
  const gib = memoryOfSeries[series]?.[kind!] ?? memoryKinds[kind!];
  return gib === undefined ? undefined : { cpus: Number(cores), memoryMib: Number(cores) * gib * 1024 };
}

function fitting({ cpus, memoryMib }: MachineShape, taskCpus: number, taskMemoryMib: number): number {
  return Math.min(Math.floor(cpus / taskCpus), Math.floor((memoryMib * usableMemory) / taskMemoryMib));
}

function tooSmall({ machineType, taskCpus }: ComputeEngineConfig, taskMemoryMib: number): Error {
  return usageError(
    `a machine of type ${machineType} holds no Batch task of ${taskCpus} cores and ${taskMemoryMib} MiB`,
    "A larger compute.machineType, or less compute.taskCpus and limits.workerMemoryBytes.",
  );
}
