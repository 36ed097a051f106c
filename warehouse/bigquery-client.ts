import { BigQuery, type Dataset, type Job, type JobMetadata } from "@google-cloud/bigquery";
import { OAuth2Client } from "google-auth-library";
import { createReadStream } from "node:fs";
import { bounded } from "../core/bounded.ts";
import { parseEndpoint } from "../core/endpoint.ts";
import { bigqueryCalls, type Calls } from "./bigquery-calls.ts";
import type { Clock, Random } from "../core/clock.ts";
import type { Logger } from "../core/log.ts";

export interface BigqueryPlace {
  url: string;
  project: string;
  dataset: string;
  /** Where it answers, if not at its usual address. */
  endpoint?: string;
  /** Of a dataset that `ensure` creates. An existing one says itself where it is. */
  location?: string;
  /** Of one HTTP request, an upload's apart. Default: two minutes. */
  requestTimeoutMs?: number;
  log: Logger;
  clock: Clock;
  random: Random;
}

/** A dataset and how to reach it. */
export interface BigqueryAccess {
  url: string;
  project: string;
  datasetId: string;
  client: BigQuery;
  dataset: Dataset;
  calls: Calls;
  log: Logger;
  clock: Clock;
  /** Where the dataset is, and so where its jobs run; undefined while there is no dataset. */
  location(signal?: AbortSignal): Promise<string | undefined>;
  /** One try, bounded; rejects with the client's own errors. */
  insertJob(request: JobInsert, signal?: AbortSignal): Promise<JobMetadata>;
  job(id: string, location: string): Job;
}

export interface JobInsert {
  id: string;
  location: string;
  configuration: JobConfiguration;
  /** A local file sent along as the job's data. */
  upload?: string;
}

export type JobConfiguration = NonNullable<JobMetadata["configuration"]>;

type UploadReply = JobMetadata & { error?: { message?: string; errors?: { reason: string }[] } };

const uploadTimeoutMs = 30 * 60_000;

export function bigqueryAccess(place: BigqueryPlace): BigqueryAccess {
  const { url, project, dataset: datasetId, endpoint, requestTimeoutMs = 120_000, log, clock } = place;
  const address = endpoint === undefined ? undefined : parseEndpoint(endpoint);
  const client = new BigQuery({
    projectId: project,
    // Retries are ours, in one place: the client would repeat a load job's insert without looking what became of it.
    retryOptions: { autoRetry: false, maxRetries: 0 },
    ...(address !== undefined && { apiEndpoint: address.url, useAuthWithCustomEndpoint: true }),
    ...(address?.loopback === true && { authClient: withoutCredentials() }),
  });
  const dataset = client.dataset(datasetId);
  const calls = bigqueryCalls(url, { ...place, requestTimeoutMs });

  let found: string | undefined;
  const location: BigqueryAccess["location"] = async (signal) => {
    const metadata =
      found === undefined ? await calls.find("read dataset", async () => (await dataset.getMetadata())[0], signal) : undefined;
    found ??= (metadata as { location?: string } | undefined)?.location;
    return found;
  };

  const base = address?.url ?? "https://bigquery.googleapis.com";
  /** The client's own upload cannot send labels, and its errors come as events that nobody may be listening to. */
  const upload = async (file: string, body: object): Promise<JobMetadata> => {
    const response = await client.authClient.request<UploadReply>({
      url: `${base}/upload/bigquery/v2/projects/${project}/jobs`,
      method: "POST",
      params: { uploadType: "multipart" },
      multipart: [
        { headers: new Headers({ "Content-Type": "application/json; charset=UTF-8" }), content: JSON.stringify(body) },
        { headers: new Headers({ "Content-Type": "application/octet-stream" }), content: createReadStream(file) },
      ],
      retry: false,
      validateStatus: () => true,
    });
    if (response.status === 200) return response.data;
    const { message = `HTTP ${response.status}`, errors = [] } = response.data.error ?? {};
    throw Object.assign(new Error(message), { code: response.status, errors });
  };

  const insert = async ({ id, location: jobLocation, configuration, upload: file }: JobInsert): Promise<JobMetadata> => {
    if (file !== undefined) {
      return upload(file, { configuration, jobReference: { projectId: project, jobId: id, location: jobLocation } });
    }
    // A fresh object: the client takes jobId and location out of the one that it is given.
    const [job] = await client.createJob({ configuration, jobId: id, location: jobLocation });
    return job.metadata as JobMetadata;
  };

  return {
    url,
    project,
    datasetId,
    client,
    dataset,
    calls,
    log,
    clock,
    location,
    insertJob: async (request, signal) =>
      bounded(() => insert(request), request.upload === undefined ? requestTimeoutMs : uploadTimeoutMs, signal),
    job: (id, jobLocation) => client.job(id, { location: jobLocation }),
  };
}

/** For servers on the loopback range. The client insists on a token; they do not look at it. */
function withoutCredentials(): OAuth2Client {
  const auth = new OAuth2Client();
  auth.setCredentials({ access_token: "loopback", expiry_date: Number.MAX_SAFE_INTEGER });
  return auth;
}
