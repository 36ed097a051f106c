import type { DataprocEngineConfig } from "../../../configs/config.ts";
import type { Work } from "../dataproc.ts";
import { requestIdOf } from "../grpc-call.ts";
import type { JobHandle } from "./handle.ts";
import { assertOwn } from "./own.ts";
import { jobRequest } from "./requests.ts";
import type { DataprocService } from "./service.ts";
import { standingOfJob } from "./states.ts";

/** A job on a cluster: the one that the configuration names, or the one of an ephemeral work. */
export function jobWork(service: DataprocService, config: DataprocEngineConfig): Work<JobHandle> {
  return {
    submit: async (place, runId, submission, signal) => {
      const { id } = submission;
      const cluster = config.mode === "ephemeral" ? id : config.cluster!;
      const isNew = await service.submitJob(place, jobRequest(place, cluster, submission), requestIdOf(id), signal);
      if (!isNew) assertOwn("a job", (await service.job(place, id, signal))?.labels, submission);
      return { mode: config.mode === "ephemeral" ? "ephemeral" : "cluster", ...place, runId, jobId: id, cluster };
    },
    look: async (handle, signal) => {
      const job = await service.job(handle, handle.jobId, signal);
      return job && standingOfJob(job);
    },
    stop: async (handle, signal) => service.cancelJob(handle, handle.jobId, signal),
    release: async () => Promise.resolve(),
  };
}
