import type { JobMetadata } from "@google-cloud/bigquery";
import { canonicalJson } from "../core/digest.ts";
import { codeOf, ImagemillError } from "../core/errors.ts";
import { printable } from "../core/names.ts";
import { isTransient } from "./bigquery-calls.ts";
import type { BigqueryAccess, JobConfiguration } from "./bigquery-client.ts";

export interface JobRequest {
  /** Attempt k of it is `<id>_r<k>`. The same request has the same id on every machine. */
  id: string;
  location: string;
  configuration: JobConfiguration;
  /** Digest of what the job reads. Two jobs of one id must agree on it and on the table. */
  content: string;
  upload?: string;
  /**
   * Whether what a finished job of an earlier life brought is still there. Where it was deleted since, the next number
   * brings it again.
   */
  stillThere: (signal?: AbortSignal) => Promise<boolean>;
}

export interface JobResult {
  id: string;
  /** Another driver had inserted it, or an earlier life of this one. */
  adopted: boolean;
  job: JobMetadata;
}

export interface JobLimits {
  /** How long to wait for a job to end before giving the wait up; the job itself goes on and is found again. */
  deadlineMs: number;
}

/** Fresh attempts of one call. */
const maxAttempts = 5;
/** Attempts ever, those of earlier calls included. */
const maxNumber = 100;
const firstPollMs = 300;
const maxPollMs = 5000;

const retryableReasons = new Set(
  "backendError internalError jobBackendError jobInternalError rateLimitExceeded jobRateLimitExceeded tableUnavailable".split(" "),
);

/**
 * Runs a job to its end, once: its id is fixed before it is sent, so that a repeated insert meets the first one (409),
 * and a reply that got lost is looked up. The number k is raised only after job k has ended without effect.
 */
export async function runJob(access: BigqueryAccess, request: JobRequest, limits: JobLimits, signal?: AbortSignal): Promise<JobResult> {
  const startedMs = access.clock.monotonicMs();
  for (let number = 1, fresh = 0; number <= maxNumber; number++) {
    const id = `${request.id}_r${number}`;
    const { adopted } = await insertOnce(access, id, request, signal);
    const job = await untilDone(access, id, request.location, startedMs + limits.deadlineMs, signal);
    assertSame(access, id, request, job);
    const failure = job.status?.errorResult;
    if (failure === undefined || failure === null) {
      if (!adopted || (await request.stillThere(signal))) return { id, adopted, job };
      access.log.warn("what an earlier job loaded was deleted", { job: id });
      continue;
    }
    access.log.warn("load job failed", { job: id, reason: failure.reason, message: failure.message, adopted });
    // One that failed in an earlier life wrote nothing: jobs are atomic. Whatever stopped it may be mended by now.
    if (adopted) continue;
    fresh++;
    if (!retryableReasons.has(failure.reason ?? "") || fresh === maxAttempts) throw jobFailed(access, id, job);
    await access.calls.backOff(fresh, signal);
  }
  throw new ImagemillError("WAREHOUSE_FAILED", `${access.url}: ${maxNumber} jobs ${request.id}_r<n> have failed`, {
    hint: `See why: bq show -j ${access.project}:${request.location}.${request.id}_r${maxNumber}`,
  });
}

/** When it resolves, there is a job of this id. */
async function insertOnce(access: BigqueryAccess, id: string, request: JobRequest, signal?: AbortSignal): Promise<{ adopted: boolean }> {
  const { location, upload } = request;
  const configuration = labelled(request);
  for (let tries = 1; ; tries++) {
    try {
      await access.insertJob({ id, location, configuration, ...(upload !== undefined && { upload }) }, signal);
      access.log.info("job inserted", { job: id });
      return { adopted: false };
    } catch (error) {
      signal?.throwIfAborted();
      if (codeOf(error) === "409") return { adopted: true };
      // Whatever the reply said, or if there was none: the job is there or it is not.
      if ((await findJob(access, id, location, signal)) !== undefined) return { adopted: false };
      if (!isTransient(error) || tries === maxAttempts) throw access.calls.explain(`insert job ${id}`, error);
      await access.calls.backOff(tries, signal);
    }
  }
}

async function findJob(access: BigqueryAccess, id: string, location: string, signal?: AbortSignal): Promise<JobMetadata | undefined> {
  return access.calls.find(`read job ${id}`, async () => (await access.job(id, location).getMetadata())[0] as JobMetadata, signal);
}

async function untilDone(
  access: BigqueryAccess,
  id: string,
  location: string,
  deadlineMs: number,
  signal?: AbortSignal,
): Promise<JobMetadata> {
  for (let waitMs = firstPollMs; ; waitMs = Math.min(maxPollMs, waitMs * 1.5)) {
    const job = await findJob(access, id, location, signal);
    if (job?.status?.state === "DONE") return job;
    if (access.clock.monotonicMs() + waitMs > deadlineMs) throw pending(access, id, location, job?.status?.state ?? "unknown");
    await access.clock.sleep(waitMs, signal);
  }
}

function pending(access: BigqueryAccess, id: string, location: string, state: string): ImagemillError {
  return new ImagemillError("LOAD_PENDING", `${access.url}: job ${id} is still ${state}`, {
    hint: `Run the same command again: it waits for the same job. To look at it: bq show -j ${access.project}:${location}.${id}`,
  });
}

/** Under our id there may only be our job. */
function assertSame(access: BigqueryAccess, id: string, request: JobRequest, job: JobMetadata): void {
  const expected = identityOf(labelled(request));
  const found = identityOf(job.configuration ?? {});
  if (canonicalJson(expected) === canonicalJson(found)) return;
  throw new ImagemillError(
    "LOAD_CONFLICT",
    `${access.url}: a job ${id} exists that does something else: ${printable(canonicalJson(found))}`,
    {
      hint: `Expected ${canonicalJson(expected)}. Nothing was loaded; find out who made that job.`,
    },
  );
}

const contentLabel = "imagemill_content";

function labelled({ configuration, content }: JobRequest): JobConfiguration {
  return { ...configuration, labels: { [contentLabel]: content } };
}

/** What a job does, in the parts that the service gives back as they were sent. */
function identityOf({ load, copy, labels }: JobConfiguration): object {
  const { destinationTable, writeDisposition } = load ?? copy ?? {};
  return { kind: load === undefined ? "copy" : "load", destinationTable, writeDisposition, content: labels?.[contentLabel] };
}

export class JobFailure extends ImagemillError {
  readonly reason: string;

  constructor(message: string, reason: string, hint: string) {
    super("WAREHOUSE_FAILED", message, { hint });
    this.reason = reason;
  }
}

function jobFailed(access: BigqueryAccess, id: string, job: JobMetadata): JobFailure {
  const errors = [...new Set([job.status?.errorResult, ...(job.status?.errors ?? [])].map((error) => describe(error)))].slice(0, 5);
  const reason = job.status?.errorResult?.reason ?? "unknown";
  const hint = `The job wrote nothing. See it: bq show -j ${access.project}:${job.jobReference?.location ?? "US"}.${id}`;
  return new JobFailure(`${access.url}: job ${id}: ${errors.join("; ")}`, reason, hint);
}

function describe(error: { reason?: string; location?: string; message?: string } | undefined): string {
  const { reason = "unknown", location, message = "" } = error ?? {};
  return printable(`${message}${location === undefined ? "" : ` at ${location}`} (${reason})`);
}
