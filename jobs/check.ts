import { printable } from "../core/names.ts";
import type { Facts, JobOutput, JobResult } from "./job.ts";

const maxOutputs = 1000;
const maxWarnings = 20;
const maxTextLength = 1000;

const factRules: Record<keyof Facts, (value: unknown) => boolean> = {
  takenAt: isText,
  cameraMake: isText,
  cameraModel: isText,
  lens: isText,
  gpsLatitude: isWithin(90),
  gpsLongitude: isWithin(180),
  fingerprint: (value) => typeof value === "string" && /^[0-9a-f]{16}$/.test(value),
};

/**
 * Holds what a job made against the contract of job.ts, so that a mistake in it is told as the job's, on the image,
 * and not by a store or the warehouse later. Throws; gives the result back with warnings cut to a bearable amount.
 */
export function checkResult(result: JobResult): Required<JobResult> {
  if (typeof result !== "object" || result === null) throw new Error("its run() gave no result; an empty one is {}");
  const { outputs = [], facts = {}, warnings = [] } = result;
  checkOutputs(outputs);
  for (const [fact, value] of Object.entries(facts)) {
    const rule = Object.hasOwn(factRules, fact) ? factRules[fact as keyof Facts] : undefined;
    if (rule === undefined) throw new Error(`"${fact}" is no fact; there are ${Object.keys(factRules).join(", ")}`);
    if (value !== undefined && !rule(value)) throw new Error(`the fact ${fact} has an impossible value`);
  }
  return { outputs, facts, warnings: warnings.slice(0, maxWarnings).map((warning) => printable(warning).slice(0, maxTextLength)) };
}

function checkOutputs(outputs: JobOutput[]): void {
  if (outputs.length > maxOutputs) throw new Error(`it made ${outputs.length} outputs of one image; ${maxOutputs} are the most`);
  const variants = new Set<string>();
  for (const { variant, bytes, format, contentType } of outputs) {
    if (!/^[A-Za-z0-9_-]{1,64}$/.test(variant)) throw new Error(`the variant "${variant}" must be 1 to 64 of A-Z, a-z, 0-9, _ and -`);
    if (variants.has(variant)) throw new Error(`it made the variant "${variant}" twice`);
    variants.add(variant);
    if (!(bytes instanceof Uint8Array)) throw new Error(`the bytes of variant "${variant}" must be a Uint8Array`);
    if (!/^[a-z0-9]{1,16}$/.test(format)) throw new Error(`the format "${format}" must be 1 to 16 of a-z and 0-9`);
    if (!/^[\x21-\x7e]+\/[\x20-\x7e]+$/.test(contentType)) throw new Error(`"${contentType}" is no content type`);
  }
}

function isText(value: unknown): boolean {
  return typeof value === "string" && value.length <= maxTextLength;
}

function isWithin(limit: number): (value: unknown) => boolean {
  return (value) => typeof value === "number" && Math.abs(value) <= limit;
}
