import { parseDuration, parseSize } from "../../configs/units.ts";
import { usageError } from "../../core/errors.ts";
import { nearest } from "../../core/nearest.ts";
import { outputGroup } from "./verb.ts";

/** The text of a flag that may be given once. */
function once(flag: string): (value: unknown) => string {
  return (value) => {
    if (Array.isArray(value)) throw usageError(`--${flag} is given ${value.length} times`, `Give --${flag} once.`);
    return String(value);
  };
}

export function text(flag: string, describe: string) {
  return { type: "string", requiresArg: true, describe, read: once(flag) } as const;
}

function number(flag: string, describe: string, what: string, fits: (value: number) => boolean) {
  const read = (value: unknown): number => {
    const written = once(flag)(value);
    const parsed = written.trim() === "" ? Number.NaN : Number(written);
    if (!fits(parsed))
      throw usageError(`--${flag} must be ${what}, not "${written}"`, `For example --${flag} ${flag === "sample" ? "0.01" : "10"}.`);
    return parsed;
  };
  return { type: "string", requiresArg: true, describe, read } as const;
}

export function oneOf<const T extends string>(flag: string, describe: string, values: readonly T[]) {
  const read = (value: unknown): T => {
    const written = once(flag)(value);
    const known = values.find((candidate) => candidate === written);
    if (known !== undefined) return known;
    const near = nearest(written, values);
    throw usageError(
      `--${flag} must be one of ${values.join(", ")}, not "${written}"`,
      near === undefined ? `--${flag} ${values[0]!}` : `Did you mean --${flag} ${near}?`,
    );
  };
  return { type: "string", requiresArg: true, describe: `${describe} (${values.join(", ")})`, read } as const;
}

/** A flag that may be repeated, each time one of `values`. */
export function manyOf<const T extends string>(flag: string, describe: string, values: readonly T[]) {
  const one = oneOf(flag, describe, values);
  const read = (value: unknown): T[] => (value as unknown[]).map(one.read);
  return { type: "string", array: true, requiresArg: true, describe: one.describe, read } as const;
}

export function wholeNumber(flag: string, describe: string) {
  return number(flag, describe, "a whole number from 1", (value) => Number.isSafeInteger(value) && value >= 1);
}

/** `20MB` -> bytes. */
export function size(flag: string, describe: string) {
  return quantity(flag, describe, "a size", "20MB", parseSize);
}

/** `15m` -> milliseconds. */
export function duration(flag: string, describe: string) {
  return quantity(flag, describe, "a duration", "15m", parseDuration);
}

function quantity(flag: string, describe: string, what: string, example: string, parse: (text: string) => number | undefined) {
  const read = (value: unknown): number => {
    const written = once(flag)(value);
    const parsed = parse(written);
    if (parsed === undefined || parsed < 1) {
      throw usageError(`--${flag} must be ${what}, not "${written}"`, `Write a number and its unit: --${flag} ${example}.`);
    }
    return parsed;
  };
  return { type: "string", requiresArg: true, describe, read } as const;
}

/** May be repeated. */
export const many = { type: "string", array: true, requiresArg: true } as const;
const where = { group: "Where and what:" } as const;
const which = { group: "Which run:" } as const;

export const jsonFlag = {
  json: { type: "boolean", describe: "Results as JSON lines on stdout", group: outputGroup },
} as const;

/** What every verb takes that reads the configuration. */
export const configFlags = {
  config: { ...text("config", "Configuration file [default: imagemill.yaml where there is one]"), ...where },
  source: { ...text("source", "The images: a folder or gs://bucket/prefix"), ...where },
  archive: { ...text("archive", "Where outputs go: a folder or gs://bucket/prefix"), ...where },
  control: { ...text("control", "Where plans, rows and commits are kept: a folder or gs://bucket/prefix"), ...where },
  warehouse: { ...text("warehouse", "Where rows go: duckdb:///path.duckdb or bigquery://project/dataset"), ...where },
  engine: { ...text("engine", "Where shards are processed: local, spark, dataproc, compute"), ...where },
  "spark-master": { ...text("spark-master", "The cluster of the engine spark: spark://host:7077, yarn, k8s://…, local[N]"), ...where },
  job: { ...many, describe: "A job, NAME or NAME:{json}; may be repeated", ...where },
  set: { ...many, describe: "Any key of the configuration: KEY=VALUE; may be repeated", ...where },
  ...jsonFlag,
  "log-level": { ...text("log-level", "Structured log on stderr: debug, info, warn, error, silent [default: warn]"), group: outputGroup },
} as const;

/** What decides which run is meant, for verbs that plan. */
export const runFlags = {
  "run-date": { ...runDate(), ...which },
  rerun: { ...wholeNumber("rerun", "The Nth run of this date: takes what is new since [default: 1]"), ...which },
  reprocess: { type: "boolean", describe: "Also what earlier runs have done", ...which },
  limit: { ...wholeNumber("limit", "Only the first N objects by name"), ...which },
  sample: {
    ...number(
      "sample",
      "Only this share of the objects, chosen by name",
      "a number above 0, at most 1",
      (value) => value > 0 && value <= 1,
    ),
    ...which,
  },
} as const;

function runDate() {
  const read = (value: unknown): string => {
    const written = once("run-date")(value);
    const parsed = new Date(`${written}T00:00:00Z`);
    const isDate = /^\d{4}-\d{2}-\d{2}$/.test(written) && !Number.isNaN(parsed.getTime()) && parsed.toISOString().startsWith(written);
    if (!isDate) throw usageError(`--run-date must be a date, not "${written}"`, "Write it as --run-date 2026-11-23.");
    return written;
  };
  return { type: "string", requiresArg: true, describe: "YYYY-MM-DD [default: today, UTC]", read } as const;
}

/** The id of a run, for verbs on one that exists. */
export const runPositional = {
  run: { type: "string", describe: "Id of the run, as `imagemill run` prints it", demandOption: true },
} as const;
