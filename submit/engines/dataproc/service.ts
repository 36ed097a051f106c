import { credentials } from "@grpc/grpc-js";
import { BatchControllerClient, ClusterControllerClient, JobControllerClient, type protos } from "@google-cloud/dataproc";
import type { Clock, Random } from "../../../core/clock.ts";
import { parseEndpoint } from "../../../core/endpoint.ts";
import type { GoogleConfig } from "../../../configs/config.ts";
import { googleLogin } from "../google-login.ts";
import { type GrpcCall, grpcCalls, ifThere, isAlreadyExists, unlessOver } from "../grpc-call.ts";

export type Batch = protos.google.cloud.dataproc.v1.IBatch;
export type Job = protos.google.cloud.dataproc.v1.IJob;
export type Cluster = protos.google.cloud.dataproc.v1.ICluster;

export interface Place {
  project: string;
  region: string;
}

/** The calls of the API that the engine makes. Creating resolves to false where one of that name is there already. */
export interface DataprocService {
  /** The configured one, else that of the credentials. */
  project(signal: AbortSignal): Promise<string>;
  createBatch(place: Place, batchId: string, batch: Batch, requestId: string, signal: AbortSignal): Promise<boolean>;
  /** Undefined where there is none; so for jobs and clusters. */
  batch(place: Place, batchId: string, signal: AbortSignal): Promise<Batch | undefined>;
  cancelOperation(place: Place, name: string, signal: AbortSignal): Promise<void>;
  submitJob(place: Place, job: Job, requestId: string, signal: AbortSignal): Promise<boolean>;
  job(place: Place, jobId: string, signal: AbortSignal): Promise<Job | undefined>;
  cancelJob(place: Place, jobId: string, signal: AbortSignal): Promise<void>;
  createCluster(place: Place, cluster: Cluster, requestId: string, signal: AbortSignal): Promise<boolean>;
  cluster(place: Place, clusterName: string, signal: AbortSignal): Promise<Cluster | undefined>;
  deleteCluster(place: Place, clusterName: string, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** The service of a configuration. */
export function dataprocServiceOf({ project, endpoints }: GoogleConfig, around: { clock: Clock; random: Random }): DataprocService {
  return dataprocService({
    ...around,
    ...(project !== undefined && { project }),
    ...(endpoints.dataproc !== undefined && { endpoint: endpoints.dataproc }),
  });
}

export interface DataprocServiceOptions {
  /** Without it the credentials say it. */
  project?: string;
  /** Where Dataproc answers, if not at the region's usual address. */
  endpoint?: string;
  clock: Clock;
  random: Random;
}

/** Clients are opened at their first use: each has a connection of its own, and each region an address. */
export function dataprocService(options: DataprocServiceOptions): DataprocService {
  const opened = new Map<string, { close(): Promise<void> }>();
  const client = <C extends { close(): Promise<void> }>(Client: new (address: Address) => C, region: string): C => {
    const key = `${Client.name} ${region}`;
    const known = opened.get(key) ?? new Client(addressOf(options, region));
    opened.set(key, known);
    return known as C;
  };
  const batches = ({ region }: Place): BatchControllerClient => client(BatchControllerClient, region);
  const jobs = ({ region }: Place): JobControllerClient => client(JobControllerClient, region);
  const clusters = ({ region }: Place): ClusterControllerClient => client(ClusterControllerClient, region);
  const login = googleLogin(options);
  const calling = grpcCalls({
    service: "Dataproc",
    permissionHint: "Whoever submits needs roles/dataproc.editor, and roles/iam.serviceAccountUser on the service account of the nodes.",
    ...options,
  });
  const call: GrpcCall = async (what, act, signal) =>
    calling(
      what,
      async (own) => {
        await login.ready();
        return act(own);
      },
      signal,
    );
  const parentOf = ({ project, region }: Place): string => `projects/${project}/locations/${region}`;
  const inPlace = ({ project, region }: Place) => ({ projectId: project, region });

  return {
    project: async (signal) => calling("find the project", login.project, signal),
    createBatch: async (place, batchId, batch, requestId, signal) =>
      isNew(
        call(
          "create the batch",
          async (own) => batches(place).createBatch({ parent: parentOf(place), batchId, batch, requestId }, own),
          signal,
        ),
      ),
    batch: async (place, batchId, signal) =>
      found(
        call("look at the batch", async (own) => batches(place).getBatch({ name: `${parentOf(place)}/batches/${batchId}` }, own), signal),
      ),
    cancelOperation: async (place, name, signal) =>
      unlessOver(
        call(
          "cancel the batch",
          async (own) => batches(place).cancelOperation({ name } as protos.google.longrunning.CancelOperationRequest, own),
          signal,
        ),
      ),
    submitJob: async (place, job, requestId, signal) =>
      isNew(call("submit the job", async (own) => jobs(place).submitJob({ ...inPlace(place), job, requestId }, own), signal)),
    job: async (place, jobId, signal) =>
      found(call("look at the job", async (own) => jobs(place).getJob({ ...inPlace(place), jobId }, own), signal)),
    cancelJob: async (place, jobId, signal) =>
      unlessOver(call("cancel the job", async (own) => jobs(place).cancelJob({ ...inPlace(place), jobId }, own), signal)),
    createCluster: async (place, cluster, requestId, signal) =>
      isNew(
        call("create the cluster", async (own) => clusters(place).createCluster({ ...inPlace(place), cluster, requestId }, own), signal),
      ),
    cluster: async (place, clusterName, signal) =>
      found(call("look at the cluster", async (own) => clusters(place).getCluster({ ...inPlace(place), clusterName }, own), signal)),
    deleteCluster: async (place, clusterName, signal) =>
      unlessOver(call("delete the cluster", async (own) => clusters(place).deleteCluster({ ...inPlace(place), clusterName }, own), signal)),
    close: async () => void (await Promise.allSettled([...opened.values()].map(async (one) => one.close()))),
  };
}

type Address = ConstructorParameters<typeof BatchControllerClient>[0];

/** On the loopback range there is neither TLS nor anybody to log in to. */
function addressOf({ project, endpoint }: DataprocServiceOptions, region: string): Address {
  const known = project !== undefined && { projectId: project };
  if (endpoint === undefined) return { ...known, apiEndpoint: `${region}-dataproc.googleapis.com` };
  const { url, loopback } = parseEndpoint(endpoint);
  const { hostname, port, protocol } = new URL(url);
  const address = { apiEndpoint: hostname, port: Number(port) || (protocol === "http:" ? 80 : 443) };
  if (!loopback) return { ...known, ...address };
  // Of a universe that is known nobody asks the credentials.
  const unasked = { clientOptions: { universeDomain: "googleapis.com" } };
  return { projectId: "local", ...known, ...address, ...unasked, sslCreds: credentials.createInsecure() };
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
  return (await ifThere(looking))?.[0];
}
