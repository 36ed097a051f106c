import { createInterface } from "node:readline";
import { systemClock, systemRandom } from "../core/clock.ts";
import { exitCodes, ImagemillError, usageError } from "../core/errors.ts";
import type { WorkerEvent } from "../core/events.ts";
import { createLogger, type Logger, type LogLevel } from "../core/log.ts";
import type { ObjectStore } from "../storage/store.ts";
import { toPlainError } from "./channel.ts";
import { startPoolChild } from "./child.ts";
import { threadsHere } from "./machine.ts";
import { runShards } from "./shards.ts";

/** One in libvips, one on its way in or out. */
const tasksPerThread = 2;

export interface WorkerOptions {
  runId: string;
  /**
   * `stdin`: ids, one a line; a shard is asked for while the one before it drains. Whoever gives them out closes stdin
   * when all are done: when it closes earlier, the driver has died, and the worker stops.
   */
  shards: string[] | "stdin" | ShardLine;
  /** URL of the control store. */
  control: string;
  /** Threads of the pool process. Default: the cores that this process may use. */
  threads?: number;
  /** What the engine calls this try; goes into the attempt's name. */
  engineAttempt?: string;
  logLevel?: LogLevel;
  /** Where Cloud Storage answers, if not at its usual address. */
  storageEndpoint?: string;
}

/** A line, counted from 0, of an object of the control store; ids with blanks between. */
export interface ShardLine {
  object: string;
  line: number;
}

/**
 * The worker verb: does shards of a planned run and returns the exit code. Says what it does as WorkerEvent lines on
 * stdout, logs on stderr.
 * 0 = every shard is committed, by this attempt or another; 1 = one failed; 4 = this worker must not work on the run;
 * 130, 143 = stopped by SIGINT or a cancelled run, by SIGTERM.
 */
export async function runWorker(options: WorkerOptions): Promise<number> {
  const log = createLogger(options.logLevel ?? "info", (line) => void process.stderr.write(line), { run: options.runId });
  const emit = (event: WorkerEvent): void => void process.stdout.write(`${JSON.stringify(event)}\n`);
  const stopped = new AbortController();
  const inputEnded = new AbortController();
  const release = stopOnSignals(stopped);
  try {
    return await runShards({
      runId: options.runId,
      shards: (signal, control) => {
        if (options.shards === "stdin") return linesOfStdin(signal, () => inputEnded.abort());
        return "object" in options.shards ? shardsOfLine(control, options.shards, signal) : options.shards;
      },
      inputEnded: inputEnded.signal,
      control: options.control,
      shape: { threads: options.threads ?? threadsHere(), tasksPerThread },
      engineAttempt: options.engineAttempt ?? "1",
      startChild: startPoolChild,
      clock: systemClock,
      random: systemRandom,
      log,
      emit,
      signal: stopped.signal,
      ...(options.storageEndpoint !== undefined && { endpoint: options.storageEndpoint }),
    });
  } catch (error) {
    return explain(error, log);
  } finally {
    release();
  }
}

function explain(error: unknown, log: Logger): number {
  const { code, message, hint, exitCode } = toPlainError(error);
  const wasTold = exitCode === exitCodes.cancelled || exitCode === exitCodes.terminated;
  if (wasTold) log.info("worker-stopped", { code, message });
  else log.error("worker-failed", { code, message, hint });
  if (error instanceof Error && error.stack !== undefined) log.debug("worker-failed-at", { stack: error.stack });
  return exitCode;
}

const signalCodes = { SIGINT: exitCodes.cancelled, SIGTERM: exitCodes.terminated, SIGHUP: exitCodes.terminated } as const;

function stopOnSignals(stopped: AbortController): () => void {
  const listeners = Object.entries(signalCodes).map(([signal, exitCode]) => {
    const listener = (): void =>
      stopped.abort(
        new ImagemillError("STOPPED", `the worker was told to stop (${signal})`, {
          exitCode,
          hint: "The shard is done by its next attempt.",
        }),
      );
    process.on(signal, listener);
    return () => void process.off(signal, listener);
  });
  return () => {
    for (const release of listeners) release();
  };
}

async function* shardsOfLine(control: ObjectStore, { object, line }: ShardLine, signal: AbortSignal): AsyncGenerator<string> {
  const { bytes } = await control.read(object, { signal });
  const text = Buffer.from(bytes).toString("utf8").split("\n")[line] ?? "";
  if (text === "") throw usageError(`${control.uri(object)} has no line ${line}`, "It holds a line for each Batch task of its job.");
  yield* text.split(" ");
}

/** Ends when stdin closes, which `ended` hears at once, or when the worker is stopped. */
async function* linesOfStdin(signal: AbortSignal, ended: () => void): AsyncGenerator<string> {
  const lines = createInterface({ input: process.stdin, signal });
  lines.once("close", ended);
  try {
    for await (const line of lines) {
      const shard = line.trim();
      if (shard !== "") yield shard;
    }
  } finally {
    lines.close();
    process.stdin.destroy();
  }
}
