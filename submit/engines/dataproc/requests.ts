import type { DataprocEngineConfig } from "../../../configs/config.ts";
import type { Batch, Cluster, Job, Place } from "./service.ts";

/* What is asked of the API. Pure. */

/** A submission, ready to be asked for. */
export interface Submission {
  /** Of the batch or job; the name of an ephemeral cluster. */
  id: string;
  labels: Record<string, string>;
  program: Program;
  properties: Record<string, string>;
  /** Deadline of the run. */
  timeoutMs: number;
  /** Of an ephemeral cluster. */
  spotWorkers: number;
}

export interface Program {
  driver: string;
  specification: string;
  /** Absent where nodes have imagemill by other means. */
  archive?: string;
}

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

/** What the API takes as the longest life of a batch or cluster: 10 minutes to 14 days. */
export function lifeSeconds(timeoutMs: number): number {
  return Math.ceil(Math.min(Math.max(timeoutMs, 10 * minuteMs), 14 * dayMs) / 1000);
}

function pyspark({ driver, specification, archive }: Program) {
  return {
    mainPythonFileUri: driver,
    args: [specification],
    fileUris: [specification],
    archiveUris: archive === undefined ? [] : [archive],
  };
}

export function batchRequest(config: DataprocEngineConfig, { program, labels, properties, timeoutMs }: Submission): Batch {
  const { runtimeVersion, image, serviceAccount, subnetwork, network, networkTags, stagingBucket } = config;
  return {
    labels,
    pysparkBatch: pyspark(program),
    runtimeConfig: { version: runtimeVersion, properties, ...(image !== undefined && { containerImage: image }) },
    environmentConfig: {
      executionConfig: {
        ttl: { seconds: lifeSeconds(timeoutMs) },
        networkTags,
        ...(serviceAccount !== undefined && { serviceAccount }),
        ...(subnetwork !== undefined && { subnetworkUri: subnetwork }),
        ...(network !== undefined && { networkUri: network }),
        ...(stagingBucket !== undefined && { stagingBucket }),
      },
    },
  };
}

export function jobRequest({ project }: Place, cluster: string, { id, program, labels, properties }: Submission): Job {
  return {
    reference: { projectId: project, jobId: id },
    placement: { clusterName: cluster },
    labels,
    pysparkJob: { ...pyspark(program), properties },
  };
}

/** Always with an end of its own, should nobody be left to delete it. */
export function clusterRequest({ project }: Place, config: DataprocEngineConfig, submission: Submission): Cluster {
  const { ephemeral, serviceAccount, subnetwork, network, networkTags, stagingBucket } = config;
  const { imageVersion, machineType, workers, idleDeleteMs, zone } = ephemeral;
  const machines = { machineTypeUri: machineType, diskConfig: { bootDiskType: "pd-balanced", bootDiskSizeGb: 100 } };
  const spot = { numInstances: submission.spotWorkers, preemptibility: "SPOT", diskConfig: machines.diskConfig } as const;
  return {
    projectId: project,
    clusterName: submission.id,
    labels: submission.labels,
    config: {
      ...(stagingBucket !== undefined && { configBucket: stagingBucket }),
      gceClusterConfig: {
        internalIpOnly: true,
        serviceAccountScopes: ["https://www.googleapis.com/auth/cloud-platform"],
        tags: networkTags,
        ...(zone !== undefined && { zoneUri: zone }),
        ...(serviceAccount !== undefined && { serviceAccount }),
        ...(subnetwork !== undefined && { subnetworkUri: subnetwork }),
        ...(network !== undefined && { networkUri: network }),
      },
      masterConfig: { numInstances: 1, ...machines },
      workerConfig: { numInstances: workers, ...machines },
      ...(submission.spotWorkers > 0 && { secondaryWorkerConfig: spot }),
      softwareConfig: { imageVersion },
      lifecycleConfig: {
        idleDeleteTtl: { seconds: Math.ceil(idleDeleteMs / 1000) },
        autoDeleteTtl: { seconds: lifeSeconds(submission.timeoutMs) },
      },
    },
  };
}
