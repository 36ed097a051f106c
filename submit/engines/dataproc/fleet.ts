import { usageError } from "../../../core/errors.ts";
import type { Plan, ShardSummary } from "../../../core/types.ts";
import type { DataprocEngineConfig } from "../../../configs/config.ts";
import { taskProperties } from "../spark/command.ts";

/** An executor of Spark. */
interface ExecutorShape {
  /** Shards that it does at once. */
  slots: number;
  /** Of its JVM. */
  heapMiB: number;
  /** Beside the JVM: the workers. */
  overheadMiB: number;
}

/** What a run needs of machines, from its predicted work. */
export interface Fleet extends ExecutorShape {
  executors: number;
}

/** Spark's own needs: the driver's side is counted in shards, an executor's JVM passes names on. */
const heapMiB = 1024;
/** A Python process for each task. */
const pythonMiB = 128;
/** Of imagemill itself beside the driver's JVM: planning a million objects takes 300 MiB, the report some pictures more. */
const drivingMiB = 2048;
const fewestExecutors = 2;
/** What a serverless batch gives a core, at least and at most. */
const serverlessCoreMiB = { least: 1024, most: 7424 };

/**
 * As many executors as do the predicted work in the time wished for: not more than have a shard each to begin with, not
 * more than allowed.
 */
export function fleetOf(config: DataprocEngineConfig, plan: Plan, shards: readonly ShardSummary[]): Fleet {
  const { taskCpus, targetDurationMs, maxExecutors } = config;
  const shape = executorShape(config, plan.policy.limits.workerMemoryBytes);
  const workMs = shards.reduce((sum, shard) => sum + shard.predictedMs, 0);
  const forTime = Math.ceil(workMs / (targetDurationMs * shape.slots * taskCpus));
  const busy = Math.ceil(shards.length / shape.slots);
  return { ...shape, executors: Math.max(fewestExecutors, Math.min(forTime, busy, maxExecutors)) };
}

/** An executor has the memory that its workers may take. */
function executorShape({ executorCores, taskCpus, mode }: DataprocEngineConfig, workerMemoryBytes: number): ExecutorShape {
  const slots = Math.floor(executorCores / taskCpus);
  if (slots === 0)
    throw usageError(`a task of ${taskCpus} cores does not fit an executor of ${executorCores}`, "--set dataproc.executorCores=16");
  const workerMiB = Math.ceil(workerMemoryBytes / 2 ** 20);
  const overheadMiB = slots * (workerMiB + pythonMiB);
  if (mode !== "serverless") return { slots, heapMiB, overheadMiB };
  if (heapMiB + overheadMiB > serverlessCoreMiB.most * executorCores) {
    throw usageError(
      `${slots} workers of ${workerMiB} MiB are more than a serverless executor of ${executorCores} cores may have (${serverlessCoreMiB.most} MiB a core)`,
      `--set dataproc.taskCpus=${taskCpus * 2} (fewer workers, each with more threads), or a lower limits.workerMemoryBytes`,
    );
  }
  return { slots, overheadMiB, heapMiB: Math.max(heapMiB, serverlessCoreMiB.least * executorCores - overheadMiB) };
}

/** Properties of Spark for the fleet; the user's go over them. */
export function fleetProperties(config: DataprocEngineConfig, fleet: Fleet): Record<string, string> {
  return { ...properties(config, fleet, fleet.executors), ...config.properties };
}

/** For a whole run in one batch, which is planned only there: it begins with few executors and asks for more. */
export function wholeRunProperties(config: DataprocEngineConfig, workerMemoryBytes: number): Record<string, string> {
  const fleet = { ...executorShape(config, workerMemoryBytes), executors: config.maxExecutors };
  const driver = { "spark.driver.memoryOverhead": `${drivingMiB}m` };
  return { ...properties(config, fleet, fewestExecutors), ...driver, ...config.properties };
}

function properties(config: DataprocEngineConfig, fleet: Fleet, initialExecutors: number): Record<string, string> {
  return {
    ...taskProperties(config),
    "spark.executor.cores": String(config.executorCores),
    "spark.executor.memory": `${fleet.heapMiB}m`,
    "spark.executor.memoryOverhead": `${fleet.overheadMiB}m`,
    "spark.driver.memory": "4g",
    // Executors without a shard to do go, so that the tail of a run costs little.
    "spark.dynamicAllocation.enabled": "true",
    "spark.dynamicAllocation.minExecutors": String(fewestExecutors),
    "spark.dynamicAllocation.initialExecutors": String(initialExecutors),
    "spark.dynamicAllocation.maxExecutors": String(fleet.executors),
    // A task is a minute of work for a whole core: no executor is to wait for more of them.
    "spark.dynamicAllocation.executorAllocationRatio": "1",
  };
}

/** Spot machines beside the primary workers of an ephemeral cluster. */
export function spotWorkersOf({ ephemeral, executorCores }: DataprocEngineConfig, { executors }: Fleet): number {
  const { spotWorkers, machineType, workers } = ephemeral;
  if (spotWorkers !== "auto") return spotWorkers;
  const executorsEach = Math.max(1, Math.floor(Number(/\d+$/.exec(machineType)![0]) / executorCores));
  return Math.max(0, Math.ceil(executors / executorsEach) - workers);
}
