import { usageError } from "../../../core/errors.ts";
import type { Plan, ShardSummary } from "../../../core/types.ts";
import type { DataprocEngineConfig } from "../../../configs/config.ts";
import { taskProperties } from "../spark/command.ts";

/** What a run needs of machines, from its predicted work. */
export interface Fleet {
  executors: number;
  /** Shards that one executor does at once. */
  slots: number;
  /** Of an executor's JVM. */
  heapMiB: number;
  /** Beside the JVM: the workers. */
  overheadMiB: number;
}

/** Spark's own needs: the driver's side is counted in shards, an executor's JVM passes names on. */
const heapMiB = 1024;
/** A Python process for each task. */
const pythonMiB = 128;
const fewestExecutors = 2;
/** What a serverless batch gives a core, at least and at most. */
const serverlessCoreMiB = { least: 1024, most: 7424 };

/**
 * As many executors as do the predicted work in the time wished for: not more than have a shard each to begin with, not
 * more than allowed. An executor has the memory that its workers may take.
 */
export function fleetOf(config: DataprocEngineConfig, plan: Plan, shards: readonly ShardSummary[]): Fleet {
  const { executorCores, taskCpus, finishWithinMs, maxExecutors, mode } = config;
  const slots = Math.floor(executorCores / taskCpus);
  if (slots === 0)
    throw usageError(`a task of ${taskCpus} cores does not fit an executor of ${executorCores}`, "--set dataproc.executorCores=16");
  const workMs = shards.reduce((sum, shard) => sum + shard.predictedMs, 0);
  const forTime = Math.ceil(workMs / (finishWithinMs * slots * taskCpus));
  const busy = Math.ceil(shards.length / slots);
  const executors = Math.max(fewestExecutors, Math.min(forTime, busy, maxExecutors));
  const overheadMiB = slots * (Math.ceil(plan.policy.limits.workerMemoryBytes / 2 ** 20) + pythonMiB);
  if (mode !== "serverless") return { executors, slots, heapMiB, overheadMiB };
  const coreMiB = (heapMiB + overheadMiB) / executorCores;
  if (coreMiB > serverlessCoreMiB.most) {
    throw usageError(
      `${slots} workers of ${plan.policy.limits.workerMemoryBytes / 2 ** 20} MiB are more than a serverless executor of ${executorCores} cores may have (${serverlessCoreMiB.most} MiB a core)`,
      `--set dataproc.taskCpus=${taskCpus * 2} (fewer workers, each with more threads), or a lower limits.workerMemoryBytes`,
    );
  }
  return { executors, slots, overheadMiB, heapMiB: Math.max(heapMiB, serverlessCoreMiB.least * executorCores - overheadMiB) };
}

/** Properties of Spark for the fleet; the user's go over them. */
export function fleetProperties(config: DataprocEngineConfig, fleet: Fleet): Record<string, string> {
  return {
    ...taskProperties(config),
    "spark.executor.cores": String(config.executorCores),
    "spark.executor.memory": `${fleet.heapMiB}m`,
    "spark.executor.memoryOverhead": `${fleet.overheadMiB}m`,
    "spark.driver.memory": "4g",
    // Executors without a shard to do go, so that the tail of a run costs little.
    "spark.dynamicAllocation.enabled": "true",
    "spark.dynamicAllocation.minExecutors": String(fewestExecutors),
    "spark.dynamicAllocation.initialExecutors": String(fleet.executors),
    "spark.dynamicAllocation.maxExecutors": String(fleet.executors),
    // A task is a minute of work for a whole core: no executor is to wait for more of them.
    "spark.dynamicAllocation.executorAllocationRatio": "1",
    ...config.properties,
  };
}

/** Spot machines beside the primary workers of an ephemeral cluster. */
export function spotWorkersOf({ ephemeral, executorCores }: DataprocEngineConfig, { executors }: Fleet): number {
  const { spotWorkers, machineType, workers } = ephemeral;
  if (spotWorkers !== "auto") return spotWorkers;
  const executorsEach = Math.max(1, Math.floor(Number(/\d+$/.exec(machineType)![0]) / executorCores));
  return Math.max(0, Math.ceil(executors / executorsEach) - workers);
}
