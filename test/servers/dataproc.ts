import { Server, ServerCredentials } from "@grpc/grpc-js";
import type { protos } from "@google-cloud/dataproc";
import { batchController } from "./dataproc/batches.ts";
import { bucketsOf } from "./dataproc/bucket.ts";
import { type CallLog, type DataprocCall, serviceOf } from "./dataproc/calls.ts";
import { clusterController } from "./dataproc/clusters.ts";
import { jobController } from "./dataproc/jobs.ts";
import { operationsService } from "./dataproc/operations.ts";
import type { World } from "./dataproc/world.ts";
import { sparkHome } from "./spark.ts";

export type { DataprocCall, DataprocFault } from "./dataproc/calls.ts";

export interface DataprocServer extends CallLog, AsyncDisposable {
  /** `127.0.0.1:<port>`, gRPC without TLS. */
  readonly endpoint: string;
  /** Names of clusters that end in the state ERROR instead of RUNNING. */
  readonly brokenClusters: Set<string>;
  batches(): protos.google.cloud.dataproc.v1.IBatch[];
  clusters(): protos.google.cloud.dataproc.v1.ICluster[];
}

export interface DataprocOptions {
  /** Of the server that speaks Cloud Storage's API: `http://127.0.0.1:<port>`. */
  storage: string;
  /** What nodes have in their environment; where Google's services answer them, say. */
  environment?: NodeJS.ProcessEnv;
}

/**
 * Dataproc on the loopback address, over the messages that the client package ships: batches, jobs, clusters and
 * operations, as strict as the reference. It runs what it is given with the real spark-submit, on two cores in one JVM,
 * and writes what the driver prints to the staging bucket.
 */
export async function startDataproc({ storage, environment = {} }: DataprocOptions): Promise<DataprocServer> {
  const world: World = {
    spark: await sparkHome(),
    buckets: bucketsOf(storage),
    environment: { IMAGEMILL_STORAGE_ENDPOINT: storage, ...environment },
    operations: new Map(),
    working: new Set(),
  };
  const log: CallLog & { calls: DataprocCall[] } = { calls: [], faults: () => undefined };
  const broken = new Set<string>();
  const batches = batchController(world);
  const clusters = clusterController(world, broken);
  const server = new Server();
  const services = {
    "google.cloud.dataproc.v1.BatchController": batches.methods,
    "google.cloud.dataproc.v1.JobController": jobController(world, clusters),
    "google.cloud.dataproc.v1.ClusterController": clusters.methods,
    "google.longrunning.Operations": operationsService(world),
  };
  for (const [name, methods] of Object.entries(services)) server.addService(...serviceOf(name, methods, log));
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, taken) =>
      error === null ? resolve(taken) : reject(error),
    );
  });
  return Object.assign(log, {
    endpoint: `127.0.0.1:${bound}`,
    brokenClusters: broken,
    batches: batches.list,
    clusters: clusters.list,
    [Symbol.asyncDispose]: async () => {
      server.forceShutdown();
      for (const { cancel } of world.operations.values()) cancel();
      clusters.stop();
      await Promise.all(world.working);
    },
  });
}
