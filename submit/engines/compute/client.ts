import type { protos } from "@google-cloud/batch";
import type { Clock, Random } from "../../../core/clock.ts";
import { digestOf } from "../../../core/digest.ts";
import { parseEndpoint } from "../../../core/endpoint.ts";
import { googleLogin } from "../google-login.ts";
import { grpcCalls, ifThere, isAlreadyExists, requestIdOf, unlessOver } from "../grpc-call.ts";
import type { Job } from "./job.ts";
import type { Task } from "./status.ts";

export interface BatchPlace {
  project?: string;
  /** Where Batch answers, if not at its usual address. On the loopback range no credentials are looked for. */
  endpoint?: string;
  clock: Clock;
  random: Random;
}

/** What the engine asks of Batch. Job names are `projects/…/locations/…/jobs/…`. */
export interface Batch {
  project(signal: AbortSignal): Promise<string>;
  /** `taken`: a job of that id is there already, and given back. */
  create(parent: string, jobId: string, job: Job, signal: AbortSignal): Promise<{ job: Job; taken: boolean }>;
  get(name: string, signal: AbortSignal): Promise<Job | undefined>;
  /** The first `count` tasks of a job's one task group, or of those in a state. */
  tasks(job: Job, count: number, signal: AbortSignal, state?: "FAILED"): Promise<Task[]>;
  /** Asks for it; that there is nothing left to cancel is no error. */
  cancel(name: string, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

const permissionHint =
  "Whoever submits needs roles/batch.jobsEditor on the project, and roles/iam.serviceAccountUser on the service account of the machines.";

export function openBatch({ project, endpoint, clock, random }: BatchPlace): Batch {
  const call = grpcCalls({ service: "Batch", permissionHint, clock, random });
  const login = googleLogin({ ...(project !== undefined && { project }), ...(endpoint !== undefined && { endpoint }) });
  let opened: ReturnType<typeof openClient> | undefined;
  const client = async (): ReturnType<typeof openClient> => {
    await login.ready();
    return (opened ??= openClient(endpoint));
  };

  const get: Batch["get"] = async (name, signal) =>
    ifThere(call("show the job", async (own) => (await (await client()).getJob({ name }, own))[0], signal));
  return {
    project: async (signal) => call("find the project", login.project, signal),
    get,
    create: async (parent, jobId, job, signal) => {
      const name = `${parent}/jobs/${jobId}`;
      // Another job of the same id, made when other shards were left, is another request.
      const request = { parent, jobId, job, requestId: requestIdOf(`create ${name} ${digestOf(job)}`) };
      try {
        const created = await call("create the job", async (own) => (await (await client()).createJob(request, own))[0], signal);
        return { job: created, taken: false };
      } catch (error) {
        const there = isAlreadyExists(error) ? await get(name, signal) : undefined;
        if (there === undefined) throw error;
        return { job: there, taken: true };
      }
    },
    tasks: async (job, count, signal, state) => {
      const request = {
        parent: job.taskGroups?.[0]?.name ?? "",
        pageSize: count,
        ...(state !== undefined && { filter: `State=${state}` }),
      };
      const onePage = { autoPaginate: false };
      return call(
        "list the tasks of the job",
        async (own) => (await (await client()).listTasks(request, { ...own, ...onePage }))[0],
        signal,
      );
    },
    cancel: async (name, signal) => {
      const request: protos.google.cloud.batch.v1.ICancelJobRequest = { name, requestId: requestIdOf(`cancel ${name}`) };
      await unlessOver(call("cancel the job", async (own) => (await client()).cancelJob(request, own), signal));
    },
    close: async () => (await opened)?.close(),
  };
}

/** Loaded only where it is needed: Google's client takes its time to start. */
async function openClient(endpoint: string | undefined) {
  const [{ BatchServiceClient }, { credentials }] = await Promise.all([import("@google-cloud/batch"), import("@grpc/grpc-js")]);
  if (endpoint === undefined) return new BatchServiceClient();
  const { url, loopback } = parseEndpoint(endpoint);
  const { hostname, port } = new URL(url);
  return new BatchServiceClient({
    apiEndpoint: hostname,
    ...(port !== "" && { port: Number(port) }),
    // Never sent; without them the client looks for some.
    ...(loopback && { sslCreds: credentials.createInsecure(), credentials: { client_email: "nobody", private_key: "none" } }),
  });
}
