import { dirname } from "node:path";
import type { Clock, Random } from "../core/clock.ts";
import type { RunEvent } from "../core/events.ts";
import type { Logger } from "../core/log.ts";
import type { CodeDigests, PlannedJob } from "../core/types.ts";
import type { Config } from "../configs/config.ts";
import { resolveJobs } from "../jobs/resolve.ts";
import type { ObjectStore } from "../storage/store.ts";
import type { Warehouse } from "../warehouse/warehouse.ts";
import type { Engine, WorkerEventSink } from "./engines/engine.ts";

/*
 * open.ts opens a driver: openDriver(config: Config, host: DriverHost): Promise<Driver>.
 * The verbs on it, one file each; what they end with is in summary.ts:
 *   plan.ts    planRun(driver, options: RunOptions, { save: boolean }): Promise<PlanSummary>
 *   run.ts     run(driver, options: RunOptions): Promise<RunSummary>
 *   submit.ts  submitRun(driver, options: RunOptions): Promise<SubmitSummary>
 *   finish.ts  finishRun(driver, runId, { acceptQuarantined: boolean }): Promise<RunSummary>
 *   status.ts  runStatus(driver, runId): Promise<RunStatus>
 *   cancel.ts  cancelRun(driver, runId): Promise<CancelResult>
 *   replay.ts  replayRun(driver, runId, options: ReplayOptions): Promise<RunSummary>
 *   verify.ts  verifyRun(driver, runId): Promise<VerifyResult>
 * A verb throws an ImagemillError where it could not begin or the unexpected happened, and otherwise resolves with
 * `exitCode` and, where that is not 0, `problem`: a closed gate, a shard that always fails and Ctrl-C have counts to show.
 */

/** What the command line lends to the driver. */
export interface DriverHost {
  log: Logger;
  clock: Clock;
  random: Random;
  /** Aborts on Ctrl-C: work in flight ends within seconds and the verb ends with exit code 130. */
  signal: AbortSignal;
  emit: (event: RunEvent) => void;
  /** Job modules are relative to it; default: the working directory. */
  configPath?: string;
  environment: NodeJS.ProcessEnv;
  /** Milliseconds since the epoch at which the process started; default: when the driver was opened. */
  startedAtMs?: number;
}

export interface RunOptions {
  /** YYYY-MM-DD. Absent: today (UTC), and unfinished runs of the same request on earlier dates are continued first. */
  runDate?: string;
  /** 1, 2, …: the Nth run of the date. */
  rerun: number;
  /** Ignore the ledger. */
  reprocess: boolean;
  limit?: number;
  sample?: number;
}

/** Where a driver's outside comes from; tests put their own in. */
export interface DriverParts {
  openStore: (url: string, as?: "source") => Promise<ObjectStore>;
  openWarehouse: (url: string) => Promise<Warehouse>;
  /** For one execution; `onEvent` hears workers of this machine. `name`: of the engine that has the work, if not the configured. */
  createEngine: (onEvent: WorkerEventSink, name?: string) => Promise<Engine>;
  /** Of what executes on this machine. */
  code: () => CodeDigests;
  /** Of the local engine's workers. */
  sizing: () => { processes: number; threadsPerProcess: number };
}

/** What every verb works with. Disposing it closes what it opened. */
export interface Driver extends AsyncDisposable {
  readonly config: Config;
  readonly host: DriverHost & { startedAtMs: number };
  readonly control: ObjectStore;
  /** Opened at the first use of a URL. */
  store(url: string): Promise<ObjectStore>;
  /** Its objects are called by their names in the bucket. */
  source(url: string): Promise<ObjectStore>;
  warehouse(url: string): Promise<Warehouse>;
  jobs(): Promise<PlannedJob[]>;
  readonly createEngine: DriverParts["createEngine"];
  readonly code: DriverParts["code"];
  readonly sizing: DriverParts["sizing"];
}

export async function createDriver(config: Config, host: DriverHost, parts: DriverParts): Promise<Driver> {
  const stores = new Map<string, Promise<ObjectStore>>();
  const warehouses = new Map<string, Promise<Warehouse>>();
  const store = async (url: string): Promise<ObjectStore> => opened(stores, url, parts.openStore);
  let jobs: Promise<PlannedJob[]> | undefined;
  return {
    config,
    host: { ...host, startedAtMs: host.startedAtMs ?? host.clock.now() },
    control: await store(config.control),
    store,
    source: async (url) => opened(stores, url, async () => parts.openStore(url, "source")),
    warehouse: async (url) => opened(warehouses, url, parts.openWarehouse),
    jobs: async () => (jobs ??= resolveJobs(config.jobs, host.configPath === undefined ? process.cwd() : dirname(host.configPath))),
    createEngine: parts.createEngine,
    code: parts.code,
    sizing: parts.sizing,
    [Symbol.asyncDispose]: async () => {
      const all = await Promise.allSettled([...stores.values(), ...warehouses.values()]);
      await Promise.all(all.map(async (one) => (one.status === "fulfilled" ? one.value.close() : undefined)));
    },
  };
}

async function opened<T>(known: Map<string, Promise<T>>, url: string, open: (url: string) => Promise<T>): Promise<T> {
  const there = known.get(url);
  if (there !== undefined) return there;
  const opening = open(url);
  known.set(url, opening);
  return opening;
}
