import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { codeDigests } from "../core/code.ts";
import { digestOf } from "../core/digest.ts";
import { usageError } from "../core/errors.ts";
import type { Config } from "../configs/config.ts";
import { readMachine } from "../pool/machine.ts";
import { pinned, sizeMachine, type Sizing } from "../pool/sizing.ts";
import { openSource, openStore, type StoreContext } from "../storage/open.ts";
import { openWarehouse } from "../warehouse/open.ts";
import type { Bundle } from "./bundle/bundle.ts";
import { uploadArchive, uploadDriver, uploadRuntime } from "./bundle/upload.ts";
import { createDriver, type Driver, type DriverHost } from "./driver.ts";
import { createComputeEngine } from "./engines/compute.ts";
import { openBatch } from "./engines/compute/client.ts";
import { createLocalEngine } from "./engines/local.ts";
import { createSparkEngine } from "./engines/spark.ts";
import { isHere, type NodeRuntime } from "./engines/spark/command.ts";
import { cacheFolder, stateFolder } from "./folders.ts";
import type { Engine, WorkerEventSink } from "./engines/engine.ts";
import type { WorkerCommand } from "./engines/worker-process.ts";

/** The command line of this installation. */
const entry = fileURLToPath(new URL("bin.js", import.meta.url));
/** How long a load waits for a database file that another process has open. */
const warehouseLockTimeoutMs = 60_000;

/** The driver of a configuration, with everything that is real. Opens the control store; the rest when it is used. */
export async function openDriver(config: Config, host: DriverHost): Promise<Driver> {
  const { log, clock, random, emit } = host;
  const context = storeContext(config, host);
  const sizing = (): Sizing => sizingOf(config);
  return createDriver(config, host, {
    openStore: async (url, as) => (as === "source" ? openSource : openStore)(url, context),
    openWarehouse: async (url) =>
      openWarehouse(url, {
        log,
        clock,
        random,
        lockTimeoutMs: warehouseLockTimeoutMs,
        onWait: (text) => emit({ type: "notice", level: "warn", text }),
        ...bigqueryOf(config),
      }),
    createEngine: async (onEvent, name = config.engine) => engineOf(name, config, host, onEvent),
    code: codeDigests,
    sizing,
  });
}

function storeContext({ policy, google }: Config, { log, clock, random }: DriverHost): StoreContext {
  const { storageAttempts: attempts, storageConcurrency: concurrency } = policy.limits;
  const endpoint = google.endpoints.storage;
  return { attempts, concurrency, log, clock, random, ...(endpoint !== undefined && { endpoint }) };
}

/** How BigQuery is reached, and where a dataset is made. */
function bigqueryOf({ google }: Config): { location: string; endpoint?: string } {
  const { location, endpoints } = google;
  return { location, ...(endpoints.bigquery !== undefined && { endpoint: endpoints.bigquery }) };
}

function sizingOf({ local, policy }: Config): Sizing {
  const { processes, threadsPerProcess, pin } = local;
  return sizeMachine(readMachine(), { processes, threadsPerProcess, pin, workerMemoryBytes: policy.limits.workerMemoryBytes });
}

async function engineOf(name: string, config: Config, host: DriverHost, onEvent: WorkerEventSink): Promise<Engine> {
  if (name === "local") return localEngine(config, host, onEvent);
  if (name === "spark") return sparkEngine(config, host);
  if (name === "compute") return computeEngine(config, host);
  if (name === "dataproc") return dataprocEngine(config, host);
  throw usageError(`there is no engine "${name}"`, "Use --engine local, spark, dataproc or compute.");
}

function localEngine(config: Config, host: DriverHost, onEvent: WorkerEventSink): Engine {
  const { log, clock } = host;
  const sizing = sizingOf(config);
  if (sizing.note !== undefined) host.emit({ type: "notice", level: "info", text: sizing.note });
  return createLocalEngine({
    processes: sizing.processes,
    shardAttempts: config.local.shardAttempts,
    command: (runId, slot) => workerCommand(config, host, sizing, { runId, slot }),
    onEvent,
    log,
    clock,
  });
}

function sparkEngine(config: Config, host: DriverHost): Engine {
  const { environment, log, clock } = host;
  return createSparkEngine({
    config: config.spark,
    control: config.control,
    stateFolder: join(stateFolder(environment), "spark", digestOf(config.control)),
    runtime: async (signal) => nodeRuntime(config, host, signal),
    environment,
    workerEnvironment: workerEnvironmentOf(config),
    logLevel: config.logLevel,
    log,
    clock,
  });
}

async function nodeRuntime({ spark }: Config, host: DriverHost, signal: AbortSignal): Promise<NodeRuntime> {
  if (isHere(spark)) return { kind: "here", command: [process.execPath, entry] };
  if (spark.worker === "unpacked") return { kind: "archive" };
  return { kind: "archive", file: (await bundleOf(host, signal)).file };
}

/** What nodes get over their own environment. */
function workerEnvironmentOf({ google }: Config): Record<string, string> {
  const { storage } = google.endpoints;
  return storage === undefined ? {} : { IMAGEMILL_STORAGE_ENDPOINT: storage };
}

/** The runtime archive, made unless it is there. */
async function bundleOf({ environment }: DriverHost, signal: AbortSignal): Promise<Bundle> {
  const { makeBundle } = await import("./bundle/bundle.ts");
  return makeBundle(join(cacheFolder(environment), "bundles"), signal);
}

async function computeEngine(config: Config, host: DriverHost): Promise<Engine> {
  const { clock, random } = host;
  const { project, endpoints } = config.google;
  const control = await openStore(config.control, storeContext(config, host));
  const place = { ...(project !== undefined && { project }), ...(endpoints.batch !== undefined && { endpoint: endpoints.batch }) };
  return createComputeEngine({
    config: config.compute,
    control,
    batch: openBatch({ ...place, clock, random }),
    runtime: async (signal) => {
      if (config.compute.image !== undefined) return { kind: "image" };
      return { kind: "archive", ...(await uploadArchive(control, await bundleOf(host, signal), signal)) };
    },
    ...(endpoints.storage !== undefined && { storageEndpoint: endpoints.storage }),
    logLevel: config.logLevel,
    clock,
  });
}

/** Google's client takes half a second to load. */
async function dataprocEngine(config: Config, host: DriverHost): Promise<Engine> {
  const [{ createDataprocEngine }, { dataprocServiceOf }] = await Promise.all([
    import("./engines/dataproc.ts"),
    import("./engines/dataproc/service.ts"),
  ]);
  return createDataprocEngine({
    config: config.dataproc,
    service: dataprocServiceOf(config.google, host),
    control: config.control,
    openStore: async (url) => openStore(url, storeContext(config, host)),
    runtime: async (control, signal) => {
      if (config.dataproc.image !== undefined) return { driver: await uploadDriver(control, signal), command: ["imagemill"] };
      return uploadRuntime(control, await bundleOf(host, signal), signal);
    },
    workerEnvironment: workerEnvironmentOf(config),
    logLevel: config.logLevel,
    clock: host.clock,
  });
}

/** The same Node and the same code as this process. */
function workerCommand(config: Config, host: DriverHost, sizing: Sizing, { runId, slot }: { runId: string; slot: number }): WorkerCommand {
  const flags = [
    ["--run", runId],
    ["--shard", "-"],
    ["--control", config.control],
    ["--threads", String(sizing.threadsPerProcess)],
    ["--log-level", config.logLevel],
  ];
  return {
    ...pinned({ file: process.execPath, arguments: [entry, "worker", ...flags.flat()] }, sizing.pins?.[slot]),
    environment: { ...host.environment, ...workerEnvironmentOf(config) },
  };
}
