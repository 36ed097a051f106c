import type { Commit } from "../core/types.ts";

export interface Interval {
  /** Milliseconds since the epoch. */
  fromMs: number;
  toMs: number;
}

/** Time covered by at least one of the intervals. */
export function coveredMs(intervals: Iterable<Interval>): number {
  let covered = 0;
  let endMs = -Infinity;
  for (const { fromMs, toMs } of [...intervals].sort((a, b) => a.fromMs - b.fromMs)) {
    covered += Math.max(0, toMs - Math.max(fromMs, endMs));
    endMs = Math.max(endMs, toMs);
  }
  return covered;
}

export function* workIntervals(commits: Iterable<Commit>): Generator<Interval> {
  for (const { startedAt, endedAt } of commits) yield { fromMs: Date.parse(startedAt), toMs: Date.parse(endedAt) };
}

export function perSecond(count: number, wallMs: number): number {
  return wallMs <= 0 ? 0 : Math.round((count / wallMs) * 100_000) / 100;
}
