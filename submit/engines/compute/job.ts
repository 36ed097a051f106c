import type { protos } from "@google-cloud/batch";
import { digestOf } from "../../../core/digest.ts";
import { ImagemillError, exitCodes } from "../../../core/errors.ts";
import { controlNames } from "../../../core/layout.ts";
import type { Plan } from "../../../core/types.ts";
import type { ComputeEngineConfig } from "../../../configs/config.ts";
import type { Spread } from "./fleet.ts";

export type Job = protos.google.cloud.batch.v1.IJob;

/** What of us machines execute: fetched by them, or in the container image that the configuration names. */
export type MachineRuntime = { kind: "archive"; uri: string; sha256: string } | { kind: "image" };

export interface JobRequest {
  plan: Plan;
  submission: number;
  /** URL of the control store. */
  control: string;
  /** Object of the control store with a line of shards for each Batch task. */
  shards: string;
  jobId: string;
  spread: Spread;
  runtime: MachineRuntime;
  /** Text of task.sh. */
  script: string;
  logLevel: string;
  storageEndpoint?: string;
}

/** Deterministic, so that a submission is the same Batch job whoever makes it; the control store tells apart runs of one name. */
export function jobIdOf(runId: string, submission: number, control: string): string {
  return `imagemill-${runId}-${digestOf(control, 6)}-${submission}`;
}

/** Exit codes of a worker that another attempt would only repeat: 2 usage, 4 precondition, 130 the run was cancelled. */
const finalExitCodes = [exitCodes.usage, exitCodes.precondition, exitCodes.cancelled];

export function jobOf(request: JobRequest, config: ComputeEngineConfig): Job {
  const { spread } = request;
  const labels = { ...config.labels, ...labelsOf(request) };
  return {
    taskGroups: [
      {
        taskCount: spread.tasks,
        parallelism: spread.parallelism,
        taskCountPerNode: spread.tasksPerMachine,
        taskSpec: {
          runnables: [runnableOf(request, config)],
          computeResource: { cpuMilli: config.taskCpus * 1000, memoryMib: spread.taskMemoryMib },
          maxRunDuration: { seconds: Math.ceil(config.taskTimeoutMs / 1000) },
          maxRetryCount: config.attempts - 1,
          // Batch takes one policy. It retries what FAIL_TASK does not name: preemption (50001) and all else of its own.
          lifecyclePolicies: [{ action: "FAIL_TASK", actionCondition: { exitCodes: finalExitCodes } }],
          environment: { variables: environmentOf(request, config) },
        },
      },
    ],
    allocationPolicy: {
      location: { allowedLocations: config.allowedLocations.length > 0 ? config.allowedLocations : [`regions/${config.region}`] },
      instances: [
        {
          policy: {
            machineType: config.machineType,
            provisioningModel: config.provisioning === "spot" ? "SPOT" : "STANDARD",
            bootDisk: {
              image: config.image === undefined ? "batch-debian" : "batch-cos",
              type: config.bootDiskType,
              sizeGb: config.bootDiskGb,
            },
          },
          blockProjectSshKeys: true,
        },
      ],
      labels,
      ...(config.serviceAccount !== undefined && { serviceAccount: { email: config.serviceAccount } }),
      ...networkOf(config),
    },
    labels,
    logsPolicy: { destination: "CLOUD_LOGGING" },
  };
}

function labelsOf({ plan, submission, control }: JobRequest): Record<string, string> {
  return {
    "imagemill-run": plan.runId,
    "imagemill-plan": plan.planId,
    "imagemill-control": digestOf(control),
    "imagemill-submission": String(submission),
  };
}

/** Whether a job that has our id is our work; it may have other groups, made when other shards were left. */
export function isSameWork(job: Job, request: JobRequest): boolean {
  return Object.entries(labelsOf(request)).every(([key, value]) => job.labels?.[key] === value);
}

function runnableOf({ script }: JobRequest, { image }: ComputeEngineConfig): protos.google.cloud.batch.v1.IRunnable {
  const displayName = "imagemill worker";
  if (image === undefined) return { displayName, script: { text: script } };
  return { displayName, container: { imageUri: image, entrypoint: "/bin/sh", commands: ["-c", script] } };
}

function environmentOf(request: JobRequest, { taskCpus }: ComputeEngineConfig): Record<string, string> {
  const { plan, control, shards, jobId, runtime, logLevel, storageEndpoint } = request;
  return {
    IMAGEMILL_RUN: plan.runId,
    IMAGEMILL_CONTROL: control,
    IMAGEMILL_SHARDS: shards,
    IMAGEMILL_THREADS: String(taskCpus),
    IMAGEMILL_LOG_LEVEL: logLevel,
    IMAGEMILL_LAST_WORDS: creationPath(`${control}/${controlNames.lastWords(plan.runId, jobId)}`),
    ...(runtime.kind === "archive" && { IMAGEMILL_RUNTIME: readingPath(runtime.uri), IMAGEMILL_RUNTIME_SHA256: runtime.sha256 }),
    ...(storageEndpoint !== undefined && { IMAGEMILL_STORAGE_ENDPOINT: storageEndpoint }),
  };
}

/** Paths of Cloud Storage's JSON API, escaped here: the script of a task cannot. */
function readingPath(uri: string): string {
  const { bucket, name } = bucketAndName(uri);
  return `/storage/v1/b/${bucket}/o/${encodeURIComponent(name)}?alt=media`;
}

/** The rest of the name follows. */
function creationPath(uri: string): string {
  const { bucket, name } = bucketAndName(uri);
  return `/upload/storage/v1/b/${bucket}/o?uploadType=media&ifGenerationMatch=0&name=${encodeURIComponent(name)}`;
}

function bucketAndName(uri: string): { bucket: string; name: string } {
  const match = /^gs:\/\/([^/]+)\/(.+)$/s.exec(uri);
  if (match === null) {
    throw new ImagemillError("NO_BUCKET", `${uri} is not in a bucket, and machines of the engine compute see nothing else`, {
      exitCode: exitCodes.usage,
      hint: "--control gs://bucket/prefix, or --engine local",
    });
  }
  return { bucket: match[1]!, name: match[2]! };
}

type Allocation = protos.google.cloud.batch.v1.IAllocationPolicy;

/** A machine without an external address must be told its subnetwork. */
function networkOf({ network, subnetwork, noExternalIp, region }: ComputeEngineConfig): Pick<Allocation, "network"> {
  if (network === undefined && subnetwork === undefined && !noExternalIp) return {};
  const named = (text: string, path: string): string => (text.includes("/") ? text : `${path}/${text}`);
  // A subnetwork tells its network.
  const ofNetwork = network ?? (subnetwork === undefined ? "default" : undefined);
  const ofSubnetwork = subnetwork ?? (network === undefined ? "default" : undefined);
  return {
    network: {
      networkInterfaces: [
        {
          ...(ofNetwork !== undefined && { network: named(ofNetwork, "global/networks") }),
          ...(ofSubnetwork !== undefined && { subnetwork: named(ofSubnetwork, `regions/${region}/subnetworks`) }),
          noExternalIpAddress: noExternalIp,
        },
      ],
    },
  };
}
