import { fork, type ChildProcess } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { codeOf, messageOf } from "../core/errors.ts";
import type { FromPool, ToPool } from "./channel.ts";
import type { Death } from "./flight.ts";

/** A pool process, as the supervisor holds it. */
export interface PoolChild {
  readonly pid: number | undefined;
  send(message: ToPool): void;
  onMessage(listener: (message: FromPool) => void): void;
  kill(): void;
  /** Undefined where the system does not tell (no /proc), or the process has ended. */
  residentBytes(): number | undefined;
  /** How it ended, in words. Never rejects. */
  readonly ended: Promise<Death>;
}

export interface PoolShape {
  threads: number;
  tasksPerThread: number;
}

/** fs and dns calls of the main thread must not wait for images. */
const spareUvThreads = 1;

/**
 * What must be set before the process starts: libuv reads the size of its thread pool once, glibc its arenas at the
 * first allocation, libvips its switches when it is loaded.
 */
function poolEnvironment({ threads, tasksPerThread }: PoolShape, base: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return {
    // Where `module.enableCompileCache()` keeps it, too.
    NODE_COMPILE_CACHE: join(tmpdir(), "node-compile-cache"),
    ...base,
    UV_THREADPOOL_SIZE: String(threads * tasksPerThread + spareUvThreads),
    // glibc keeps freed memory in each arena, and learns to keep large blocks, too: a worker sees many sizes.
    MALLOC_ARENA_MAX: "2",
    MALLOC_MMAP_THRESHOLD_: String(4 * 2 ** 20),
    MALLOC_TRIM_THRESHOLD_: String(16 * 2 ** 20),
    VIPS_CONCURRENCY: "1",
    VIPS_BLOCK_UNTRUSTED: "1",
  };
}

export function startPoolChild(shape: PoolShape): PoolChild {
  const entry = fileURLToPath(new URL(`./process${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`, import.meta.url));
  const child = fork(entry, [String(shape.threads), String(shape.tasksPerThread)], {
    env: poolEnvironment(shape, process.env),
    // stdout carries events for the engine: what a job prints goes to the log.
    stdio: ["ignore", 2, 2, "ipc"],
    execArgv: [],
  });
  volunteerForOom(child);
  let lastWords: string | undefined;
  child.on("message", (message: FromPool) => {
    if (message.type === "dying") lastWords = message.message;
  });
  return {
    pid: child.pid,
    send: (message) => {
      // A process that is gone says so by its exit.
      if (child.connected) child.send(message, () => undefined);
    },
    onMessage: (listener) => void child.on("message", listener),
    kill: () => void child.kill("SIGKILL"),
    residentBytes: () => residentBytes(child),
    ended: endOf(child, () => lastWords),
  };
}

async function endOf(child: ChildProcess, lastWords: () => string | undefined): Promise<Death> {
  return new Promise((resolve) => {
    child.once("error", (error) => resolve({ kind: "exit", message: `it could not be started: ${messageOf(error)}` }));
    // "close" comes after the last message was delivered; "exit" may come before.
    child.once("close", (code, signal) => {
      const words = lastWords();
      if (words !== undefined) resolve({ kind: "exit", message: words });
      else if (signal !== null) resolve({ kind: "signal", message: `the process was ended by ${signal}` });
      else resolve({ kind: "exit", message: `the process exited with code ${code}` });
    });
  });
}

/** If the kernel must kill for memory, then the pool process, not the supervisor, which knows what to do about it. */
function volunteerForOom(child: ChildProcess): void {
  try {
    writeFileSync(`/proc/${child.pid}/oom_score_adj`, "500");
  } catch (error) {
    // ENOENT: no /proc, or gone already; EACCES: not ours to say.
    if (!["ENOENT", "EACCES", "EPERM", "EROFS", "ESRCH"].includes(codeOf(error) ?? "")) throw error;
  }
}

const pageBytes = 4096;

function residentBytes(child: ChildProcess): number | undefined {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return undefined;
  try {
    return Number(readFileSync(`/proc/${child.pid}/statm`, "latin1").split(" ")[1]) * pageBytes;
  } catch {
    // No /proc, or the process has just ended.
    return undefined;
  }
}
