import { readFile, realpath } from "node:fs/promises";
import { basename, dirname, join, relative, resolve } from "node:path";
import { exitCodes, ImagemillError, codeOf, messageOf } from "../core/errors.ts";
import { combinationProblems, isModulePath, overlapProblems } from "./combinations.ts";
import type { Config, KafkaConfig } from "./config.ts";
import { engineProblems } from "./engines/problems.ts";
import { overridesOfEnv, overridesOfFlags, parseFile, type ConfigFlags, type FileLayer, type Override } from "./layers.ts";
import { pathOfLocation, storeLocation, warehouseLocation } from "./locations.ts";
import { rememberValues, type Origin } from "./origins.ts";
import { configError, keyText, problemsOf, valueAt, type ConfigProblem, type KeyPath } from "./problems.ts";
import { configKeys } from "./reference.ts";
import { configSchema } from "./schema.ts";

export interface ConfigRequest {
  /** A configuration file; without it `imagemill.yaml` in `cwd` is taken where it exists. */
  path?: string | undefined;
  flags: ConfigFlags;
  env: Record<string, string | undefined>;
  cwd: string;
  /** False for verbs that work on a run that exists: `source` may then be "", and no cluster is needed. Default: true. */
  needsSource?: boolean;
}

const usualFile = "imagemill.yaml";

/**
 * Defaults < file < environment < flags < `--set`, checked as a whole, locations absolute, frozen.
 * Relative paths are relative to the file that says them, on the command line to `cwd`.
 * Throws CONFIG_INVALID or CONFIG_NOT_FOUND (exit code 2), naming the place of each problem.
 */
export async function loadConfig(request: ConfigRequest): Promise<Config> {
  const file = await readLayer(request);
  const overrides = [...overridesOfEnv(request.env), ...overridesOfFlags(request.flags)];
  const written = overrides.reduce((root, { path, value }) => withValue(root, path, value), file?.layer.value ?? {});
  const originOf = originFinder(file?.layer, overrides);

  const parsed = configSchema.safeParse(written);
  if (!parsed.success) throw configError(problemsOf(parsed.error.issues, written, configKeys()), originOf);
  const config = absolute(
    parsed.data,
    (...key) => (originOf(key, false).kind === "flag" ? request.cwd : (file?.folder ?? request.cwd)),
    originOf,
  );

  const problems = combinationProblems(config);
  if (problems.length === 0) problems.push(...overlapProblems(await followLinks(config)));
  if (config.source === "" && request.needsSource !== false) problems.push(sourceMissing);
  if (request.needsSource !== false) problems.push(...engineProblems(config));
  if (problems.length > 0) throw configError(problems, originOf);

  rememberValues(config, valuesOf(config, originOf));
  return deepFreeze(config);
}

const sourceMissing: ConfigProblem = {
  path: ["source"],
  message: "is missing: where are the images?",
  hint: `--source FOLDER (or gs://bucket/prefix), or a line "source: FOLDER" in ${usualFile}`,
};

async function readLayer(request: ConfigRequest): Promise<{ layer: FileLayer; folder: string } | undefined> {
  const path = resolve(request.cwd, request.path ?? usualFile);
  const fromHere = relative(request.cwd, path);
  const shownAs = fromHere.startsWith("..") ? path : fromHere;
  try {
    return { layer: parseFile(await readFile(path, "utf8"), shownAs), folder: dirname(path) };
  } catch (error) {
    if (error instanceof ImagemillError) throw error;
    if (request.path === undefined && codeOf(error) === "ENOENT") return undefined;
    const why = codeOf(error) === "ENOENT" ? "there is no such file" : messageOf(error);
    throw new ImagemillError("CONFIG_NOT_FOUND", `cannot read the configuration ${path}: ${why}`, {
      exitCode: exitCodes.usage,
      hint: "copy configs/local.yaml to start from, or leave --config out",
      cause: error,
    });
  }
}

/** A copy of `root` with one value replaced. Where the path runs into something that is no mapping, that stays, to be refused. */
function withValue(root: Record<string, unknown>, path: string[], value: unknown): Record<string, unknown> {
  const [key, ...rest] = path as [string, ...string[]];
  if (rest.length === 0) return { ...root, [key]: value };
  const inner = root[key] ?? {};
  if (typeof inner !== "object" || Array.isArray(inner)) return root;
  return { ...root, [key]: withValue(inner as Record<string, unknown>, rest, value) };
}

type OriginFinder = (path: KeyPath, aboutKey: boolean) => Origin;

/** The last override of the value or of something around it, else the file, else the default. */
function originFinder(file: FileLayer | undefined, overrides: Override[]): OriginFinder {
  return (path, aboutKey) => {
    const override = overrides.findLast((candidate) => candidate.path.every((part, index) => part === path[index]));
    return override?.origin ?? file?.originOf(path, aboutKey) ?? { kind: "default" };
  };
}

function absolute(config: Config, baseOf: (...key: string[]) => string, originOf: OriginFinder): Config {
  const problems: ConfigProblem[] = [];
  const resolved = (key: "source" | "archive" | "control" | "warehouse"): string => {
    if (config[key] === "") return "";
    try {
      return (key === "warehouse" ? warehouseLocation : storeLocation)(config[key], baseOf(key));
    } catch (error) {
      if (!(error instanceof ImagemillError)) throw error;
      problems.push({ path: [key], message: `is no location: ${error.message}`, ...(error.hint !== undefined && { hint: error.hint }) });
      return "";
    }
  };
  const jobs = config.jobs.map((job) => (isModulePath(job.name) ? { ...job, name: resolve(baseOf("jobs"), job.name) } : job));
  const locations = {
    source: resolved("source"),
    archive: resolved("archive"),
    control: resolved("control"),
    warehouse: resolved("warehouse"),
  };
  if (problems.length > 0) throw configError(problems, originOf);
  const { submitCommand } = config.spark;
  // A bare word is looked for on the path.
  const isPath = submitCommand.includes("/");
  const spark = { ...config.spark, submitCommand: isPath ? resolve(baseOf("spark", "submitCommand"), submitCommand) : submitCommand };
  return { ...config, ...locations, jobs, spark, kafka: kafkaWithin(config.kafka, baseOf) };
}

function kafkaWithin(kafka: KafkaConfig, baseOf: (...key: string[]) => string): KafkaConfig {
  const { deadLetters, tls } = kafka;
  const files = (["caFile", "certFile", "keyFile"] as const).flatMap((name) => {
    const path = tls[name];
    return path === undefined ? [] : [[name, resolve(baseOf("kafka", "tls", name), path)]];
  });
  return {
    ...kafka,
    ...(deadLetters !== undefined && { deadLetters: storeLocation(deadLetters, baseOf("kafka", "deadLetters")) }),
    tls: { ...tls, ...(Object.fromEntries(files) as Partial<KafkaConfig["tls"]>) },
  };
}

type Locations = Pick<Config, "source" | "archive" | "control" | "warehouse">;

/** The same locations with symbolic links followed, as far as the folders exist. */
export async function followLinks(config: Locations): Promise<Locations> {
  const followed = async (url: string): Promise<string> => {
    const path = pathOfLocation(url);
    if (path === undefined) return url;
    const real = await realPathOf(path);
    return url.startsWith("duckdb:") ? warehouseLocation(real, "/") : storeLocation(real, "/");
  };
  const [source, archive, control, warehouse] = await Promise.all(
    [config.source, config.archive, config.control, config.warehouse].map(followed),
  );
  return { source: source!, archive: archive!, control: control!, warehouse: warehouse! };
}

async function realPathOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(await realPathOf(parent), basename(path));
  }
}

/** Under the keys a user writes. */
function valuesOf(config: Config, originOf: OriginFinder): { key: string; value: unknown; origin: Origin }[] {
  const { policy, ...rest } = config;
  const asWritten = { ...rest, ...policy, archivePolicy: policy.archive, archive: config.archive };
  return configKeys().flatMap((key) => {
    const path = key.split(".");
    const value = valueAt(asWritten, path);
    const isSection = typeof value === "object" && value !== null && !Array.isArray(value);
    return value === undefined || value === "" || isSection ? [] : [{ key: keyText(path), value, origin: originOf(path, false) }];
  });
}

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(deepFreeze);
  }
  return value;
}
