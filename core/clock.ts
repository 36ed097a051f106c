import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";

/** Time as a dependency, so that tests need no sleep. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Milliseconds that never go back; for durations. */
  monotonicMs(): number;
  /** Rejects with the signal's reason when it aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: async (ms, signal) => {
    try {
      await delay(ms, undefined, signal === undefined ? {} : { signal });
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    }
  },
};

/** Waits until it has ended, well or not, but no longer than `ms`. */
export async function waitAtMost(clock: Clock, ms: number, going: Promise<unknown>): Promise<void> {
  const enough = new AbortController();
  const late = clock.sleep(ms, enough.signal).catch(() => undefined);
  await Promise.race([going.catch(() => undefined), late]);
  enough.abort();
}

/** Randomness as a dependency, so that every failure has a seed. */
export interface Random {
  /** In [0, 1). */
  next(): number;
  /** `bytes` random bytes as lower-case hex. */
  hex(bytes: number): string;
}

export const systemRandom: Random = {
  next: () => randomBytes(4).readUInt32BE() / 2 ** 32,
  hex: (bytes) => randomBytes(bytes).toString("hex"),
};

/** Mulberry32 (Tommy Ettinger, public domain): small, seedable, good enough for tests and jitter. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    next,
    hex: (bytes) =>
      Array.from({ length: bytes }, () =>
        Math.floor(next() * 256)
          .toString(16)
          .padStart(2, "0"),
      ).join(""),
  };
}

/** YYYY-MM-DD in UTC. */
export function utcDate(epochMs: number): string {
  return new Date(epochMs).toISOString().slice(0, 10);
}

/** RFC 3339 in UTC, to the millisecond. */
export function utcInstant(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
