import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { codeOf } from "../../../core/errors.ts";
import { printable } from "../../../core/names.ts";
import type { EngineStatus } from "../engine.ts";

/*
 * The folder of one submission: what driver.py is told and what it says, so that any process of this user on this
 * machine can look at the work and stop it.
 */

export interface SubmissionFiles {
  folder: string;
  /** SparkSpec */
  spec: string;
  /** SparkStatus; replaced as a whole. */
  status: string;
  /** What spark-submit and driver.py print. */
  log: string;
  /** The handle of what was started here. */
  handle: string;
  /** There once a cancel was asked for. */
  cancelled: string;
}

/** What driver.py works by. */
export interface SparkSpec {
  runId: string;
  control: string;
  /** Ids, longest first. */
  shards: string[];
  /** File for SparkStatus; null where nobody could read it. */
  status: string | null;
  threads: number;
  shardAttempts: number;
  /** Deadline of a shard, as the plan has it. */
  shardSeconds: number;
  /** How a task starts imagemill, where the node has it. */
  command: string[];
  /** Folder of the unpacked runtime archive below Spark's own; null where nodes have `command`. */
  archive: string | null;
  environment: Record<string, string>;
  logLevel: string;
}

/** What driver.py says. */
export interface SparkStatus extends Omit<EngineStatus, "message" | "hint"> {
  pid: number;
  applicationId?: string;
  /** Spark's own page. */
  ui?: string | null;
  message?: string | null;
  hint?: string | null;
}

const keptDays = 30;
const tailBytes = 16_384;
const tailLines = 15;
const lockTimeoutMs = 10_000;

export function submissionFiles(stateFolder: string, runId: string, submission: number): SubmissionFiles {
  return filesIn(join(stateFolder, `${runId}-${submission}`));
}

export function filesIn(folder: string): SubmissionFiles {
  const at = (name: string): string => join(folder, name);
  return {
    folder,
    spec: at("spec.json"),
    status: at("status.json"),
    log: at("driver.log"),
    handle: at("handle.json"),
    cancelled: at("cancelled"),
  };
}

/** Runs `start` while no other process of this machine is in here for the same folder. Nothing in it may wait. */
export function alone<T>(files: SubmissionFiles, start: () => T): T {
  mkdirSync(dirname(files.folder), { recursive: true, mode: 0o700 });
  const lock = new DatabaseSync(`${files.folder}.lock`, { timeout: lockTimeoutMs });
  try {
    lock.exec("BEGIN EXCLUSIVE");
    return start();
  } finally {
    lock.close();
  }
}

/** An empty folder for a submission; those of long ago go. */
export function freshFolder(files: SubmissionFiles, nowMs: number): void {
  const parent = dirname(files.folder);
  for (const name of readdirSync(parent)) {
    const path = join(parent, name);
    if (nowMs - statSync(path).mtimeMs > keptDays * 86_400_000) rmSync(path, { recursive: true, force: true });
  }
  rmSync(files.folder, { recursive: true, force: true });
  mkdirSync(files.folder, { mode: 0o700 });
}

export function writeWhole(path: string, text: string): void {
  writeFileSync(`${path}.partial`, text, { mode: 0o600 });
  renameSync(`${path}.partial`, path);
}

export function readIfThere<T>(path: string): T | undefined {
  const text = textIfThere(path);
  return text === undefined ? undefined : (JSON.parse(text) as T);
}

/** The end of what was printed. */
export function logTail(files: SubmissionFiles): string {
  return lastLines(endOf(files.log));
}

/** The end of what a driver printed, for a message: what happened, not where in Spark. */
export function lastLines(text: string): string {
  const lines = text.split("\n").filter((line) => line.trim() !== "" && !/^\s+(at |\.\.\. \d+ more)/.test(line));
  return lines.slice(-tailLines).map(printable).join("\n");
}

/** However long the file is. */
function endOf(path: string): string {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return "";
    throw error;
  }
  try {
    const { size } = fstatSync(file);
    const bytes = Buffer.alloc(Math.min(size, tailBytes));
    return bytes.toString("utf8", 0, readSync(file, bytes, 0, bytes.length, size - bytes.length));
  } finally {
    closeSync(file);
  }
}

function textIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}
