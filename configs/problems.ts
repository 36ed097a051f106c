import type { z } from "zod";
import { exitCodes, ImagemillError } from "../core/errors.ts";
import { printable } from "../core/names.ts";
import { originText, type Origin } from "./origins.ts";
import { nearest } from "../core/nearest.ts";

export type KeyPath = (string | number)[];

/** One thing wrong with the configuration; `message` continues the sentence "<key> …". */
export interface ConfigProblem {
  path: KeyPath;
  message: string;
  hint?: string;
  /** The key itself is wrong, not its value. */
  aboutKey?: boolean;
}

/** `limits.maxPixels`, `jobs[0].params` */
export function keyText(path: KeyPath): string {
  return path.reduce<string>((text, part) => (typeof part === "number" ? `${text}[${part}]` : text === "" ? part : `${text}.${part}`), "");
}

/** Turns what zod found in `raw` into problems; `keys` are all keys there are, dotted. */
export function problemsOf(issues: z.core.$ZodIssue[], raw: unknown, keys: readonly string[]): ConfigProblem[] {
  return issues.flatMap((issue): ConfigProblem[] => {
    const path = issue.path.filter((part) => typeof part !== "symbol");
    if (issue.code === "unrecognized_keys") return issue.keys.map((key) => unknownKey([...path, key], keys));
    return [wrongValue(path, issue, valueAt(raw, path))];
  });
}

function unknownKey(path: KeyPath, keys: readonly string[]): ConfigProblem {
  if (path[0] === "jobs")
    return { path, message: "is no key of a job", aboutKey: true, hint: "the long form of a job has name and params" };
  const key = String(path.at(-1));
  const parent = keyText(path.slice(0, -1));
  const elsewhere = keys.find((known) => known.toLowerCase().split(".").at(-1) === key.toLowerCase());
  const siblings = keys.filter((known) => parentOf(known) === parent);
  const near = nearest(
    key,
    siblings.map((known) => known.split(".").at(-1)!),
  );
  const meant = near === undefined ? elsewhere : parent === "" ? near : `${parent}.${near}`;
  return {
    path,
    message: "is no key of the configuration",
    aboutKey: true,
    ...(meant !== undefined && { hint: `did you mean "${meant}"?` }),
  };
}

function parentOf(key: string): string {
  return key.includes(".") ? key.slice(0, key.lastIndexOf(".")) : "";
}

function wrongValue(path: KeyPath, issue: z.core.$ZodIssue, value: unknown): ConfigProblem {
  const message = `${issue.message}, not ${shown(value)}`;
  const near = issue.code === "invalid_value" && typeof value === "string" ? nearest(value, issue.values.map(String)) : undefined;
  return { path, message, ...(near !== undefined && { hint: `did you mean "${near}"?` }) };
}

/** A value in a message: short, printable. */
function shown(value: unknown): string {
  const text = value === undefined ? "nothing" : JSON.stringify(value);
  return printable(text.length > 60 ? `${text.slice(0, 57)}…` : text);
}

export function valueAt(root: unknown, path: KeyPath): unknown {
  return path.reduce<unknown>(
    (value, part) => (typeof value === "object" && value !== null ? (value as Record<string | number, unknown>)[part] : undefined),
    root,
  );
}

/** One error for all of them, each with its place. */
export function configError(problems: ConfigProblem[], originOf: (path: KeyPath, aboutKey: boolean) => Origin): ImagemillError {
  const placed = problems.map((problem) => ({ problem, origin: originOf(problem.path, problem.aboutKey ?? false) }));
  const lines = placed.sort(byPlace).map(({ problem, origin }) => {
    const place = origin.kind === "default" ? "" : `${originText(origin)}: `;
    return { text: `${place}${keyText(problem.path)} ${problem.message}`, hint: problem.hint };
  });
  const [first] = lines;
  const single = lines.length === 1;
  const message = single
    ? first!.text
    : `${lines.length} problems in the configuration${lines.map((line) => `\n  ${withHint(line)}`).join("")}`;
  const everyKey = "docs/configuration.md lists every key";
  const hint = single && first!.hint !== undefined ? first!.hint : everyKey;
  return new ImagemillError("CONFIG_INVALID", message, { exitCode: exitCodes.usage, hint });
}

function withHint({ text, hint }: { text: string; hint: string | undefined }): string {
  if (hint === undefined) return text;
  return text.endsWith("?") ? `${text} ${hint}` : `${text}; ${hint}`;
}

/** As they stand in the file; what was said elsewhere comes last. */
function byPlace({ origin: a }: { origin: Origin }, { origin: b }: { origin: Origin }): number {
  if (a.kind !== "file" || b.kind !== "file") return Number(a.kind !== "file") - Number(b.kind !== "file");
  return a.line - b.line || a.column - b.column;
}
