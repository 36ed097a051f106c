import type { Clock } from "../../core/clock.ts";
import { sha256Hex } from "../../core/digest.ts";
import { ImagemillError } from "../../core/errors.ts";
import { controlNames } from "../../core/layout.ts";
import type { DataprocEngineConfig } from "../../configs/config.ts";
import { createIfAbsent, jsonBytes } from "../../storage/objects.ts";
import { noGeneration, type ObjectStore } from "../../storage/store.ts";
import { readDriverLog } from "./dataproc/driver-log.ts";
import { ephemeralWork } from "./dataproc/ephemeral.ts";
import { fleetOf, fleetProperties, spotWorkersOf } from "./dataproc/fleet.ts";
import type { DataprocHandle } from "./dataproc/handle.ts";
import { jobWork } from "./dataproc/job.ts";
import { linksOf, ownLabels, submissionId } from "./dataproc/names.ts";
import type { Program, Submission } from "./dataproc/requests.ts";
import { serverlessWork } from "./dataproc/serverless.ts";
import type { DataprocService, Place } from "./dataproc/service.ts";
import { isOver, type Standing } from "./dataproc/states.ts";
import type { Engine, EngineStatus, SubmitRequest } from "./engine.ts";
import { type NodeRuntime, refuseOwnJobs, sparkSpec } from "./spark/command.ts";
import type { SparkSpec } from "./spark/submission.ts";

/** What nodes are to have: driver.py as a URI, and imagemill as an archive's URI or as a command that is there. */
export type DataprocRuntime = { driver: string } & ({ archive: string } | { command: string[] });

export interface DataprocEngineOptions {
  config: DataprocEngineConfig;
  service: DataprocService;
  /** URL of the control store, as workers are told it. */
  control: string;
  openStore: (url: string) => Promise<ObjectStore>;
  /** Asked for at submit. */
  runtime: (control: ObjectStore, signal: AbortSignal) => Promise<DataprocRuntime>;
  /** What workers get over the nodes' own. */
  workerEnvironment: Record<string, string>;
  logLevel: string;
  clock: Clock;
}

/** What the three modes have in common; the handle says which of them it is. */
export interface Work<Handle extends DataprocHandle> {
  submit(place: Place, runId: string, submission: Submission, signal: AbortSignal): Promise<Handle>;
  /** Undefined where it is not there (any more). */
  look(handle: Handle, signal: AbortSignal): Promise<Standing | undefined>;
  /** Asks for the end; it is over when `look` says so. May be asked again. */
  stop(handle: Handle, signal: AbortSignal): Promise<void>;
  /** Gives back what was made for the work alone. */
  release(handle: Handle, signal: AbortSignal): Promise<void>;
}

/** A cancelled batch ends within a minute or two; a cancel that was lost is asked for again. */
const longestStopMs = 10 * 60_000;
const stopLookMs = 500;
const stopAgainMs = 10_000;

/**
 * Managed Service for Apache Spark (Dataproc): a serverless batch, a job on a cluster, or a cluster made for the run. All
 * three run the same Spark application as the engine `spark`, with the shards in a file in the control store.
 */
export function createDataprocEngine(options: DataprocEngineOptions): Engine<DataprocHandle> {
  const { service, config, clock } = options;
  const works = {
    serverless: serverlessWork(service, config),
    cluster: jobWork(service, config),
    ephemeral: ephemeralWork(service, config, clock),
  };
  const workOf = (handle: DataprocHandle): Work<DataprocHandle> => works[handle.mode];
  return {
    name: "dataproc",
    remote: true,
    submit: async (request, signal) => {
      signal.throwIfAborted();
      const place = await placeOf(options, signal);
      const submission = await prepare(request, options, signal);
      return works[config.mode].submit(place, request.plan.runId, submission, signal);
    },
    poll: async (handle, signal) => {
      const standing = await workOf(handle).look(handle, signal);
      if (standing === undefined) return goneStatus(handle);
      if (isOver(standing)) await workOf(handle).release(handle, signal);
      return statusOf(standing, handle, options, signal);
    },
    cancel: async (handle, signal) => cancel(workOf(handle), handle, clock, signal),
    release: async (handle, signal) => workOf(handle).release(handle, signal),
    links: linksOf,
    close: async () => service.close(),
  };
}

async function placeOf({ config, service }: DataprocEngineOptions, signal: AbortSignal): Promise<Place> {
  const { region } = config;
  if (region === undefined)
    throw new ImagemillError("NO_REGION", "dataproc.region is missing", { hint: "--set dataproc.region=europe-west4" });
  return { project: await service.project(signal), region };
}

/** Uploads what nodes need; the same content has the same name and is not uploaded again. */
async function prepare(
  { plan, shards, submission }: SubmitRequest,
  options: DataprocEngineOptions,
  signal: AbortSignal,
): Promise<Submission> {
  const { config, control } = options;
  const store = await options.openStore(control);
  try {
    const { generation = noGeneration } = (await store.stat(controlNames.plan(plan.runId), { signal })) ?? {};
    const runtime = await options.runtime(store, signal);
    refuseOwnJobs(plan, nodeRuntime(runtime));
    const fleet = fleetOf(config, plan, shards);
    const spec = sparkSpec(plan, shards, nodeRuntime(runtime), {
      ...config,
      control,
      status: null,
      environment: options.workerEnvironment,
      logLevel: options.logLevel,
    });
    const specification = await uploadSpec(store, plan.runId, spec, signal);
    const program: Program = { driver: runtime.driver, specification, ...("archive" in runtime && { archive: runtime.archive }) };
    return {
      id: submissionId(plan.runId, submission, control, generation),
      labels: { ...config.labels, ...ownLabels(plan.runId, control) },
      program,
      properties: fleetProperties(config, fleet),
      timeoutMs: plan.policy.limits.runTimeoutMs,
      spotWorkers: spotWorkersOf(config, fleet),
    };
  } finally {
    await store.close();
  }
}

function nodeRuntime(runtime: DataprocRuntime): NodeRuntime {
  return "archive" in runtime ? { kind: "archive" } : { kind: "here", command: runtime.command };
}

/** Where nodes read it, named by its content; it goes when the run's files go. */
async function uploadSpec(store: ObjectStore, runId: string, spec: SparkSpec, signal: AbortSignal): Promise<string> {
  const bytes = jsonBytes(spec);
  const name = controlNames.specification(runId, sha256Hex(bytes).slice(0, 16));
  await createIfAbsent(store, name, "application/json", async () => Promise.resolve(bytes), signal);
  return store.uri(name);
}

function goneStatus(handle: DataprocHandle): EngineStatus {
  const what = handle.mode === "serverless" ? `the batch ${handle.batchId}` : `the job ${handle.jobId}`;
  return { state: "lost", message: `${what} is not there any more` };
}

async function statusOf(
  { state, message, outputUri }: Standing,
  handle: DataprocHandle,
  { openStore }: DataprocEngineOptions,
  signal: AbortSignal,
): Promise<EngineStatus> {
  if (state !== "failed") return { state };
  const { ending, tail } = await readDriverLog(openStore, outputUri, signal);
  if (ending?.state === "cancelled") return { state: "cancelled" };
  const why = ending?.message ?? (message === "" ? "the service does not say why it failed" : message);
  const log = linksOf(handle).find(({ label }) => label === "logs")!.url;
  return {
    state,
    message: tail === "" ? why : `${why}; the end of the driver's log:\n${tail}`,
    hint: ending?.hint ?? `What is committed is kept; the same command does what is left. All logs: ${log}`,
  };
}

async function cancel(work: Work<DataprocHandle>, handle: DataprocHandle, clock: Clock, signal: AbortSignal): Promise<void> {
  const startedMs = clock.monotonicMs();
  for (let askedMs = -Infinity; ;) {
    const standing = await work.look(handle, signal);
    if (standing === undefined || isOver(standing)) break;
    const nowMs = clock.monotonicMs();
    if (nowMs - startedMs > longestStopMs) throw stillThere(handle);
    if (nowMs - askedMs > stopAgainMs) {
      askedMs = nowMs;
      await work.stop(handle, signal);
    }
    await clock.sleep(stopLookMs, signal);
  }
  await work.release(handle, signal);
}

function stillThere(handle: DataprocHandle): ImagemillError {
  return new ImagemillError("DATAPROC_SLOW_CANCEL", `the work was told to end, and had not after ${longestStopMs / 60_000} minutes`, {
    hint: `Look at ${linksOf(handle)[0]!.url}; the same command waits again.`,
  });
}
