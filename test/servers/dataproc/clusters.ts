import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { status } from "@grpc/grpc-js";
import { protos } from "@google-cloud/dataproc";
import { alreadyThere, ApiError, invalid, method, notFound, type Method } from "./calls.ts";
import { checkCluster, checkRequestId } from "./rules.ts";
import { Cluster, ClusterOperationMetadata, newOperation, packed, timestamp, track, type RunningOperation, type World } from "./world.ts";

const v1 = protos.google.cloud.dataproc.v1;
const State = v1.ClusterStatus.State;
type ICluster = protos.google.cloud.dataproc.v1.ICluster;
type ClusterState = protos.google.cloud.dataproc.v1.ClusterStatus.State;

/** How long machines take to come and to go. */
const machinesMs = 300;

interface Held {
  cluster: ICluster;
  jobs: Set<AbortController>;
}

/** What the other services need of it. */
export interface Clusters {
  methods: Method[];
  /** Throws NOT_FOUND, or FAILED_PRECONDITION where it takes no jobs. */
  running(project: string, region: string, name: string): ICluster;
  /** A job is on it until the result is called; deleting the cluster aborts the job. */
  occupy(cluster: ICluster, stop: AbortController): () => void;
  /** Those that there are now. */
  list(): ICluster[];
  /** Aborts all jobs. */
  stop(): void;
}

/** google.cloud.dataproc.v1.ClusterController. `broken` names clusters whose machines do not come. */
export function clusterController(world: World, broken: Set<string>): Clusters {
  const clusters = new Map<string, Held>();
  const byRequest = new Map<string, RunningOperation>();
  const keyOf = (project: string, region: string, name: string): string => `projects/${project}/regions/${region}/clusters/${name}`;

  const held = ({ projectId, region, clusterName }: { projectId: string; region: string; clusterName: string }): Held => {
    const found = clusters.get(keyOf(projectId, region, clusterName));
    if (found === undefined) throw notFound(`Cluster ${keyOf(projectId, region, clusterName)}`);
    return found;
  };

  const operate = (
    request: { projectId: string; region: string; requestId: string },
    cluster: ICluster,
    type: string,
  ): RunningOperation => {
    const { clusterName, clusterUuid } = cluster;
    const metadata = packed(ClusterOperationMetadata, { clusterName, clusterUuid, operationType: type, description: `${type} cluster` });
    const running = newOperation(world, { project: request.projectId, region: request.region }, metadata, () => undefined);
    if (request.requestId !== "") byRequest.set(request.requestId, running);
    return running;
  };

  const create = (request: protos.google.cloud.dataproc.v1.CreateClusterRequest): object => {
    const { projectId, region, requestId } = request;
    if (projectId === "" || region === "") throw invalid("project_id and region are required");
    checkRequestId(requestId);
    const known = byRequest.get(requestId);
    if (requestId !== "" && known !== undefined) return known.operation;
    checkCluster(request.cluster);
    const name = request.cluster!.clusterName!;
    const key = keyOf(projectId, region, name);
    if (clusters.has(key)) throw alreadyThere(`Cluster ${key}`);
    const cluster: ICluster = { ...request.cluster, projectId, clusterUuid: randomUUID(), statusHistory: [] };
    enter(cluster, State.CREATING);
    clusters.set(key, { cluster, jobs: new Set() });
    const running = operate(request, cluster, "CREATE");
    track(world, come(cluster, running));
    return running.operation;
  };

  const come = async (cluster: ICluster, { operation }: RunningOperation): Promise<void> => {
    await delay(machinesMs);
    operation.done = true;
    if (broken.has(cluster.clusterName!)) {
      const message = "Insufficient 'CPUS' quota. Requested 400.0, available 24.0.";
      enter(cluster, State.ERROR, message);
      operation.error = { code: status.RESOURCE_EXHAUSTED, message };
    } else {
      enter(cluster, State.RUNNING);
      operation.response = packed(Cluster, cluster);
    }
  };

  const remove = (request: protos.google.cloud.dataproc.v1.DeleteClusterRequest): object => {
    const known = byRequest.get(request.requestId);
    if (request.requestId !== "" && known !== undefined) return known.operation;
    const { cluster, jobs } = held(request);
    if (request.clusterUuid !== "" && request.clusterUuid !== cluster.clusterUuid) throw notFound("a cluster of that UUID");
    if (cluster.status!.state === State.DELETING) throw new ApiError(status.FAILED_PRECONDITION, `${cluster.clusterName} is being deleted`);
    enter(cluster, State.DELETING);
    for (const job of jobs) job.abort(new Error("the cluster was deleted"));
    const running = operate(request, cluster, "DELETE");
    track(world, go(keyOf(request.projectId, request.region, request.clusterName), running));
    return running.operation;
  };

  const go = async (key: string, { operation }: RunningOperation): Promise<void> => {
    await delay(machinesMs);
    clusters.delete(key);
    operation.done = true;
    operation.response = packed(protos.google.protobuf.Empty, {});
  };

  return {
    methods: [
      method("CreateCluster", v1.CreateClusterRequest, protos.google.longrunning.Operation, create),
      method("GetCluster", v1.GetClusterRequest, v1.Cluster, (request) => held(request).cluster),
      method("ListClusters", v1.ListClustersRequest, v1.ListClustersResponse, ({ projectId, region }) => {
        const prefix = keyOf(projectId, region, "");
        return { clusters: [...clusters].filter(([key]) => key.startsWith(prefix)).map(([, { cluster }]) => cluster) };
      }),
      method("DeleteCluster", v1.DeleteClusterRequest, protos.google.longrunning.Operation, remove),
    ],
    running: (projectId, region, clusterName) => {
      const { cluster } = held({ projectId, region, clusterName });
      if (cluster.status!.state === State.RUNNING) return cluster;
      throw new ApiError(status.FAILED_PRECONDITION, `cluster ${clusterName} is in the state ${State[cluster.status!.state as number]}`);
    },
    occupy: (cluster, stop) => {
      const { jobs } = [...clusters.values()].find((one) => one.cluster === cluster)!;
      jobs.add(stop);
      return () => jobs.delete(stop);
    },
    list: () => [...clusters.values()].map(({ cluster }) => cluster),
    stop: () => {
      for (const { jobs } of clusters.values()) for (const job of jobs) job.abort(new Error("the server stops"));
    },
  };
}

function enter(cluster: ICluster, state: ClusterState, detail = ""): void {
  if (cluster.status) cluster.statusHistory!.push(cluster.status);
  cluster.status = { state, detail, stateStartTime: timestamp() };
}
