import { Piscina } from "piscina";
import { systemClock, systemRandom } from "../core/clock.ts";
import { createLogger, type Logger } from "../core/log.ts";
import { openSource, openStore } from "../storage/open.ts";
import { fromPlainError, type PoolSetup, type ToPool } from "./channel.ts";
import type { ImageStores } from "./image.ts";
import { createPool } from "./obey.ts";
import type { ThreadResult, ThreadSetup, ThreadTask } from "./thread.ts";
import type { Compute } from "./undisturbed.ts";

/*
 * The pool process: its main thread reads, writes and reports; its piscina threads do the images. The supervisor
 * starts it, tells it what to do over IPC, and ends it; when the supervisor is gone, it ends by itself.
 */

const shape = { threads: Number(process.argv[2]), tasksPerThread: Number(process.argv[3]) };

/** Started before the plan is known, so that loading sharp overlaps with reading it. */
const piscina = new Piscina<ThreadTask, ThreadResult>({
  filename: new URL(`./thread${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`, import.meta.url).href,
  minThreads: shape.threads,
  maxThreads: shape.threads,
  concurrentTasksPerWorker: shape.tasksPerThread,
  maxQueue: Infinity,
  idleTimeout: Infinity,
  // A thread's event loop must run between tasks: images of the same thread overlap.
  atomics: "disabled",
  recordTiming: false,
});

const pool = createPool({
  shape,
  clock: systemClock,
  logger: ({ logLevel, runId }) => createLogger(logLevel, (line) => void process.stderr.write(line), { process: "pool", run: runId }),
  openStores,
  compute: computeWith,
  send: (message) => void process.send?.(message),
  end,
});

piscina.on("error", pool.fatal);
process.on("uncaughtException", pool.fatal);
// The terminal sends Ctrl-C to all processes of the group, an engine SIGTERM; the supervisor decides what they mean.
process.on("SIGINT", () => undefined);
process.on("SIGTERM", () => undefined);
let exitCode = 1;
process.on("disconnect", () => process.exit(exitCode));
process.on("message", (message: ToPool) => pool.obey(message));

async function openStores({ limits, endpoint, stores }: PoolSetup, log: Logger): Promise<ImageStores> {
  const { storageAttempts: attempts, storageConcurrency: concurrency } = limits;
  const context = { attempts, concurrency, log, clock: systemClock, random: systemRandom, ...(endpoint !== undefined && { endpoint }) };
  const [source, archive, control] = await Promise.all([
    openSource(stores.source, context),
    openStore(stores.archive, context),
    openStore(stores.control, context),
  ]);
  return { source, archive, control };
}

function computeWith({ jobs, limits }: PoolSetup): Compute {
  const { imageTimeoutMs: timeoutMs, maxPixels } = limits;
  const setup = JSON.stringify({ jobs, maxPixels, timeoutMs } satisfies ThreadSetup);
  return async (name, bytes) => {
    const answer = await piscina.run({ setup, name, bytes }, { transferList: [bytes.buffer] });
    if ("error" in answer) throw fromPlainError(answer.error);
    return answer;
  };
}

/** By way of the channel, so that the supervisor gets what was sent before. */
function end(code: number): void {
  exitCode = code;
  if (process.connected) process.disconnect();
}
