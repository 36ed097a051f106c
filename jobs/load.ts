import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import { digestOf, sha256Hex } from "../core/digest.ts";
import { messageOf, preconditionError, usageError } from "../core/errors.ts";
import type { PlannedJob } from "../core/types.ts";
import type { Job } from "./job.ts";
import { builtInJobs } from "./registry.ts";

/** A job with the params that the plan validated. */
export interface LoadedJob {
  name: string;
  job: Job;
  params: unknown;
}

/** A module as it is on this machine; `sourceDigest` is absent for the built-in jobs, whose version covers them. */
export interface JobModule {
  job: Job;
  sourceDigest?: string;
}

/**
 * For threads: loads no zod. Fails with JOB_DIFFERS (exit code 4) when a job here is not the one that was planned.
 */
export async function loadJobs(planned: PlannedJob[]): Promise<LoadedJob[]> {
  return Promise.all(planned.map(loadJob));
}

async function loadJob(planned: PlannedJob): Promise<LoadedJob> {
  const module = await importJob(planned.module === undefined ? { builtIn: planned.name } : { path: planned.module });
  if (jobDigest(module, planned.params) !== planned.digest) {
    throw preconditionError(
      "JOB_DIFFERS",
      `the job "${planned.name}" here (version ${module.job.version}) is not the one that was planned (version ${planned.version})`,
      "Finish the run with the code that planned it, or plan a new one with --rerun N.",
    );
  }
  return { name: planned.name, job: module.job, params: planned.params };
}

/** Covers name, version, params and, for a user's module, its own text (not what it imports). */
export function jobDigest({ job, sourceDigest }: JobModule, params: unknown): string {
  return digestOf({ name: job.name, version: job.version, params, source: sourceDigest });
}

export async function importJob(from: { builtIn: string } | { path: string }): Promise<JobModule> {
  if ("path" in from) return importModule(from.path);
  const entry = Object.hasOwn(builtInJobs, from.builtIn) ? builtInJobs[from.builtIn] : undefined;
  if (entry === undefined) throw usageError(`there is no built-in job "${from.builtIn}"`);
  return { job: (await entry()).default };
}

async function importModule(path: string): Promise<JobModule> {
  try {
    const source = await readFile(path);
    const module = (await import(pathToFileURL(path).href)) as { default?: Job };
    return { job: checkJob(module.default), sourceDigest: sha256Hex(source) };
  } catch (error) {
    throw usageError(
      `the job module ${path} cannot be loaded: ${messageOf(error)}`,
      "Its default export must be a job; `imagemill new job NAME` writes a template.",
    );
  }
}

function checkJob(job: Partial<Job> | undefined): Job {
  if (typeof job !== "object" || job === null) throw new Error("it has no default export that is a job");
  if (typeof job.name !== "string" || !/^[a-z][a-z0-9_-]{0,62}$/.test(job.name) || job.name === "source") {
    throw new Error(`its name must be 1 to 63 of a-z, 0-9, _ and -, start with a letter, and not be "source"`);
  }
  if (Object.hasOwn(builtInJobs, job.name)) throw new Error(`"${job.name}" is the name of a built-in job`);
  if (!Number.isSafeInteger(job.version) || job.version! < 1) throw new Error("its version must be a whole number from 1");
  for (const member of ["params", "needs", "run"] as const) {
    if (typeof job[member] !== "function") throw new Error(`its "${member}" must be a function`);
  }
  return job as Job;
}
