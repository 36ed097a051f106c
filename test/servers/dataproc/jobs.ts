import { randomUUID } from "node:crypto";
import { status } from "@grpc/grpc-js";
import { protos } from "@google-cloud/dataproc";
import { alreadyThere, ApiError, invalid, method, notFound, type Method } from "./calls.ts";
import type { Clusters } from "./clusters.ts";
import { runContainer } from "./container.ts";
import { checkJob, checkRequestId } from "./rules.ts";
import { stagingUri, timestamp, track, type World } from "./world.ts";

const v1 = protos.google.cloud.dataproc.v1;
const State = v1.JobStatus.State;
type JobState = protos.google.cloud.dataproc.v1.JobStatus.State;
type IJob = protos.google.cloud.dataproc.v1.IJob;

interface Held {
  job: IJob;
  stop: AbortController;
}

/** google.cloud.dataproc.v1.JobController */
export function jobController(world: World, clusters: Clusters): Method[] {
  const jobs = new Map<string, Held>();
  const byRequest = new Map<string, Held>();

  const submit = (request: protos.google.cloud.dataproc.v1.SubmitJobRequest): IJob => {
    const { projectId, region, requestId, job: asked } = request;
    if (projectId === "" || region === "") throw invalid("project_id and region are required");
    checkRequestId(requestId);
    const known = byRequest.get(requestId);
    if (requestId !== "" && known !== undefined) return known.job;
    checkJob(asked);
    if (asked!.reference?.projectId && asked!.reference.projectId !== projectId) throw invalid("reference.project_id");
    const cluster = clusters.running(projectId, region, asked!.placement!.clusterName!);
    const jobId = asked!.reference?.jobId || randomUUID();
    const key = `${projectId}/${region}/${jobId}`;
    if (jobs.has(key)) throw alreadyThere(`Job projects/${projectId}/regions/${region}/jobs/${jobId}`);
    const job: IJob = {
      ...asked,
      reference: { projectId, jobId },
      placement: { ...asked!.placement, clusterUuid: cluster.clusterUuid ?? "" },
      jobUuid: randomUUID(),
      statusHistory: [],
      done: false,
    };
    enter(job, State.PENDING);
    const held = { job, stop: new AbortController() };
    jobs.set(key, held);
    if (requestId !== "") byRequest.set(requestId, held);
    const over = clusters.occupy(cluster, held.stop);
    track(world, perform(held, region, cluster.config?.configBucket).finally(over));
    return job;
  };

  const perform = async ({ job, stop }: Held, region: string, bucket: string | null | undefined): Promise<void> => {
    const { pysparkJob, placement, reference } = job;
    const outputUri = await stagingUri(world, region, bucket, placement!.clusterUuid!, reference!.jobId!);
    job.driverOutputResourceUri = outputUri;
    enter(job, State.SETUP_DONE);
    try {
      const code = await runContainer(
        {
          main: pysparkJob!.mainPythonFileUri!,
          args: pysparkJob!.args ?? [],
          files: pysparkJob!.fileUris ?? [],
          archives: pysparkJob!.archiveUris ?? [],
          pythonFiles: pysparkJob!.pythonFileUris ?? [],
          properties: pysparkJob!.properties ?? {},
        },
        { ...world, outputUri, signal: stop.signal, started: () => enter(job, State.RUNNING) },
      );
      if (stop.signal.aborted) enter(job, State.CANCELLED, "Job was cancelled.");
      else if (code === 0) enter(job, State.DONE);
      else enter(job, State.ERROR, `Job failed with message [exit code ${code}]. Additional details can be found at:\n${outputUri}.*`);
    } catch (error) {
      if (stop.signal.aborted) enter(job, State.CANCELLED, "Job was cancelled.");
      else enter(job, State.ERROR, `Job failed with message [${error instanceof Error ? error.message : String(error)}].`);
    }
    job.done = true;
  };

  const held = ({ projectId, region, jobId }: { projectId: string; region: string; jobId: string }): Held => {
    const found = jobs.get(`${projectId}/${region}/${jobId}`);
    if (found === undefined) throw notFound(`Job projects/${projectId}/regions/${region}/jobs/${jobId}`);
    return found;
  };

  return [
    method("SubmitJob", v1.SubmitJobRequest, v1.Job, submit),
    method("GetJob", v1.GetJobRequest, v1.Job, (request) => held(request).job),
    method("ListJobs", v1.ListJobsRequest, v1.ListJobsResponse, ({ projectId, region }) => {
      const keys = [...jobs.keys()].filter((key) => key.startsWith(`${projectId}/${region}/`));
      return { jobs: keys.map((key) => jobs.get(key)!.job) };
    }),
    method("CancelJob", v1.CancelJobRequest, v1.Job, (request) => {
      const { job, stop } = held(request);
      if (job.done === true) throw new ApiError(status.FAILED_PRECONDITION, `job ${request.jobId} is not running`);
      if (!stop.signal.aborted) {
        enter(job, State.CANCEL_STARTED);
        stop.abort(new Error("cancelled"));
      }
      return job;
    }),
    method("DeleteJob", v1.DeleteJobRequest, protos.google.protobuf.Empty, (request) => {
      if (held(request).job.done !== true) throw new ApiError(status.FAILED_PRECONDITION, `job ${request.jobId} is active`);
      jobs.delete(`${request.projectId}/${request.region}/${request.jobId}`);
      return {};
    }),
  ];
}

function enter(job: IJob, state: JobState, details = ""): void {
  if (job.status) job.statusHistory!.push(job.status);
  job.status = { state, details, stateStartTime: timestamp() };
}
