import { usageError } from "../../../core/errors.ts";
import type { ShardSummary } from "../../../core/types.ts";
import type { ComputeEngineConfig } from "../../../configs/config.ts";

/** What Batch takes: https://cloud.google.com/batch/quotas */
const batchLimits = { tasks: 100_000, parallelTasks: 5000 } as const;

/** How a submission is spread over machines. */
export interface Fleet {
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

/** As many machines as finish in time, and no more. */
export function fleetOf(shards: readonly ShardSummary[], config: ComputeEngineConfig, workerMemoryBytes: number): Fleet {
  const { machineType, taskCpus, maxMachines, targetDurationMs } = config;
  const taskMemoryMib = Math.ceil(workerMemoryBytes / 2 ** 20) + overheadMib;
  const machine = machineOf(machineType);
  const tasksPerMachine = machine === undefined ? 1 : fitting(machine, taskCpus, taskMemoryMib);
  if (tasksPerMachine < 1) throw tooSmall(config, taskMemoryMib);
  const workMs = shards.reduce((sum, shard) => sum + shard.predictedMs, 0);
  const perMachine = tasksPerMachine * taskCpus;
  const machines = Math.min(maxMachines, Math.max(1, Math.ceil(workMs / targetDurationMs / perMachine)));
  const asked = config.parallelism === "auto" ? Infinity : config.parallelism;
  const places = Math.min(asked, machines * tasksPerMachine, batchLimits.parallelTasks);
  const wanted = Math.max(places * tasksPerPlace, Math.ceil(workMs / (taskWorkMs * taskCpus)));
  const tasks = Math.min(shards.length, wanted, batchLimits.tasks);
  return { machines, tasksPerMachine, tasks, parallelism: Math.min(places, tasks), taskMemoryMib };
}

interface MachineShape {
  cpus: number;
  memoryMib: number;
}

/** GB a core, at the least that a series has. */
const memoryKinds: Record<string, number> = { highcpu: 0.9, standard: 3.75, highmem: 6.5, ultramem: 20, megamem: 14, hypermem: 14 };
const sharedCores: Record<string, MachineShape> = {
  "e2-micro": { cpus: 2, memoryMib: 1024 },
  "e2-small": { cpus: 2, memoryMib: 2048 },
  "e2-medium": { cpus: 2, memoryMib: 4096 },
};

/** Cores and memory as the name tells; undefined where it tells nothing. */
export function machineOf(machineType: string): MachineShape | undefined {
  const custom = /(?:^|-)custom-(\d+)-(\d+)(?:-ext)?$/.exec(machineType);
  if (custom !== null) return { cpus: Number(custom[1]), memoryMib: Number(custom[2]) };
  const usual = /-([a-z]+)-(\d+)(?:-lssd|-metal)?$/.exec(machineType);
  const gigabytes = usual === null ? undefined : memoryKinds[usual[1]!];
  if (usual === null || gigabytes === undefined) return sharedCores[machineType];
  const cpus = Number(usual[2]);
  return { cpus, memoryMib: Math.floor(cpus * gigabytes * 1024) };
}

function fitting({ cpus, memoryMib }: MachineShape, taskCpus: number, taskMemoryMib: number): number {
  return Math.min(Math.floor(cpus / taskCpus), Math.floor(memoryMib / taskMemoryMib));
}

function tooSmall({ machineType, taskCpus }: ComputeEngineConfig, taskMemoryMib: number): Error {
  return usageError(
    `a machine of type ${machineType} holds no Batch task of ${taskCpus} cores and ${taskMemoryMib} MiB`,
    "A larger compute.machineType, or less compute.taskCpus and limits.workerMemoryBytes.",
  );
}
