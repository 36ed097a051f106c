import { existsSync } from "node:fs";
import { realpath } from "node:fs/promises";
import { availableParallelism, totalmem } from "node:os";
import { resolve } from "node:path";
import { DuckDBInstance, type DuckDBConnection } from "@duckdb/node-api";
import type { Clock, Random } from "../core/clock.ts";
import { exitCodes, ImagemillError, messageOf } from "../core/errors.ts";

export interface DuckdbFileOptions {
  path: string;
  clock: Clock;
  random: Random;
  lockTimeoutMs: number;
  /** Hears, once a wait, who has the file when it takes longer than a moment. */
  onWait?: ((text: string) => void) | undefined;
}

/** A database file, open only while somebody works on it, so that shells and notebooks get their turn. */
export interface DuckdbFile {
  readonly path: string;
  exists(): boolean;
  /** Readers share the file between processes, a writer has it alone; waits for its turn at most `lockTimeoutMs`. */
  read<T>(work: (connection: DuckDBConnection) => Promise<T>, signal?: AbortSignal): Promise<T>;
  /** In one transaction, on disk when the promise resolves. Creates the file where there is none. */
  write<T>(work: (connection: DuckDBConnection) => Promise<T>, signal?: AbortSignal): Promise<T>;
}

/** The system's file lock does not part two openings of one process, so this does. */
const openHere = new Set<string>();

/** Nobody needs to hear of a shorter wait. */
const momentMs = 2000;
const maxMemoryBytes = 512 << 20;
const maxThreads = 4;

export function duckdbFile({ path, clock, random, lockTimeoutMs, onWait }: DuckdbFileOptions): DuckdbFile {
  const settings = {
    threads: String(Math.min(maxThreads, availableParallelism())),
    memory_limit: `${Math.floor(Math.min(maxMemoryBytes, totalmem() / 4) / 1e6)}MB`,
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
  };

  const open = async (access: "READ_ONLY" | "READ_WRITE", signal?: AbortSignal): Promise<OpenFile> => {
    const startedMs = clock.monotonicMs();
    let told = false;
    for (;;) {
      signal?.throwIfAborted();
      const opened = await tryOpen(path, { ...settings, access_mode: access });
      if ("connection" in opened) return opened;
      const waitedMs = clock.monotonicMs() - startedMs;
      if (waitedMs >= lockTimeoutMs) throw busy(path, lockTimeoutMs, opened.holder);
      if (waitedMs >= momentMs && !told) onWait?.(waiting(path, lockTimeoutMs, opened.holder));
      told ||= waitedMs >= momentMs;
      await clock.sleep(20 + random.next() * 60, signal);
    }
  };

  const using = async <T>(access: "READ_ONLY" | "READ_WRITE", work: (file: OpenFile) => Promise<T>, signal?: AbortSignal): Promise<T> => {
    const file = await open(access, signal);
    const interrupt = (): void => file.connection.interrupt();
    signal?.addEventListener("abort", interrupt, { once: true });
    try {
      await file.connection.run("SET TimeZone = 'UTC'");
      return await work(file);
    } catch (error) {
      signal?.throwIfAborted();
      throw error instanceof ImagemillError ? error : failed(path, error);
    } finally {
      signal?.removeEventListener("abort", interrupt);
      file.close();
    }
  };

  return {
    path,
    exists: () => existsSync(path),
    read: (work, signal) => using("READ_ONLY", ({ connection }) => work(connection), signal),
    write: (work, signal) => using("READ_WRITE", ({ connection }) => inTransaction(connection, work), signal),
  };
}

interface OpenFile {
  connection: DuckDBConnection;
  close(): void;
}

async function tryOpen(path: string, settings: Record<string, string>): Promise<OpenFile | { holder: string }> {
  const key = await realpath(path).catch(() => resolve(path));
  if (openHere.has(key)) return { holder: "this process" };
  openHere.add(key);
  try {
    const instance = await DuckDBInstance.create(path, settings);
    const connection = await instance.connect();
    const close = (): void => {
      connection.closeSync();
      instance.closeSync();
      openHere.delete(key);
    };
    return { connection, close };
  } catch (error) {
    openHere.delete(key);
    const message = messageOf(error);
    if (!message.includes("Could not set lock on file")) throw failed(path, error);
    return { holder: /held in (.*?\))/.exec(message)?.[1] ?? "another process" };
  }
}

async function inTransaction<T>(connection: DuckDBConnection, work: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
  await connection.run("BEGIN TRANSACTION");
  try {
    const result = await work(connection);
    await connection.run("COMMIT");
    // Closing would do it too, but in the thread that everything else waits for.
    await connection.run("CHECKPOINT");
    return result;
  } catch (error) {
    await connection.run("ROLLBACK").catch(() => undefined);
    throw error;
  }
}

function waiting(path: string, lockTimeoutMs: number, holder: string): string {
  return `waiting for ${path}, which ${holder} has open, at most ${Math.round(lockTimeoutMs / 1000)} s`;
}

function busy(path: string, lockTimeoutMs: number, holder: string): ImagemillError {
  return new ImagemillError("WAREHOUSE_BUSY", `${path} stayed locked for ${lockTimeoutMs} ms by ${holder}`, {
    hint: "Close the program that has the database open (a DuckDB shell or a notebook), then run the same command again.",
  });
}

function failed(path: string, error: unknown): ImagemillError {
  const [message = ""] = messageOf(error).split("\n\nStack Trace");
  const known = knownFailures.find(({ pattern }) => pattern.test(message));
  return new ImagemillError(known?.code ?? "WAREHOUSE_FAILED", `${path}: ${message.trim()}`, {
    ...(known?.exitCode !== undefined && { exitCode: known.exitCode }),
    hint: known?.hint ?? "See what DuckDB says; the database is as it was before.",
    cause: error,
  });
}

const knownFailures: { pattern: RegExp; code: string; hint: string; exitCode?: number }[] = [
  {
    pattern: /not a valid DuckDB database/,
    code: "WAREHOUSE_FAILED",
    hint: "Name another file with --warehouse duckdb:///path.duckdb, or move this one away.",
  },
  {
    pattern: /database file with version number|newer version of DuckDB|storage version/i,
    code: "WAREHOUSE_NEWER",
    hint: "A newer DuckDB wrote this file; use the imagemill that goes with it.",
  },
  {
    pattern: /Out of Memory/i,
    code: "WAREHOUSE_FAILED",
    hint: "Free memory and disk space beside the database, then run the same command again.",
  },
  { pattern: /No space left/i, code: "WAREHOUSE_FAILED", hint: "Free disk space, then run the same command again; nothing was loaded." },
  {
    pattern: /Permission denied|Read-only file system/i,
    code: "WAREHOUSE_FAILED",
    exitCode: exitCodes.precondition,
    hint: "Give this user write permission on the file and its folder, or name another with --warehouse.",
  },
];
