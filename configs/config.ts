import type { Policy } from "../core/types.ts";
import type { LogLevel } from "../core/log.ts";

export interface JobConfig {
  /** A built-in job, or the path of a module, relative to the config file. */
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

export interface GoogleConfig {
  project?: string;
  /** Location of buckets and dataset that `init` creates. */
  location: string;
  endpoints: { storage?: string; bigquery?: string; dataproc?: string; batch?: string };
}

/**
 * Everything a user can write, defaults filled in. `policy` is what a plan freezes; the rest is about this machine or
 * this cloud project and may differ from one invocation to the next.
 */
export interface Config {
  source: string;
  archive: string;
  control: string;
  warehouse: string;
  engine: "local" | "spark" | "dataproc" | "compute";
  jobs: JobConfig[];
  select: SelectConfig;
  policy: Policy;
  /** Must be 7 where `policy.archive.onArchived` is `move`. */
  iAcceptLossAfterDays?: number;
  local: LocalEngineConfig;
  google: GoogleConfig;
  logLevel: LogLevel;
}
