import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import type { Clock } from "../../core/clock.ts";
import { messageOf } from "../../core/errors.ts";
import type { WorkerEvent } from "../../core/events.ts";
import type { Logger } from "../../core/log.ts";
import { linesOf } from "./lines.ts";

export interface WorkerCommand {
  file: string;
  arguments: string[];
  environment: NodeJS.ProcessEnv;
}

export interface WorkerExit {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** Last lines of its stderr. */
  tail: string[];
}

/** A long-lived `imagemill worker` that is told its shards on stdin and stops by itself when that closes. */
export interface WorkerProcess {
  assign(shard: string): void;
  dismiss(): void;
  /** Asks, and after `graceMs` makes, the process and all it started end. Resolves when it has. */
  stop(graceMs: number): Promise<void>;
  readonly exited: Promise<WorkerExit>;
}

const tailLines = 20;

/**
 * Starts it as the leader of its own process group: Ctrl-C on the terminal then reaches only the driver, which stops
 * workers in order, and a kill reaches whatever a worker has started.
 */
export function startWorker(command: WorkerCommand, sink: (event: WorkerEvent) => void, log: Logger, clock: Clock): WorkerProcess {
  const child = spawn(command.file, command.arguments, { stdio: ["pipe", "pipe", "pipe"], detached: true, env: command.environment });
  // A worker that is gone says so by its exit, not by a write that fails.
  child.stdin.on("error", (error) => log.debug("worker-stdin", { message: error.message }));
  const tail: string[] = [];
  const exited = exitOf(child, tail, [readEvents(linesOf(child.stdout), sink, log), readLog(linesOf(child.stderr), tail, log)]);
  return {
    exited,
    assign: (shard) => child.stdin.write(`${shard}\n`),
    dismiss: () => child.stdin.end(),
    stop: async (graceMs) => stopGroup(child, exited, graceMs, clock),
  };
}

async function exitOf(child: ChildProcess, tail: string[], readers: Promise<void>[]): Promise<WorkerExit> {
  try {
    const [code, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
    // What it started must not outlive it, nor hold its pipes open.
    killGroup(child);
    await Promise.all(readers);
    return { code, signal, tail };
  } catch (error) {
    return { code: null, signal: null, tail: [...tail, messageOf(error)] };
  }
}

async function readEvents(lines: AsyncIterable<string>, sink: (event: WorkerEvent) => void, log: Logger): Promise<void> {
  for await (const line of lines) {
    const event = parseObject(line) as WorkerEvent | undefined;
    if (event !== undefined && typeof event.type === "string" && typeof event.shard === "string") sink(event);
    else log.warn("worker-said", { line: line.slice(0, 500) });
  }
}

async function readLog(lines: AsyncIterable<string>, tail: string[], log: Logger): Promise<void> {
  for await (const line of lines) {
    tail.push(line.slice(0, 2000));
    if (tail.length > tailLines) tail.shift();
    relay(line, log);
  }
}

/** A worker logs as we do; what is no log line of ours (a native library, a crash) is worth a warning. */
function relay(line: string, log: Logger): void {
  const entry = parseObject(line);
  const level = entry?.["level"];
  const { time: _, level: __, event, ...fields } = entry ?? {};
  if (typeof event !== "string" || !isLevel(level)) log.warn("worker-stderr", { line: line.slice(0, 2000) });
  else log[level](event, fields as Parameters<Logger["info"]>[1]);
}

function isLevel(value: unknown): value is "debug" | "info" | "warn" | "error" {
  return value === "debug" || value === "info" || value === "warn" || value === "error";
}

function parseObject(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
  } catch {
    // Not JSON: the caller shows the line as it is.
    return undefined;
  }
}

async function stopGroup(child: ChildProcess, exited: Promise<WorkerExit>, graceMs: number, clock: Clock): Promise<void> {
  // Its supervisor alone: that one knows how to end what it started.
  child.kill("SIGTERM");
  const done = new AbortController();
  const patience = clock.sleep(graceMs, done.signal).then(
    () => killGroup(child),
    () => undefined,
  );
  await exited;
  done.abort();
  await patience;
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // ESRCH: the whole group has ended.
  }
}
