import { LineCounter, isMap, isNode, isScalar, parse, parseDocument, type Document } from "yaml";
import { ImagemillError, exitCodes, messageOf, usageError } from "../core/errors.ts";
import type { Origin } from "./origins.ts";
import type { KeyPath } from "./problems.ts";

/** What was said on the command line about the configuration. */
export interface ConfigFlags {
  source?: string | undefined;
  archive?: string | undefined;
  control?: string | undefined;
  warehouse?: string | undefined;
  engine?: string | undefined;
  sparkMaster?: string | undefined;
  logLevel?: string | undefined;
  /** `NAME` or `NAME:{json}`, each; together they replace the list `jobs`. */
  job?: readonly string[] | undefined;
  /** How messages call the place of `job`; default `--job`. */
  jobPlace?: string | undefined;
  /** Flags of a verb that stand for keys. */
  keyed?: readonly KeyedFlag[] | undefined;
  /** `key=value`, value as YAML. */
  set?: readonly string[] | undefined;
}

export interface KeyedFlag {
  /** As typed: `--brokers`. */
  flag: string;
  path: string[];
  value: unknown;
}

/** One value said outside the file, over what the file says. */
export interface Override {
  path: string[];
  value: unknown;
  origin: Origin;
}

const variables: [variable: string, path: string[]][] = [
  ["GOOGLE_CLOUD_PROJECT", ["google", "project"]],
  ["IMAGEMILL_STORAGE_ENDPOINT", ["google", "endpoints", "storage"]],
  ["IMAGEMILL_BIGQUERY_ENDPOINT", ["google", "endpoints", "bigquery"]],
  ["IMAGEMILL_DATAPROC_ENDPOINT", ["google", "endpoints", "dataproc"]],
  ["IMAGEMILL_BATCH_ENDPOINT", ["google", "endpoints", "batch"]],
];

export function overridesOfEnv(env: Record<string, string | undefined>): Override[] {
  return variables.flatMap(([variable, path]) => {
    const value = env[variable];
    return value === undefined || value === "" ? [] : [{ path, value, origin: { kind: "env" as const, variable } }];
  });
}

/** Later ones win: `--set` over the flags with a name of their own. */
export function overridesOfFlags(flags: ConfigFlags): Override[] {
  const named = (["source", "archive", "control", "warehouse", "engine", "logLevel"] as const).flatMap((key): Override[] => {
    const flag = key === "logLevel" ? "--log-level" : `--${key}`;
    return flags[key] === undefined ? [] : [{ path: [key], value: flags[key], origin: { kind: "flag", flag } }];
  });
  const masterFlag: Origin = { kind: "flag", flag: "--spark-master" };
  const master: Override[] =
    flags.sparkMaster === undefined
      ? []
      : [
          // Who names a Spark cluster and no other engine means to use it.
          ...(flags.engine === undefined ? [{ path: ["engine"], value: "spark", origin: masterFlag }] : []),
          { path: ["spark", "master"], value: flags.sparkMaster, origin: masterFlag },
        ];
  const jobFlag = flags.jobPlace ?? "--job";
  const jobs: Override[] =
    flags.job === undefined || flags.job.length === 0
      ? []
      : [{ path: ["jobs"], value: flags.job.map((text) => jobOfFlag(text, jobFlag)), origin: { kind: "flag", flag: jobFlag } }];
  const keyed = (flags.keyed ?? []).map(({ flag, path, value }): Override => ({ path, value, origin: { kind: "flag", flag } }));
  return [...named, ...master, ...jobs, ...keyed, ...(flags.set ?? []).map(overrideOfSet)];
}

function jobOfFlag(text: string, flag: string): unknown {
  const match = /^(.*?):\s*(\{.*)$/s.exec(text);
  if (match === null) return { name: text, params: {} };
  try {
    return { name: match[1]!, params: JSON.parse(match[2]!) as unknown };
  } catch (error) {
    throw usageError(`${flag} ${text}: what follows the name is no JSON: ${messageOf(error)}`, `like 'thumbnails:{"sizes":[256]}'`);
  }
}

function overrideOfSet(text: string): Override {
  const at = text.indexOf("=");
  if (at < 1) throw usageError(`--set ${text}: must be key=value`, "like --set limits.imageTimeoutMs=10s");
  const key = text.slice(0, at);
  try {
    return { path: key.split("."), value: parse(text.slice(at + 1)) as unknown, origin: { kind: "flag", flag: `--set ${key}` } };
  } catch (error) {
    throw usageError(`--set ${text}: the value is no YAML: ${messageOf(error).split("\n")[0]}`, "quote it: --set 'key=\"value\"'");
  }
}

/** A configuration file, read: its plain value and the place of each key. */
export interface FileLayer {
  file: string;
  value: Record<string, unknown>;
  /** Of the value (or the key) at the path, or of the nearest thing around it that is there. */
  originOf(path: KeyPath, aboutKey: boolean): Origin | undefined;
}

/** `shownAs` is how messages call the file. */
export function parseFile(text: string, shownAs: string): FileLayer {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [error] = document.errors;
  if (error !== undefined) {
    const { line, col } = lines.linePos(error.pos[0]);
    throw invalidFile(
      `${shownAs}:${line}:${col}: this is no valid YAML: ${error.message}`,
      "mind the indentation, and quote texts that hold `: ` or `#`",
    );
  }
  const value: unknown = document.toJS();
  if (value !== null && (typeof value !== "object" || Array.isArray(value))) {
    throw invalidFile(`${shownAs}:1:1: must hold keys and values, like \`source: photos\``, "start from configs/local.yaml");
  }
  return {
    file: shownAs,
    value: withoutNulls(value ?? {}) as Record<string, unknown>,
    originOf: (path, aboutKey) => {
      const offset = offsetOf(document, path, aboutKey);
      if (offset === undefined) return undefined;
      const { line, col } = lines.linePos(offset);
      return { kind: "file", file: shownAs, line, column: col };
    },
  };
}

function invalidFile(message: string, hint: string): ImagemillError {
  return new ImagemillError("CONFIG_INVALID", message, { exitCode: exitCodes.usage, hint });
}

/** `limits:` with nothing under it says nothing. */
function withoutNulls(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const said = Object.entries(value).filter(([, member]) => member !== null);
  return Object.fromEntries(said.map(([key, member]) => [key, withoutNulls(member)]));
}

function offsetOf(document: Document, path: KeyPath, aboutKey: boolean): number | undefined {
  const parent = document.getIn(path.slice(0, -1), true);
  if (aboutKey && isMap(parent)) {
    const pair = parent.items.find((item) => isScalar(item.key) && String(item.key.value) === String(path.at(-1)));
    if (isScalar(pair?.key)) return pair.key.range?.[0];
  }
  const node = document.getIn(path, true);
  return isNode(node) ? node.range?.[0] : undefined;
}
