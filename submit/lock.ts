import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { utcInstant, type Clock } from "../core/clock.ts";
import { digestOf } from "../core/digest.ts";
import { codeOf, exitCodes, ImagemillError, messageOf } from "../core/errors.ts";
import { stateFolder } from "./folders.ts";
import type { LockHolder } from "./summary.ts";

/** Someone who only looks whether the lock is held holds it for a moment: that is no refusal. */
const patienceMs = 300;
const sqliteBusy = 5;

/**
 * Where the locks of a control store's local runs lie: beside the store where that is a folder (so that machines which
 * share it see each other), else in this user's state folder.
 */
export function lockFolder(controlUrl: string, environment: NodeJS.ProcessEnv): string {
  if (controlUrl.startsWith("file:")) return join(fileURLToPath(controlUrl), ".imagemill", "locks");
  return join(stateFolder(environment), "locks", digestOf(controlUrl));
}

/**
 * One process at a time drives a local run. The lock is the operating system's, so that it ends with its process
 * however that ends. Throws ALREADY_RUNNING (exit code 5) while another process holds it.
 */
export function acquireRunLock(folder: string, runId: string, clock: Clock): Disposable {
  const database = tryLock(folder, runId);
  if (database === undefined) throw alreadyRunning(runId, readHolder(folder, runId));
  const holder: LockHolder = { pid: process.pid, host: hostname(), since: utcInstant(clock.now()) };
  writeFileSync(holderFile(folder, runId), JSON.stringify(holder));
  return { [Symbol.dispose]: () => database.close() };
}

/** Who drives the run now; undefined when nobody does. */
export function runLockHolder(folder: string, runId: string): LockHolder | undefined {
  if (readHolder(folder, runId) === undefined) return undefined;
  const database = tryLock(folder, runId);
  if (database === undefined) return readHolder(folder, runId);
  database.close();
  return undefined;
}

/** SQLite knows how each system locks files; nothing is ever written into this database. */
function tryLock(folder: string, runId: string): DatabaseSync | undefined {
  const file = join(folder, `${runId}.lock`);
  let database: DatabaseSync | undefined;
  try {
    mkdirSync(folder, { recursive: true });
    database = new DatabaseSync(file, { timeout: patienceMs });
    database.exec("BEGIN EXCLUSIVE");
    return database;
  } catch (error) {
    database?.close();
    if (isBusy(error)) return undefined;
    throw new ImagemillError("LOCK_FAILED", `cannot lock ${file}: ${messageOf(error)}`, {
      exitCode: exitCodes.precondition,
      hint: "The folder must be writable and its file system must know file locks; XDG_STATE_HOME moves it for runs whose control store is a bucket.",
      cause: error,
    });
  }
}

function isBusy(error: unknown): boolean {
  return codeOf(error) === "ERR_SQLITE_ERROR" && (error as { errcode?: number }).errcode === sqliteBusy;
}

function holderFile(folder: string, runId: string): string {
  return join(folder, `${runId}.json`);
}

function readHolder(folder: string, runId: string): LockHolder | undefined {
  try {
    return JSON.parse(readFileSync(holderFile(folder, runId), "utf8")) as LockHolder;
  } catch {
    // Not there, or being written this moment: nobody to name.
    return undefined;
  }
}

function alreadyRunning(runId: string, holder: LockHolder | undefined): ImagemillError {
  const who = holder === undefined ? "another process" : `process ${holder.pid} on ${holder.host}, since ${holder.since},`;
  return new ImagemillError("ALREADY_RUNNING", `${who} is running ${runId}`, {
    exitCode: exitCodes.alreadyRunning,
    hint: `\`imagemill status ${runId} --watch\` shows it, \`imagemill cancel ${runId}\` stops it.`,
  });
}
