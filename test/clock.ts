import type { Clock } from "../core/clock.ts";

/** Time that passes only by sleeping; `slept` has every wait in milliseconds. */
export function fakeClock(startMs = Date.UTC(2026, 10, 23)): Clock & { slept: number[] } {
  let nowMs = startMs;
  const slept: number[] = [];
  return {
    slept,
    now: () => nowMs,
    monotonicMs: () => nowMs - startMs,
    sleep: async (ms, signal) => {
      signal?.throwIfAborted();
      slept.push(ms);
      nowMs += ms;
      await new Promise<void>((resolve) => setImmediate(resolve));
      signal?.throwIfAborted();
    },
  };
}
