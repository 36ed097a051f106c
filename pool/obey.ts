import type { Clock } from "../core/clock.ts";
import { ImagemillError, messageOf } from "../core/errors.ts";
import type { Logger } from "../core/log.ts";
import { budgetsOf } from "./budget.ts";
import { toPlainError, type FromPool, type PoolSetup, type ToPool } from "./channel.ts";
import type { PoolShape } from "./child.ts";
import type { ImageStores } from "./image.ts";
import { createMill, type Mill } from "./mill.ts";
import { createReporter, type Reporter } from "./reporter.ts";
import { undisturbed, type Compute } from "./undisturbed.ts";

export interface PoolOptions {
  shape: PoolShape;
  clock: Clock;
  logger(setup: PoolSetup): Logger;
  openStores(setup: PoolSetup, log: Logger): Promise<ImageStores>;
  /** One image in a thread. Rejects only when no image is at fault, or the thread is gone. */
  compute(setup: PoolSetup): Compute;
  send(message: FromPool): void;
  /** Ends the process, after what was sent has left. */
  end(code: number): void;
}

export interface Pool {
  obey(message: ToPool): void;
  /** Our own errors say that nobody can do this work; anything else ended a thread, and an image may be to blame. */
  fatal(error: unknown): void;
}

/** What a pool process does with what the supervisor says. */
export function createPool(options: PoolOptions): Pool {
  const aborted = new AbortController();
  let mill: Promise<Mill> | undefined;
  let reporter: Reporter | undefined;

  const fatal = (error: unknown): void => {
    const ours = error instanceof ImagemillError;
    options.send(ours ? { type: "pool-failed", error: toPlainError(error) } : { type: "dying", message: messageOf(error) });
    options.end(1);
  };

  const startMill = async (setup: PoolSetup): Promise<Mill> => {
    const { shape, clock, send } = options;
    const log = options.logger(setup);
    const budgets = budgetsOf(setup.limits.workerMemoryBytes, shape.threads, setup.shrink);
    reporter = createReporter(send, clock, setup.isolated);
    return createMill({
      context: { runId: setup.runId, setup, stores: await options.openStores(setup, log), clock, log, signal: aborted.signal },
      budgets: setup.isolated ? { ...budgets, readAheadObjects: 1 } : budgets,
      slots: setup.isolated ? 1 : shape.threads * shape.tasksPerThread,
      compute: undisturbed(options.compute(setup)),
      reporter,
      attemptFailed: (attempt, error) => send({ type: "attempt-failed", attempt, error: toPlainError(error) }),
      fatal,
    });
  };

  const obey = async (message: ToPool): Promise<void> => {
    if (message.type === "setup") mill = startMill(message.setup);
    const running = await mill;
    if (message.type === "images") running?.add(message.images, message.twins);
    if (message.type === "drop") running?.drop(message.attempt);
    if (message.type !== "stop") return;
    aborted.abort();
    await running?.stop();
    reporter?.close();
    options.end(0);
  };

  return { obey: (message) => void obey(message).catch(fatal), fatal };
}
