import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import * as grpc from "@grpc/grpc-js";
import { fromJSON } from "@grpc/proto-loader";
import type { protos } from "@google-cloud/batch";
import { type RunningJob, startJob } from "./batch/job.ts";
import { type CreateJobRequest, requestIdViolations, violations } from "./batch/validate.ts";
import { metadataServer } from "./metadata.ts";

type V1 = typeof protos.google.cloud.batch.v1;
type ListTasksRequest = InstanceType<V1["ListTasksRequest"]>;
type NamedRequest = { name: string; requestId?: string };

export interface BatchCall {
  method: "CreateJob" | "GetJob" | "ListTasks" | "CancelJob" | "DeleteJob";
  request: { requestId?: string; jobId?: string; name?: string };
  /** Of the same method, from 1. */
  index: number;
}

/** An answer instead of the true one; `after`: what was asked for has happened all the same. */
export interface BatchFault {
  when: "before" | "after";
  code: "UNAVAILABLE" | "DEADLINE_EXCEEDED" | "PERMISSION_DENIED" | "INTERNAL";
}

export interface BatchServer extends AsyncDisposable {
  /** `127.0.0.1:<port>` */
  readonly endpoint: string;
  /** Asked before each call. */
  faults: (call: BatchCall) => BatchFault | undefined;
  readonly calls: BatchCall[];
  readonly jobs: ReadonlyMap<string, RunningJob>;
  /** Tokens that the metadata server has given to machines. */
  tokens(): number;
  /** What tasks have printed. */
  printed(): string;
}

const { resolve } = createRequire(import.meta.url);
const definition = fromJSON(JSON.parse(readFileSync(resolve("@google-cloud/batch/build/protos/protos.json"), "utf8")) as object, {
  longs: String,
  enums: String,
  defaults: true,
  oneofs: true,
});
const tokenPath = "service-accounts/default/token";

/**
 * Batch on the loopback range, over the protos that Google's client ships. It refuses what the API's documentation
 * forbids, and runs what it takes: tasks are processes, machines are folders with the tools of a plain Debian.
 */
export async function startBatch(options: { imagePath?: string } = {}): Promise<BatchServer> {
  await using started = new AsyncDisposableStack();
  const token = JSON.stringify({ access_token: "of-the-machine", expires_in: 3600, token_type: "Bearer" });
  const metadata = await metadataServer({ [tokenPath]: token });
  started.defer(() => metadata.close());
  const jobs = new Map<string, RunningJob>();
  started.defer(async () => {
    await Promise.all(jobs.values().map(async (job) => job.stop()));
  });
  const requests = new Map<string, { text: string; answer: unknown }>();
  const calls: BatchCall[] = [];
  let printed = "";
  const machines = {
    metadata: metadata.url,
    imagePath: options.imagePath,
    print: (text: string) => void (printed = (printed + text).slice(-200_000)),
  };

  const createJob = (request: CreateJobRequest): unknown => {
    const wrong = violations(request);
    if (wrong.length > 0) throw refused("INVALID_ARGUMENT", `Job validation failed: ${wrong.join("; ")}`);
    const name = `${request.parent}/jobs/${request.jobId}`;
    if (jobs.has(name)) throw refused("ALREADY_EXISTS", `Resource '${name}' already exists`);
    const job = startJob(name, request.job!, machines);
    jobs.set(name, job);
    return job.describe();
  };
  const find = (name: string): RunningJob => {
    const job = jobs.get(name);
    if (job === undefined) throw refused("NOT_FOUND", `Resource '${name}' was not found`);
    return job;
  };
  const cancelJob = ({ name, requestId }: NamedRequest): unknown => {
    const wrong = requestIdViolations(requestId ?? "");
    if (wrong.length > 0) throw refused("INVALID_ARGUMENT", wrong.join("; "));
    if (!find(name).cancel()) throw refused("FAILED_PRECONDITION", `Job ${name} has ended already`);
    return { name: `${name.split("/jobs/")[0]}/operations/cancel-${calls.length}`, done: false };
  };
  const deleteJob = ({ name }: NamedRequest): unknown => {
    const job = find(name);
    void job.stop().then(() => jobs.delete(name));
    return { name: `${name.split("/jobs/")[0]}/operations/delete-${calls.length}`, done: false };
  };
  const listTasks = ({ parent, filter, pageSize, pageToken }: ListTasksRequest): unknown => {
    const state = /^State=([A-Z]+)$/.exec(filter)?.[1];
    if (filter !== "" && state === undefined) throw refused("INVALID_ARGUMENT", `filter "${filter}" is not understood`);
    if (!parent.endsWith("/taskGroups/group0")) throw refused("NOT_FOUND", `Resource '${parent}' was not found`);
    const all = find(parent.replace("/taskGroups/group0", "")).tasks();
    const wanted = all.filter(({ status }) => state === undefined || status.state === state);
    const [from, size] = [Number(pageToken || 0), pageSize || 100];
    return { tasks: wanted.slice(from, from + size), nextPageToken: from + size < wanted.length ? String(from + size) : "" };
  };

  /** A request id that was seen gets the first answer again, for the same request only. */
  const once = (method: string, request: { requestId?: string | null }, serve: () => unknown): unknown => {
    if ((request.requestId ?? "") === "") return serve();
    const key = `${method} ${request.requestId}`;
    const text = JSON.stringify(request);
    const known = requests.get(key);
    if (known !== undefined && known.text !== text) throw refused("INVALID_ARGUMENT", "request_id was used for another request");
    const answer = known?.answer ?? serve();
    requests.set(key, { text, answer });
    return answer;
  };

  const serving =
    <T extends object>(method: BatchCall["method"], serve: (request: T) => unknown): grpc.handleUnaryCall<T, unknown> =>
    ({ request }, answer) => {
      const index = calls.filter((call) => call.method === method).length + 1;
      const call = { method, request, index } as BatchCall;
      calls.push(call);
      const fault = running.faults(call);
      try {
        if (fault?.when === "before") throw refused(fault.code, "it was made to fail");
        const value = once(method, request, () => serve(request));
        if (fault !== undefined) throw refused(fault.code, "it was made to fail");
        answer(null, value);
      } catch (error) {
        answer(error as grpc.ServiceError);
      }
    };

  const server = new grpc.Server();
  server.addService(definition["google.cloud.batch.v1.BatchService"] as grpc.ServiceDefinition, {
    CreateJob: serving<CreateJobRequest>("CreateJob", createJob),
    GetJob: serving<NamedRequest>("GetJob", ({ name }) => find(name).describe()),
    ListTasks: serving<ListTasksRequest>("ListTasks", listTasks),
    CancelJob: serving<NamedRequest>("CancelJob", cancelJob),
    DeleteJob: serving<NamedRequest>("DeleteJob", deleteJob),
  });
  const port = await new Promise<number>((bound, failed) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, at) => (error === null ? bound(at) : failed(error)));
  });
  started.defer(() => server.forceShutdown());
  const stack = started.move();
  const running: BatchServer = {
    endpoint: `127.0.0.1:${port}`,
    faults: () => undefined,
    calls,
    jobs,
    tokens: () => metadata.answered.get(tokenPath) ?? 0,
    printed: () => printed,
    [Symbol.asyncDispose]: async () => stack.disposeAsync(),
  };
  return running;
}

function refused(code: keyof typeof grpc.status, message: string): Partial<grpc.ServiceError> {
  return { code: grpc.status[code], details: message, message };
}
