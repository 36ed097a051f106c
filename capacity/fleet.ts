/* What an engine brings up for a run, as data: enough to predict its time and its price. */

export interface Machines {
  count: number;
  vcpus: number;
  memoryBytes: number;
  /** At the price of machines that may be taken away. */
  spot: boolean;
}

/**
 * How the time of a fleet is paid for:
 * - `own`: a machine that is there anyway; by the hour where its owner gives that a price.
 * - `machines`: vCPUs and memory of each machine; `managed` adds a fee a vCPU.
 * - `dcus`: serverless Spark's compute units, which derive from vCPUs and memory, and shuffle storage.
 */
export type Billing = "own" | "machines" | "managed" | "dcus";

export interface Fleet {
  billing: Billing;
  /** Everything that is paid for; those that do no work (a master, a Spark driver) included. Empty: not known. */
  machines: Machines[];
  /** Shards in work at once. */
  workers: number;
  /** Of one worker. */
  threads: number;
  /** From the submission to the first worker's start. */
  startMs: number;
  /** Of every shard, beside its images: the start of its worker, its rows, its commit. */
  shardStartMs: number;
  /** Shuffle storage that is held, and so paid for, used or not. */
  shuffleBytes: number;
}

export const gib = 2 ** 30;

/** The driver that serverless Spark starts when nothing else is asked for. */
export const serverlessDriver: Machines = { count: 1, vcpus: 4, memoryBytes: 16 * gib, spot: false };

/** The disk that serverless Spark gives each core when nothing else is asked for; it is paid for as shuffle storage. */
export function serverlessDiskBytes(machines: readonly Machines[]): number {
  return machines.reduce((sum, { count, vcpus }) => sum + count * vcpus * 100 * gib, 0);
}
