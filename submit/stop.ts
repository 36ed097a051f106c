import type { Clock } from "../core/clock.ts";
import { exitCodes, ImagemillError } from "../core/errors.ts";
import type { DriverHost } from "./driver.ts";

/** Node's timers take no longer one: 24 days. */
const longestTimerMs = 2 ** 31 - 1;

/** Both reasons for which a driver stops before the end; the first to happen aborts `signal`. */
export interface Stop extends Disposable {
  readonly signal: AbortSignal;
  /** Of a failure that followed from the stop; undefined for any other. */
  errorOf(): ImagemillError | undefined;
}

export function stopAfter(host: DriverHost, timeoutMs: number, runId: string): Stop {
  const deadline = deadlineSignal(host.clock, timeoutMs);
  return {
    signal: AbortSignal.any([host.signal, deadline.signal]),
    errorOf: () => {
      if (host.signal.aborted) return cancelled();
      return deadline.signal.aborted ? timedOut(runId, timeoutMs) : undefined;
    },
    [Symbol.dispose]: deadline.cancel,
  };
}

/** What Ctrl-C leads to. */
export function cancelled(): ImagemillError {
  return new ImagemillError("CANCELLED", "stopped on request", {
    exitCode: exitCodes.cancelled,
    hint: "What is committed is kept; the same command continues.",
  });
}

function timedOut(runId: string, timeoutMs: number): ImagemillError {
  return new ImagemillError("RUN_TIMEOUT", `run ${runId} was not done after ${Math.round(timeoutMs / 1000)} s (limits.runTimeoutMs)`, {
    hint: "What is committed is kept; the same command continues. More machines or a longer limit make it fit.",
  });
}

function deadlineSignal(clock: Clock, timeoutMs: number): { signal: AbortSignal; cancel: () => void } {
  const reached = new AbortController();
  const given = new AbortController();
  const waiting = clock.sleep(Math.min(timeoutMs, longestTimerMs), given.signal);
  waiting.then(
    () => reached.abort(),
    () => undefined,
  );
  return { signal: reached.signal, cancel: () => given.abort() };
}
