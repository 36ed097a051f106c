import { Piscina } from "piscina";
import { systemClock, systemRandom } from "../core/clock.ts";
import { ImagemillError, messageOf } from "../core/errors.ts";
import { createLogger, type Logger } from "../core/log.ts";
import type { ImageResult } from "../jobs/process.ts";
import { openSource, openStore } from "../storage/open.ts";
import { budgetsOf } from "./budget.ts";
import { fromPlainError, toPlainError, type FromPool, type PoolSetup, type ToPool } from "./channel.ts";
import type { ImageStores } from "./image.ts";
import { createMill, type Mill } from "./mill.ts";
import { createReporter } from "./reporter.ts";
import type { ThreadResult, ThreadSetup, ThreadTask } from "./thread.ts";

/*
 * The pool process: its main thread reads, writes and reports; its piscina threads do the images. The supervisor
 * starts it, tells it what to do over IPC, and ends it; when the supervisor is gone, it ends by itself.
 */

const threads = Number(process.argv[2]);
const tasksPerThread = Number(process.argv[3]);
const { href } = new URL(`./thread${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`, import.meta.url);
const aborted = new AbortController();

/** Started before the plan is known, so that loading sharp overlaps with reading it. */
const piscina = new Piscina<ThreadTask, ThreadResult>({
  filename: href,
  minThreads: threads,
  maxThreads: threads,
  concurrentTasksPerWorker: tasksPerThread,
  maxQueue: Infinity,
  idleTimeout: Infinity,
  atomics: "disabled",
  recordTiming: false,
});
piscina.on("error", (error: unknown) => fatal(error));

// The terminal sends Ctrl-C to all processes of the group, an engine SIGTERM; the supervisor decides what they mean.
process.on("SIGINT", () => undefined);
process.on("SIGTERM", () => undefined);
process.on("disconnect", () => process.exit(1));
process.on("uncaughtException", fatal);

let mill: Promise<Mill> | undefined;

process.on("message", (message: ToPool) => {
  void obey(message).catch(fatal);
});

async function obey(message: ToPool): Promise<void> {
  if (message.type === "setup") {
    mill = startMill(message.setup);
    await mill;
    return;
  }
  const running = await mill;
  if (message.type === "images") running?.add(message.images, message.twins);
  else if (message.type === "drop") running?.drop(message.attempt);
  else {
    aborted.abort();
    await running?.stop();
    process.exit(0);
  }
}

async function startMill(setup: PoolSetup): Promise<Mill> {
  const log = createLogger(setup.logLevel, (line) => void process.stderr.write(line), { process: "pool", run: setup.runId });
  const reporter = createReporter(send, systemClock, setup.isolated);
  const slots = setup.isolated ? 1 : threads * tasksPerThread;
  const budgets = budgetsOf(setup.limits.workerMemoryBytes, threads, setup.shrink);
  return createMill({
    context: { runId: setup.runId, setup, stores: await openStores(setup, log), clock: systemClock, log, signal: aborted.signal },
    budgets: setup.isolated ? { ...budgets, readAheadObjects: 1 } : budgets,
    slots,
    compute: createCompute(setup),
    reporter,
    attemptFailed: (attempt, error) => send({ type: "attempt-failed", attempt, error: toPlainError(error) }),
    fatal,
  });
}

async function openStores(setup: PoolSetup, log: Logger): Promise<ImageStores> {
  const { storageAttempts: attempts, storageConcurrency: concurrency } = setup.limits;
  const { endpoint } = setup;
  const context = { attempts, concurrency, log, clock: systemClock, random: systemRandom, ...(endpoint !== undefined && { endpoint }) };
  const [source, archive, control] = await Promise.all([
    openSource(setup.stores.source, context),
    openStore(setup.stores.archive, context),
    openStore(setup.stores.control, context),
  ]);
  return { source, archive, control };
}

function createCompute(setup: PoolSetup): (name: string, bytes: Uint8Array<ArrayBuffer>) => Promise<ImageResult> {
  const { imageTimeoutMs: timeoutMs, maxPixels } = setup.limits;
  const text = JSON.stringify({ jobs: setup.jobs, maxPixels, timeoutMs } satisfies ThreadSetup);
  return async (name, bytes) => {
    const answer = await piscina.run({ setup: text, name, bytes }, { transferList: [bytes.buffer] });
    if ("error" in answer) throw fromPlainError(answer.error);
    return answer.result;
  };
}

function send(message: FromPool): void {
  process.send?.(message);
}

/** Our own errors say that no process can do this work; anything else ended a thread, and an image may be to blame. */
function fatal(error: unknown): void {
  const last: FromPool =
    error instanceof ImagemillError ? { type: "pool-failed", error: toPlainError(error) } : { type: "dying", message: messageOf(error) };
  if (process.send === undefined || !process.connected) process.exit(1);
  process.send(last, () => process.exit(1));
}
