import { credentials } from "@grpc/grpc-js";
import { BatchControllerClient, ClusterControllerClient, JobControllerClient, type protos } from "@google-cloud/dataproc";
import type { Clock, Random } from "../../../core/clock.ts";
import { parseEndpoint } from "../../../core/endpoint.ts";
import { grpcCalls, isAlreadyExists, isNotFound, isUnfulfilled } from "../grpc-call.ts";

export type Batch = protos.google.cloud.dataproc.v1.IBatch;
export type Job = protos.google.cloud.dataproc.v1.IJob;
export type Cluster = protos.google.cloud.dataproc.v1.ICluster;

export interface Place {
  project: string;
  region: string;
}

/** The calls of the API that the engine makes. Creating resolves to false where one of that name is there already. */
export interface DataprocService {
  project(): Promise<string>;
  createBatch(place: Place, batchId: string, batch: Batch, requestId: string, signal: AbortSignal): Promise<boolean>;
  /** Undefined where there is none; so for jobs and clusters. */
  batch(place: Place, batchId: string, signal: AbortSignal): Promise<Batch | undefined>;
  cancelOperation(name: string, signal: AbortSignal): Promise<void>;
  submitJob(place: Place, job: Job, requestId: string, signal: AbortSignal): Promise<boolean>;
  job(place: Place, jobId: string, signal: AbortSignal): Promise<Job | undefined>;
  cancelJob(place: Place, jobId: string, signal: AbortSignal): Promise<void>;
  createCluster(place: Place, cluster: Cluster, requestId: string, signal: AbortSignal): Promise<boolean>;
  cluster(place: Place, clusterName: string, signal: AbortSignal): Promise<Cluster | undefined>;
  deleteCluster(place: Place, clusterName: string, clusterUuid: string, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export interface DataprocServiceOptions {
  region: string;
  /** Where Dataproc answers, if not at the region's usual address. */
  endpoint?: string;
  clock: Clock;
  random: Random;
}

/** Clients are opened at their first use: each has a connection of its own. */
export function dataprocService(options: DataprocServiceOptions): DataprocService {
  const address = addressOf(options);
  const batches = lazy(() => new BatchControllerClient(address));
  const jobs = lazy(() => new JobControllerClient(address));
  const clusters = lazy(() => new ClusterControllerClient(address));
  const call = grpcCalls({
    service: "Dataproc",
    permissionHint: "Whoever submits needs roles/dataproc.editor, and roles/iam.serviceAccountUser on the service account of the nodes.",
    ...options,
  });
  const parentOf = ({ project, region }: Place): string => `projects/${project}/locations/${region}`;
  const inPlace = ({ project, region }: Place) => ({ projectId: project, region });

  return {
    project: async () => batches().getProjectId(),
    createBatch: async (place, batchId, batch, requestId, signal) =>
      isNew(
        call("create the batch", async (own) => batches().createBatch({ parent: parentOf(place), batchId, batch, requestId }, own), signal),
      ),
    batch: async (place, batchId, signal) =>
      found(call("look at the batch", async (own) => batches().getBatch({ name: `${parentOf(place)}/batches/${batchId}` }, own), signal)),
    cancelOperation: async (name, signal) =>
      unlessOver(
        call(
          "cancel the batch",
          async (own) => batches().cancelOperation({ name } as protos.google.longrunning.CancelOperationRequest, own),
          signal,
        ),
      ),
    submitJob: async (place, job, requestId, signal) =>
      isNew(call("submit the job", async (own) => jobs().submitJob({ ...inPlace(place), job, requestId }, own), signal)),
    job: async (place, jobId, signal) =>
      found(call("look at the job", async (own) => jobs().getJob({ ...inPlace(place), jobId }, own), signal)),
    cancelJob: async (place, jobId, signal) =>
      unlessOver(call("cancel the job", async (own) => jobs().cancelJob({ ...inPlace(place), jobId }, own), signal)),
    createCluster: async (place, cluster, requestId, signal) =>
      isNew(
        call("create the cluster", async (own) => clusters().createCluster({ ...inPlace(place), cluster, requestId }, own), signal),
      ),
    cluster: async (place, clusterName, signal) =>
      found(call("look at the cluster", async (own) => clusters().getCluster({ ...inPlace(place), clusterName }, own), signal)),
    deleteCluster: async (place, clusterName, clusterUuid, signal) =>
      unlessOver(
        call(
          "delete the cluster",
          async (own) => clusters().deleteCluster({ ...inPlace(place), clusterName, clusterUuid }, own),
          signal,
        ),
      ),
    close: async () => void (await Promise.all([batches, jobs, clusters].map(async (client) => client.opened()?.close()))),
  };
}

/** On the loopback range there is neither TLS nor anybody to log in to. */
function addressOf({ region, endpoint }: DataprocServiceOptions): ConstructorParameters<typeof BatchControllerClient>[0] {
  if (endpoint === undefined) return { apiEndpoint: `${region}-dataproc.googleapis.com` };
  const { url, loopback } = parseEndpoint(endpoint);
  const { hostname, port, protocol } = new URL(url);
  return {
    apiEndpoint: hostname,
    port: Number(port) || (protocol === "http:" ? 80 : 443),
    ...(loopback && { sslCreds: credentials.createInsecure() }),
  };
}

interface Lazy<T> {
  (): T;
  opened(): T | undefined;
}

function lazy<T>(open: () => T): Lazy<T> {
  let value: T | undefined;
  return Object.assign(() => (value ??= open()), { opened: () => value });
}

async function isNew(creating: Promise<unknown>): Promise<boolean> {
  try {
    await creating;
    return true;
  } catch (error) {
    if (isAlreadyExists(error)) return false;
    throw error;
  }
}

async function found<T>(looking: Promise<[T, ...unknown[]]>): Promise<T | undefined> {
  try {
    return (await looking)[0];
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** What is over or gone needs no end. */
async function unlessOver(ending: Promise<unknown>): Promise<void> {
  try {
    await ending;
  } catch (error) {
    if (!isNotFound(error) && !isUnfulfilled(error)) throw error;
  }
}
