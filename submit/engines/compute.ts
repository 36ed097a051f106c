import { readFile } from "node:fs/promises";
import type { Clock } from "../../core/clock.ts";
import { sha256Hex } from "../../core/digest.ts";
import { ImagemillError, preconditionError, usageError } from "../../core/errors.ts";
import { controlNames } from "../../core/layout.ts";
import type { Plan } from "../../core/types.ts";
import type { ComputeEngineConfig } from "../../configs/config.ts";
import { createIfAbsent } from "../../storage/objects.ts";
import { isStoreError, type ObjectStore } from "../../storage/store.ts";
import type { Engine, EngineStatus, Link, SubmitRequest } from "./engine.ts";
import type { Batch } from "./compute/client.ts";
import { spreadOf } from "./compute/fleet.ts";
import { groupLines, groupShards } from "./compute/groups.ts";
import { isSameWork, jobIdOf, jobOf, type JobRequest, type MachineRuntime } from "./compute/job.ts";
import { failedStatus, lastWordsOf, statusOf, taskFailure, type LastWords, type TaskFailure } from "./compute/status.ts";

export interface ComputeEngineOptions {
  config: ComputeEngineConfig;
  control: ObjectStore;
  batch: Batch;
  /** What machines execute; asked for at submit. */
  runtime: (signal: AbortSignal) => Promise<MachineRuntime>;
  /** Where machines find Cloud Storage, if not at its usual address. */
  storageEndpoint?: string;
  logLevel: string;
  clock: Clock;
  /** How long a cancelled job may take until its machines are gone. Default: 10 minutes. */
  graceMs?: number;
}

/** A Batch job: any machine with credentials can look at it and stop it. */
export interface ComputeHandle {
  runId: string;
  project: string;
  region: string;
  jobId: string;
  uid: string;
}

const script = new URL("compute/task.sh", import.meta.url);
const cancelLookMs = 1000;
/** Jobs of no more tasks than this are asked for each, so that retries can be counted. */
const countedTasks = 200;

/** Batch on Compute Engine: a Batch task does a group of shards. The job goes on without this process. */
export function createComputeEngine(options: ComputeEngineOptions): Engine<ComputeHandle> {
  const { batch, control } = options;
  return {
    name: "compute",
    remote: true,
    submit: async (request, signal) => submit(request, options, signal),
    poll: async (handle, signal) => poll(handle, options, signal),
    cancel: async (handle, signal) => cancel(handle, options, signal),
    links: linksOf,
    close: async () => {
      await Promise.all([batch.close(), control.close()]);
    },
  };
}

async function submit(request: SubmitRequest, options: ComputeEngineOptions, signal: AbortSignal): Promise<ComputeHandle> {
  signal.throwIfAborted();
  const { config, control, batch } = options;
  const { plan, submission } = request;
  const { region } = config;
  if (region === undefined) throw usageError("it is not said where the machines shall run", "--set compute.region=europe-west4");
  refuseOwnJobs(plan);
  const spread = spreadOf(request.shards, config, plan.policy.limits.workerMemoryBytes);
  const project = await batch.project(signal);
  const parent = `projects/${project}/locations/${region}`;
  const jobId = jobIdOf(plan.runId, submission, control.url);
  const [runtime, shards, text] = await Promise.all([
    options.runtime(signal),
    storeGroups(request, spread.tasks, control, signal),
    readFile(script, "utf8"),
  ]);
  const { logLevel, storageEndpoint } = options;
  const jobRequest: JobRequest = {
    plan,
    submission,
    control: control.url,
    shards,
    jobId,
    spread,
    runtime,
    script: text,
    logLevel,
    ...(storageEndpoint !== undefined && { storageEndpoint }),
  };
  const { job, taken } = await batch.create(parent, jobId, jobOf(jobRequest, config), signal);
  if (taken && !isSameWork(job, jobRequest)) throw otherWork(`${parent}/jobs/${jobId}`);
  return { runId: plan.runId, project, region, jobId, uid: job.uid ?? "" };
}

/** The name tells the content: drivers that race with other shards left do not take each other's. */
async function storeGroups({ plan, shards }: SubmitRequest, tasks: number, control: ObjectStore, signal: AbortSignal): Promise<string> {
  const text = groupLines(groupShards(shards, tasks));
  const name = controlNames.taskShards(plan.runId, sha256Hex(text).slice(0, 16));
  await createIfAbsent(control, name, "text/plain", async () => Promise.resolve(Buffer.from(text)), signal);
  return name;
}

function refuseOwnJobs(plan: Plan): void {
  const own = plan.request.jobs.find((job) => job.module !== undefined);
  if (own === undefined) return;
  throw new ImagemillError("JOB_NOT_ON_NODES", `the job ${own.name} is a module of this machine, which those of Batch do not have`, {
    hint: "--engine local, or --engine spark with spark.worker=here.",
  });
}

function otherWork(name: string): Error {
  return preconditionError(
    "JOB_ID_TAKEN",
    `${name} is there already and is not this run's work`,
    `Delete it: gcloud batch jobs delete ${name}`,
  );
}

async function poll(handle: ComputeHandle, { batch, control }: ComputeEngineOptions, signal: AbortSignal): Promise<EngineStatus> {
  signal.throwIfAborted();
  const job = await batch.get(nameOf(handle), signal);
  const few = Number(job?.taskGroups?.[0]?.taskCount ?? 0) <= countedTasks;
  const status = statusOf(job, job !== undefined && few ? await batch.tasks(job, countedTasks, signal) : []);
  if (job === undefined || status.state !== "failed") return status;
  const [task] = await batch.tasks(job, 1, signal, "FAILED");
  const failure = task === undefined ? undefined : taskFailure(task);
  const words = failure === undefined ? undefined : await wordsOf(handle, failure, control, signal);
  return failedStatus(job, status, failure, words);
}

/** Attempts are numbered from 0; one that lost its machine said nothing. */
async function wordsOf(
  { runId, jobId }: ComputeHandle,
  { index, attempts }: TaskFailure,
  control: ObjectStore,
  signal: AbortSignal,
): Promise<LastWords | undefined> {
  try {
    const { bytes } = await control.read(`${controlNames.lastWords(runId, jobId)}${index}.${attempts - 1}.log`, { signal });
    return lastWordsOf(Buffer.from(bytes).toString("utf8"));
  } catch (error) {
    if (isStoreError(error, "NOT_FOUND")) return undefined;
    throw error;
  }
}

async function cancel(handle: ComputeHandle, options: ComputeEngineOptions, signal: AbortSignal): Promise<void> {
  const { batch, clock, graceMs = 600_000 } = options;
  const name = nameOf(handle);
  await batch.cancel(name, signal);
  const untilMs = clock.monotonicMs() + graceMs;
  for (;;) {
    const { state } = statusOf(await batch.get(name, signal));
    if (state !== "running" && state !== "pending") return;
    if (clock.monotonicMs() > untilMs) throw stillThere(name);
    await clock.sleep(cancelLookMs, signal);
  }
}

function stillThere(name: string): Error {
  return new ImagemillError("CANCEL_UNFINISHED", `Batch was told to cancel ${name}, but it has not stopped yet`, {
    hint: `gcloud batch jobs describe ${name}`,
  });
}

function nameOf({ project, region, jobId }: ComputeHandle): string {
  return `projects/${project}/locations/${region}/jobs/${jobId}`;
}

function linksOf({ project, region, jobId, uid }: ComputeHandle): Link[] {
  const query = `logName=("projects/${project}/logs/batch_task_logs" OR "projects/${project}/logs/batch_agent_logs")\nlabels.job_uid="${uid}"`;
  return [
    {
      label: "Batch job",
      url: `https://console.cloud.google.com/batch/jobsDetail/regions/${region}/jobs/${jobId}/details?project=${project}`,
    },
    { label: "Log", url: `https://console.cloud.google.com/logs/query;query=${encodeURIComponent(query)}?project=${project}` },
  ];
}
