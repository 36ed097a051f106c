import { createHistogram } from "node:perf_hooks";
import type { Bin, StageNumbers, TextCount } from "./numbers.ts";

/** Collectors of bounded size, however many values they are given. */

/** Keeps the `limit` values that come first under `compare`, sorted. */
export function topOf<T>(limit: number, compare: (a: T, b: T) => number): { add(value: T): void; values(): T[] } {
  let kept: T[] = [];
  const settle = (): void => {
    kept = kept.sort(compare).slice(0, limit);
  };
  return {
    add: (value) => {
      kept.push(value);
      if (kept.length >= limit * 8 + 64) settle();
    },
    values: () => {
      settle();
      return kept;
    },
  };
}

export function binsOf(edges: number[]): { add(value: number): void; bins(): Bin[] } {
  const counts = edges.map(() => 0);
  return {
    add: (value) => {
      const index = edges.findLastIndex((edge) => value >= edge);
      counts[Math.max(index, 0)]! += 1;
    },
    bins: () => edges.map((from, index) => ({ from, below: edges[index + 1] ?? null, objects: counts[index]! })),
  };
}

/** Percentiles within 0.1 %, of durations in milliseconds. */
export function durationsOf(): { add(ms: number): void; numbers(stage: StageNumbers["stage"]): StageNumbers } {
  const histogram = createHistogram({ figures: 3 });
  let total = 0;
  let max = 0;
  const at = (percentile: number): number => (max === 0 ? 0 : Math.min(round(histogram.percentile(percentile) / 1000), round(max)));
  return {
    add: (ms) => {
      histogram.record(Math.max(1, Math.round(ms * 1000)));
      total += ms;
      max = Math.max(max, ms);
    },
    numbers: (stage) => ({ stage, p50: at(50), p90: at(90), p99: at(99), max: round(max), total: round(total) }),
  };
}

/** Sums by key; what comes after `limit` different keys goes to `overflow`. */
export function sumsOf<T>(limit: number, overflow: string, create: () => T): { at(key: string): T; entries(): [string, T][] } {
  const sums = new Map<string, T>();
  return {
    at: (key) => {
      const own = sums.get(key) === undefined && sums.size >= limit ? overflow : key;
      let sum = sums.get(own);
      if (sum === undefined) sums.set(own, (sum = create()));
      return sum;
    },
    entries: () => [...sums].sort(([a], [b]) => (a < b ? -1 : 1)),
  };
}

const maxDistinctTexts = 200;

/** The most frequent texts. Numbers and quoted names are left out of the comparison, since each image has its own. */
export function textsOf(limit: number): { add(text: string, example: string): void; texts(): TextCount[] } {
  const found = new Map<string, TextCount>();
  const overflow: TextCount = { text: "(others)", objects: 0, example: "" };
  return {
    add: (text, example) => {
      const key = text.replace(/0x[0-9a-f]+|\d+(\.\d+)?/gi, "#").replace(/"[^"]*"|'[^']*'/g, "'…'");
      const known = found.get(key);
      if (known !== undefined) known.objects += 1;
      else if (found.size < maxDistinctTexts) found.set(key, { text: text.slice(0, 500), objects: 1, example });
      else overflow.objects += 1;
    },
    texts: () => {
      const sorted = [...found.values()].sort((a, b) => b.objects - a.objects || (a.text < b.text ? -1 : 1));
      const rest = sorted.slice(limit).reduce((sum, one) => sum + one.objects, overflow.objects);
      return rest === 0 ? sorted : [...sorted.slice(0, limit), { ...overflow, objects: rest }];
    },
  };
}

export function round(value: number): number {
  return Math.round(value * 100) / 100;
}
