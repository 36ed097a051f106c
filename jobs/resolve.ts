import { resolve as resolvePath } from "node:path";
import { z } from "zod";
import { canonicalJson } from "../core/digest.ts";
import { usageError, type ImagemillError } from "../core/errors.ts";
import { nearest } from "../core/nearest.ts";
import type { PlannedJob } from "../core/types.ts";
import { importJob, jobDigest } from "./load.ts";
import { builtInJobs } from "./registry.ts";

/** As a configuration writes it: a built-in job's name, or the path of a module whose default export is a job. */
interface WrittenJob {
  name: string;
  params: Record<string, unknown>;
}

/**
 * Turns what a user wrote into what a plan pins: modules found (relative to `baseDir`), params validated, defaults
 * filled in. Fails with USAGE, naming the place (`jobs[1].params.sizes[0]`) and what to write instead.
 */
export async function resolveJobs(written: WrittenJob[], baseDir: string): Promise<PlannedJob[]> {
  if (written.length === 0) throw usageError("no job is configured", `Add one, e.g. --job thumbnails; built in are ${builtInNames()}.`);
  const planned: PlannedJob[] = [];
  for (const [index, job] of written.entries()) {
    const next = await resolveJob(job, `jobs[${index}]`, baseDir);
    refuseRepeat(planned, next, index);
    planned.push(next);
  }
  return planned;
}

async function resolveJob(written: WrittenJob, place: string, baseDir: string): Promise<PlannedJob> {
  const isPath = /[/\\]|\.[cm]?[jt]s$/.test(written.name);
  if (!isPath && !Object.hasOwn(builtInJobs, written.name)) throw unknownJob(written.name, place);
  const path = resolvePath(baseDir, written.name);
  const module = await importJob(isPath ? { path } : { builtIn: written.name });
  const params = validate(module.job.params(z), written.params, `${place}.params`, module.job.name);
  return {
    name: module.job.name,
    version: module.job.version,
    params,
    ...(isPath && { module: path }),
    digest: jobDigest(module, params),
  };
}

/** Outputs of one name would meet in the archive, where the second would be taken for a repeat of the first. */
function refuseRepeat(planned: PlannedJob[], next: PlannedJob, index: number): void {
  const first = planned.findIndex((job) => job.name === next.name);
  if (first === -1) return;
  const equal = canonicalJson(planned[first]!.params) === canonicalJson(next.params);
  throw usageError(
    `jobs[${index}]: the job "${next.name}" is at jobs[${first}] already${equal ? ", with the same params" : ""}`,
    equal ? "Remove one of the two." : "Put what both should make into one entry (thumbnails takes several sizes), or plan two runs.",
  );
}

function validate(schema: z.ZodType, params: unknown, place: string, job: string): unknown {
  // Zod drops unknown keys unless told; a typo would then silently mean the default.
  const strict = schema instanceof z.ZodObject && schema.def.catchall === undefined ? schema.strict() : schema;
  const result = strict.safeParse(params);
  if (!result.success) throw paramsError(result.error, strict, place, job);
  return result.data;
}

function paramsError(error: z.ZodError, schema: z.ZodType, place: string, job: string): ImagemillError {
  const known = schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
  const problems = error.issues.map((issue) => {
    const at = place + issue.path.map((step) => (typeof step === "number" ? `[${step}]` : `.${String(step)}`)).join("");
    if (issue.code !== "unrecognized_keys") return `${at}: ${issue.message}`;
    return issue.keys.map((key) => unknownKey(at, key, issue.path.length === 0 ? known : [])).join("; ");
  });
  return usageError(
    `the params of job "${job}" are not valid: ${problems.join("; ")}`,
    known.length > 0 ? `Its params are ${known.join(", ")}.` : `The job "${job}" takes no such params.`,
  );
}

function unknownKey(place: string, key: string, known: string[]): string {
  const meant = nearest(key, known);
  return `${place}: unknown key "${key}"${meant === undefined ? "" : `, did you mean "${meant}"?`}`;
}

function unknownJob(name: string, place: string): ImagemillError {
  const meant = nearest(name, Object.keys(builtInJobs));
  return usageError(
    `${place}: there is no job "${name}"${meant === undefined ? "" : `, did you mean "${meant}"?`}`,
    `Built in are ${builtInNames()}; your own job is the path of its module, e.g. ./jobs/${name}.ts.`,
  );
}

function builtInNames(): string {
  return Object.keys(builtInJobs).join(", ");
}
