import { z } from "zod";
import { parseDuration, parseSize } from "./units.ts";

/* Kinds of values that the schema is made of. Error texts continue the sentence "<key> …". */

export const text = (what: string) => z.string({ error: `must be ${what}` }).min(1, { error: `must be ${what}` });
export const flag = () => z.boolean({ error: "must be true or false" });
export const whole = (min: number, max: number) => {
  const error = `must be a whole number from ${min} to ${max}`;
  return z.int({ error }).min(min, { error }).max(max, { error });
};
export const ratio = () => {
  const error = "must be a number from 0 to 1";
  return z.number({ error }).min(0, { error }).max(1, { error });
};
export const oneOf = <const T extends readonly [string, ...string[]]>(values: T) =>
  z.enum(values, { error: `must be one of ${values.join(", ")}` });

/** A number, or a text with a unit; `min` and `max` hold for both. */
export function quantity(what: string, pattern: RegExp, parse: (text: string) => number | undefined, min: number, max: number) {
  const error = `must be ${what}`;
  const number = z.int({ error }).min(min, { error }).max(max, { error });
  const written = z.string().regex(pattern, { error });
  return z.union([number, written], { error }).transform((value, context) => {
    const parsed = typeof value === "number" ? value : parse(value);
    if (parsed !== undefined && parsed >= min && parsed <= max) return parsed;
    context.addIssue({ code: "custom", message: error });
    return z.NEVER;
  });
}

export const duration = (minMs: number, example: string, maxMs: number, maxText: string) =>
  quantity(
    `a duration like ${example}, at most ${maxText}, or milliseconds`,
    /^\d+(\.\d+)?\s*(ms|s|m|min|h|d)$/,
    parseDuration,
    minMs,
    maxMs,
  );
export const size = (minBytes: number, minText: string, example: string) =>
  quantity(
    `a size like ${example}, at least ${minText}, or bytes`,
    /^\d+(\.\d+)?\s*([kKMGT]?B|[KMGT]iB)$/,
    parseSize,
    minBytes,
    Number.MAX_SAFE_INTEGER,
  );

export const day = 24 * 3_600_000;
export const instant = (which: string) =>
  z
    .string({ error: "must be a date or an instant, like 2026-11-23 or 2026-11-23T06:00:00Z" })
    .regex(/^(\d{4}-\d{2}-\d{2}|\{run_date\})([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2}))?$/, {
      error: "must be a date or an instant, like 2026-11-23 or 2026-11-23T06:00:00Z",
    })
    .exactOptional()
    .describe(`Only objects created ${which}; may contain {run_date}.`);

export const auto = (min: number, max: number) => {
  const error = `must be auto or a whole number from ${min} to ${max}`;
  return z.union([z.literal("auto"), z.int().min(min).max(max)], { error });
};
