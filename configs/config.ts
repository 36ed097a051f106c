import type { Policy } from "../core/types.ts";
import type { LogLevel } from "../core/log.ts";

export interface JobConfig {
  /** A built-in job, or the absolute path of a module. */
  name: string;
  params: Record<string, unknown>;
}

export interface SelectConfig {
  /** Globs on names. */
  include: string[];
  exclude: string[];
  createdAfter?: string;
  createdBefore?: string;
}

export interface LocalEngineConfig {
  /** Worker processes; "auto" = one a core, as memory allows. */
  processes: number | "auto";
  threadsPerProcess: number | "auto";
  /** Bind each worker to a core where the system can (Linux `taskset`). */
  pin: boolean;
  shardAttempts: number;
}

export interface SparkEngineConfig {
  /** `spark://host:7077`, `yarn`, `k8s://…`, `local[N]`. Needed to submit, not to look at what was submitted. */
  master?: string;
  /** How Spark is started on this machine. */
  submitCommand: string;
  /** Properties of Spark, over ours. */
  conf: Record<string, string>;
  /** Cores of one Spark task = threads of its worker process. */
  taskCpus: number;
  shardAttempts: number;
  /** A second attempt at what takes much longer than the rest; the first to commit wins. */
  speculation: boolean;
  /**
   * What runs on nodes: `here` is this installation, at the same path on every node; `bundle` is sent along by Spark;
   * `unpacked` is the same that was sent by other means; `auto` is `here` where the master is this machine.
   */
  worker: "auto" | "here" | "bundle" | "unpacked";
  /** The cluster's machines, for predictions alone. */
  machines?: ClusterMachinesConfig;
}

export const dataprocModes = ["serverless", "cluster", "ephemeral"] as const;

export interface DataprocEngineConfig {
  /** Needed to submit, not to look at what was submitted; so is `cluster` in the mode `cluster`. */
  region?: string;
  mode: (typeof dataprocModes)[number];
  cluster?: string;
  /** Of a serverless batch. */
  runtimeVersion: string;
  /** Container image that holds imagemill, of a serverless batch; absent: nodes are sent the runtime archive. */
  image?: string;
  executorCores: 4 | 8 | 16;
  maxExecutors: number;
  /** How long the work should take once executors are up. */
  targetDurationMs: number;
  taskCpus: number;
  shardAttempts: number;
  speculation: boolean;
  /** Properties of Spark, over ours. */
  properties: Record<string, string>;
  labels: Record<string, string>;
  serviceAccount?: string;
  network?: string;
  subnetwork?: string;
  networkTags: string[];
  /** A bucket's name. */
  stagingBucket?: string;
  ephemeral: {
    imageVersion: string;
    /** Ends in its number of cores. */
    machineType: string;
    workers: number;
    spotWorkers: number | "auto";
    idleDeleteMs: number;
    zone?: string;
  };
}

/** Batch on Compute Engine. */
export interface ComputeEngineConfig {
  /** Needed to submit, not to look at what was submitted. */
  region?: string;
  machineType: string;
  provisioning: "spot" | "standard";
  maxMachines: number;
  /** How long the work should take once machines are up. */
  targetDurationMs: number;
  /** Batch tasks at once; "auto" = what fits on the machines. */
  parallelism: number | "auto";
  /** Cores of one Batch task = threads of its worker process. */
  taskCpus: number;
  /** At a Batch task, the first one included; preemptions count. */
  attempts: number;
  taskTimeoutMs: number;
  bootDiskGb: number;
  bootDiskType: string;
  network?: string;
  subnetwork?: string;
  noExternalIp: boolean;
  serviceAccount?: string;
  /** `zones/…` or `regions/…`, of the region. */
  allowedLocations: string[];
  /** Container image that holds imagemill; absent: machines fetch the runtime archive. */
  image?: string;
  labels: Record<string, string>;
}

export interface KafkaConfig {
  /** `host:port` each. */
  brokers: string[];
  topics: string[];
  group: string;
  from: "earliest" | "latest";
  nameHeader?: string;
  /** `file:///…` or `gs://…`, no trailing slash. */
  deadLetters?: string;
  concurrency: number;
  bufferBytes: number;
  fetchBytes: number;
  commitEveryMs: number;
  sessionTimeoutMs: number;
  stopTimeoutMs: number;
  /** Files are absolute paths. */
  tls: { enabled: boolean; caFile?: string; certFile?: string; keyFile?: string };
  sasl?: { mechanism: "PLAIN" | "SCRAM-SHA-256" | "SCRAM-SHA-512"; username: string; passwordVariable: string };
}

export interface GoogleConfig {
  project?: string;
  /** Location of buckets and dataset that `init` creates. */
  location: string;
  /** Id of a report that `report --data-studio` copies. */
  dataStudioTemplate?: string;
  endpoints: { storage?: string; bigquery?: string; dataproc?: string; batch?: string };
}

/** List prices; what is left out has no price, and what needs it is not predicted. */
export interface PricesConfig {
  /** ISO 4217; a label. */
  currency: string;
  vcpuHour?: number;
  memoryGibHour?: number;
  spotVcpuHour?: number;
  spotMemoryGibHour?: number;
  /** Fee of a managed cluster, over the machines. */
  dataprocVcpuHour?: number;
  dcuHour?: number;
  shuffleGibMonth?: number;
  /** Of this machine, for the engine local. */
  localHour?: number;
  /** A machine that lived for less is billed for this. */
  minimumBilledMs: number;
}

/** Machines of a cluster that is there already, as predictions need them. */
export interface ClusterMachinesConfig {
  count: number;
  vcpus: number;
  memoryBytes: number;
  spot: boolean;
}

export const engineNames = ["local", "spark", "dataproc", "compute"] as const;

/**
 * Everything a user can write, defaults filled in. `policy` is what a plan freezes; the rest is about this machine or
 * this cloud project and may differ from one invocation to the next.
 */
export interface Config {
  /** `file:///…` or `gs://…`, no trailing slash; may contain `{run_date}`. "" where a verb was run that needs none. */
  source: string;
  /** `file:///…` or `gs://…`, no trailing slash; so is `control`. */
  archive: string;
  control: string;
  /** `duckdb:///…` or `bigquery://project/dataset`. */
  warehouse: string;
  engine: (typeof engineNames)[number];
  jobs: JobConfig[];
  select: SelectConfig;
  policy: Policy;
  /** Must be 7 where `policy.archive.onArchived` is `move`. */
  iAcceptLossAfterDays?: number;
  local: LocalEngineConfig;
  spark: SparkEngineConfig;
  dataproc: DataprocEngineConfig;
  compute: ComputeEngineConfig;
  kafka: KafkaConfig;
  google: GoogleConfig;
  prices: PricesConfig;
  logLevel: LogLevel;
}
