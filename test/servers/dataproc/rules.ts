import type { protos } from "@google-cloud/dataproc";
import { invalid } from "./calls.ts";

/* What the API's reference says about fields. Everything here throws INVALID_ARGUMENT. */

type Batch = protos.google.cloud.dataproc.v1.IBatch;
type Job = protos.google.cloud.dataproc.v1.IJob;
type Cluster = protos.google.cloud.dataproc.v1.ICluster;
type Duration = protos.google.protobuf.IDuration;
type Properties = Record<string, string>;

const minute = 60;
const day = 24 * 60 * minute;
/** Runtimes that take new batches. */
const runtimes = new Set(["1.2", "2.3", "3.0"]);

export function checkRequestId(requestId: string | null | undefined): void {
  if (requestId && !/^[A-Za-z0-9_-]{1,40}$/.test(requestId)) throw invalid(`request_id "${requestId}"`);
}

export function checkLabels(labels: Properties | null | undefined): void {
  const all = Object.entries(labels ?? {});
  if (all.length > 32) throw invalid("more than 32 labels");
  const wrong = all.find(([key, value]) => !/^[a-z][a-z0-9_-]{0,62}$/.test(key) || !/^[a-z0-9_-]{0,63}$/.test(value));
  if (wrong !== undefined) throw invalid(`label ${wrong.join("=")}`);
}

export function checkBatchId(id: string): void {
  if (!/^[a-z0-9][a-z0-9-]{2,61}[a-z0-9]$/.test(id)) throw invalid(`batch_id "${id}" must have 4 to 63 of a-z, 0-9 and -`);
}

export function checkBatch(batch: Batch | null | undefined): void {
  if (!batch?.pysparkBatch) throw invalid("batch.pyspark_batch is required here");
  const { mainPythonFileUri, fileUris, archiveUris, pythonFileUris } = batch.pysparkBatch;
  checkMain(mainPythonFileUri, fileUris, archiveUris, pythonFileUris);
  checkLabels(batch.labels);
  const version = batch.runtimeConfig?.version;
  if (version && !runtimes.has(version)) throw invalid(`runtime version "${version}" is not supported`);
  if (batch.runtimeConfig?.containerImage && !batch.runtimeConfig.containerImage.includes("/")) throw invalid("container_image");
  checkServerlessProperties(batch.runtimeConfig?.properties ?? {});
  const execution = batch.environmentConfig?.executionConfig;
  if (execution?.ttl) checkDuration("ttl", execution.ttl, 10 * minute, 14 * day);
  if (execution?.idleTtl) throw invalid("idle_ttl is for sessions only");
  if (execution?.stagingBucket?.includes("/")) throw invalid("staging_bucket is the name of a bucket, without gs://");
  if (execution?.networkUri && execution.subnetworkUri) throw invalid("network_uri and subnetwork_uri exclude each other");
}

function checkMain(main: string | null | undefined, ...lists: (string[] | null | undefined)[]): void {
  if (!main?.endsWith(".py")) throw invalid(`main_python_file_uri "${main ?? ""}" must be a .py file`);
  const uris = [main, ...lists.flatMap((list) => list ?? [])];
  const elsewhere = uris.find((uri) => !/^(gs|hdfs):\/\/[^/]+\/./.test(uri));
  if (elsewhere !== undefined) throw invalid(`"${elsewhere}" is not a URI that nodes can read`);
}

function checkServerlessProperties(properties: Properties): void {
  const unsupported = Object.keys(properties).find((name) => /^spark\.(master$|yarn\.|shuffle\.service\.)/.test(name));
  if (unsupported !== undefined) throw invalid(`the property ${unsupported} is not supported`);
  for (const side of ["driver", "executor"]) {
    const cores = Number(properties[`spark.${side}.cores`] ?? 4);
    if (![4, 8, 16].includes(cores)) throw invalid(`spark.${side}.cores must be 4, 8 or 16, not ${cores}`);
    const memory = properties[`spark.${side}.memory`];
    if (memory === undefined) continue;
    const overhead = properties[`spark.${side}.memoryOverhead`];
    const each = (mebibytes(memory) + (overhead === undefined ? 0.1 * mebibytes(memory) : mebibytes(overhead))) / cores;
    if (each < 1024 || each > 7424) throw invalid(`memory of a ${side} core must be from 1024m to 7424m, not ${Math.round(each)}m`);
  }
  for (const name of ["executor.instances", "dynamicAllocation.initialExecutors", "dynamicAllocation.maxExecutors"]) {
    const count = Number(properties[`spark.${name}`] ?? 2);
    if (!(count >= 2 && count <= 2000)) throw invalid(`spark.${name} must be from 2 to 2000, not ${count}`);
  }
}

function mebibytes(size: string): number {
  const match = /^(\d+)([mg])$/.exec(size);
  if (match === null) throw invalid(`"${size}" is not a size`);
  return Number(match[1]) * (match[2] === "g" ? 1024 : 1);
}

export function checkJob(job: Job | null | undefined): void {
  if (!job) throw invalid("job is required");
  if (!job.placement?.clusterName) throw invalid("job.placement.cluster_name is required");
  if (!job.pysparkJob) throw invalid("job.pyspark_job is required here");
  const { mainPythonFileUri, fileUris, archiveUris, pythonFileUris } = job.pysparkJob;
  checkMain(mainPythonFileUri, fileUris, archiveUris, pythonFileUris);
  checkLabels(job.labels);
  const id = job.reference?.jobId;
  if (id && !/^[A-Za-z0-9_-]{1,100}$/.test(id)) throw invalid(`job_id "${id}"`);
  if ((job.scheduling?.maxFailuresPerHour ?? 0) > 10) throw invalid("max_failures_per_hour is at most 10");
}

export function checkCluster(cluster: Cluster | null | undefined): void {
  const name = cluster?.clusterName ?? "";
  if (!/^[a-z]([a-z0-9-]{0,49}[a-z0-9])?$/.test(name)) throw invalid(`cluster_name "${name}"`);
  checkLabels(cluster?.labels);
  const config = cluster?.config;
  if (!config) throw invalid("cluster.config is required here");
  const primary = [config.masterConfig?.preemptibility, config.workerConfig?.preemptibility];
  if (primary.some((kind) => Number(kind ?? 0) > 1)) throw invalid("only secondary workers may be preemptible");
  if ((config.workerConfig?.numInstances ?? 2) < 2) throw invalid("a cluster has at least two primary workers");
  const { idleDeleteTtl, autoDeleteTtl } = config.lifecycleConfig ?? {};
  if (idleDeleteTtl) checkDuration("idle_delete_ttl", idleDeleteTtl, 5 * minute, 14 * day);
  if (autoDeleteTtl) checkDuration("auto_delete_ttl", autoDeleteTtl, 10 * minute, 14 * day);
}

function checkDuration(name: string, duration: Duration, least: number, most: number): void {
  const seconds = Number(duration.seconds ?? 0);
  if (seconds < least || seconds > most) throw invalid(`${name} must be from ${least}s to ${most}s, not ${seconds}s`);
}
