import { randomUUID } from "node:crypto";
import { protos } from "@google-cloud/dataproc";
import type { SparkHome } from "../spark.ts";
import type { Buckets } from "./bucket.ts";

/** What the services share. */
export interface World {
  spark: SparkHome;
  buckets: Buckets;
  /** What nodes have in their environment. */
  environment: NodeJS.ProcessEnv;
  operations: Map<string, RunningOperation>;
  /** Work that goes on; settled before the server has stopped. */
  working: Set<Promise<void>>;
}

export interface RunningOperation {
  operation: protos.google.longrunning.IOperation;
  cancel: () => void;
}

export function timestamp(): protos.google.protobuf.ITimestamp {
  const nowMs = Date.now();
  return { seconds: Math.floor(nowMs / 1000), nanos: (nowMs % 1000) * 1_000_000 };
}

interface Encoder {
  encode(message: object): { finish(): Uint8Array };
  fromObject(object: object): object;
  getTypeUrl(prefix?: string): string;
}

export function packed(type: Encoder, value: object): protos.google.protobuf.IAny {
  return { type_url: type.getTypeUrl("type.googleapis.com"), value: type.encode(type.fromObject(value)).finish() };
}

export function newOperation(
  world: World,
  place: { project: string; region: string },
  metadata: object,
  cancel: () => void,
): RunningOperation {
  const name = `projects/${place.project}/regions/${place.region}/operations/${randomUUID()}`;
  const running: RunningOperation = { operation: { name, metadata, done: false }, cancel };
  world.operations.set(name, running);
  return running;
}

/** `projects/p/locations/r…` and `projects/p/regions/r…` are the same to the service. */
export function placeOf(parent: string | null | undefined): { project: string; region: string } | undefined {
  const match = /^projects\/([^/]+)\/(?:locations|regions)\/([^/]+)/.exec(parent ?? "");
  return match === null ? undefined : { project: match[1]!, region: match[2]! };
}

export async function stagingUri(
  world: World,
  region: string,
  bucket: string | null | undefined,
  uuid: string,
  job: string,
): Promise<string> {
  const staging = bucket || `dataproc-staging-${region}`;
  await world.buckets.create(staging);
  return `gs://${staging}/google-cloud-dataproc-metainfo/${uuid}/jobs/${job}/driveroutput`;
}

/** Remembers work until it has settled. */
export function track(world: World, work: Promise<void>): void {
  const kept = work.finally(() => world.working.delete(kept));
  world.working.add(kept);
}

export const { Batch, Cluster, BatchOperationMetadata, ClusterOperationMetadata } = protos.google.cloud.dataproc.v1;
