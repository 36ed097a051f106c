import { StoreError, type ObjectStore } from "./store.ts";
import { wrapCalls } from "./wrap.ts";

/** Calls at the same time: as many as asked for, fewer while the service says that it is overloaded. */
export interface Limiter {
  run: <T>(signal: AbortSignal | undefined, act: () => Promise<T>) => Promise<T>;
  /** What it stands at now. */
  readonly limit: number;
}

interface Waiting {
  start: () => void;
  signal: AbortSignal | undefined;
}

/**
 * Additive increase, multiplicative decrease: an overload answer halves the limit, once for all calls that were in
 * flight when it came; each success then raises it by a fraction, so that a full round of successes adds one.
 */
export function createLimiter(most: number): Limiter {
  let limit = Math.max(1, most);
  let active = 0;
  let round = 0;
  const queue: Waiting[] = [];

  const startNext = (): void => {
    while (active < Math.floor(limit) && queue.length > 0) {
      active += 1;
      queue.shift()!.start();
    }
  };

  const enter = async (signal: AbortSignal | undefined): Promise<void> => {
    signal?.throwIfAborted();
    if (active < Math.floor(limit) && queue.length === 0) {
      active += 1;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const leave = (): void => {
        queue.splice(queue.indexOf(waiting), 1);
        reject(signal!.reason as Error);
      };
      const waiting: Waiting = {
        signal,
        start: () => {
          signal?.removeEventListener("abort", leave);
          resolve();
        },
      };
      signal?.addEventListener("abort", leave, { once: true });
      queue.push(waiting);
    });
  };

  const leave = (startedIn: number, outcome: "fine" | "overload" | "other"): void => {
    active -= 1;
    if (outcome === "fine") limit = Math.min(most, limit + 1 / limit);
    if (outcome === "overload" && startedIn === round) {
      limit = Math.max(1, limit / 2);
      round += 1;
    }
    startNext();
  };

  return {
    get limit() {
      return limit;
    },
    run: async (signal, act) => {
      await enter(signal);
      const startedIn = round;
      try {
        const result = await act();
        leave(startedIn, "fine");
        return result;
      } catch (error) {
        leave(startedIn, isOverload(error) ? "overload" : "other");
        throw error;
      }
    },
  };
}

function isOverload(error: unknown): boolean {
  return error instanceof StoreError && (error.httpStatus === 429 || error.httpStatus === 503 || error.retryAfterMs !== undefined);
}

/** At most `concurrency` calls at the same time, pages of listings included; the rest wait in order, abortably. */
export function withLimit(inner: ObjectStore, { concurrency }: { concurrency: number }): ObjectStore {
  const limiter = createLimiter(concurrency);
  return wrapCalls(inner, async ({ signal }, act) => limiter.run(signal, act));
}
