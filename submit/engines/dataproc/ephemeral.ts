import type { Clock } from "../../../core/clock.ts";
import { ImagemillError } from "../../../core/errors.ts";
import type { DataprocEngineConfig } from "../../../configs/config.ts";
import type { Work } from "../dataproc.ts";
import { requestIdOf } from "../grpc-call.ts";
import type { JobHandle } from "./handle.ts";
import { jobWork } from "./job.ts";
import { assertOwn } from "./own.ts";
import { clusterRequest, type Submission } from "./requests.ts";
import type { Cluster, DataprocService, Place } from "./service.ts";

/** Machines usually come within two minutes. */
const longestStartMs = 20 * 60_000;
const startLookMs = 1000;

/**
 * A job on a cluster that is made for it and deleted after it, by whoever notices the end first; should nobody, the
 * cluster's own idle time does it.
 */
export function ephemeralWork(service: DataprocService, config: DataprocEngineConfig, clock: Clock): Work<JobHandle> {
  const job = jobWork(service, config);
  return {
    ...job,
    submit: async (place, runId, submission, signal) => {
      // A job that is there has had its cluster: it is not made again.
      if ((await service.job(place, submission.id, signal)) === undefined)
        await clusterFor(service, config, clock, place, submission, signal);
      return job.submit(place, runId, submission, signal);
    },
    release: async (handle, signal) => {
      const cluster = await service.cluster(handle, handle.cluster, signal);
      const isOurs = cluster?.labels?.["imagemill-run"] === handle.runId;
      if (isOurs && cluster.status?.state !== "DELETING") await service.deleteCluster(handle, handle.cluster, signal);
    },
  };
}

/** Resolves when it takes jobs. */
async function clusterFor(
  service: DataprocService,
  config: DataprocEngineConfig,
  clock: Clock,
  place: Place,
  submission: Submission,
  signal: AbortSignal,
): Promise<void> {
  const { id } = submission;
  const startedMs = clock.monotonicMs();
  for (;;) {
    const cluster = await service.cluster(place, id, signal);
    if (cluster === undefined) {
      // Its name is what makes it one: the same request may come again after a cluster of that name was deleted.
      const requestId = requestIdOf(`${id} ${clock.now()}`);
      await service.createCluster(place, clusterRequest(place, config, submission), requestId, signal);
    } else {
      assertOwn("a cluster", cluster.labels, submission);
      if (cluster.status?.state === "RUNNING") return;
      if (cluster.status?.state === "ERROR") {
        await service.deleteCluster(place, id, signal);
        throw notMade(cluster);
      }
    }
    if (clock.monotonicMs() - startedMs > longestStartMs) throw tooSlow(id);
    await clock.sleep(startLookMs, signal);
  }
}

function notMade({ clusterName, status }: Cluster): ImagemillError {
  return new ImagemillError(
    "DATAPROC_CLUSTER_FAILED",
    `the cluster ${clusterName} could not be made: ${status?.detail ?? "no reason is given"}`,
    {
      hint: "A quota, a machine type that the zone has not, or a subnetwork without Private Google Access; docs/dataproc.md. It was deleted.",
    },
  );
}

function tooSlow(id: string): ImagemillError {
  return new ImagemillError("DATAPROC_CLUSTER_SLOW", `the cluster ${id} did not take jobs within ${longestStartMs / 60_000} minutes`, {
    hint: "The same command goes on waiting.",
  });
}
