import { plainDuration } from "../../page/durations.ts";
import type { Division } from "./crossfilter.ts";

/**
 * A division by number: bin `n` holds `edges[n] <= value < edges[n + 1]`, the last one everything from its edge on. What
 * lies below the first edge is in the first bin. One more code, `edges.length`, holds what is not a number.
 */
export interface Bins extends Division {
  edges: number[];
  /** First and last bin that holds any row; the last is below the first where none does. */
  occupied: [first: number, last: number];
}

/** 1, 2, 5, 10, 20, …: as even as round numbers get on a logarithmic scale. Begins at 0. */
export function roundEdges(from: number, to: number): number[] {
  const edges = [0];
  for (let power = Math.floor(Math.log10(from)); power <= Math.log10(to); power += 1) {
    for (const digit of [1, 2, 5]) {
      const edge = Number(`${digit}e${power}`);
      if (edge >= from && edge <= to) edges.push(edge);
    }
  }
  return edges;
}

/** At most `most` + 1 edges at a distance that people count in, over durations up to `longestMs`. */
export function durationEdges(longestMs: number, most: number): number[] {
  const stepMs = plainDuration(longestMs / most);
  return Array.from({ length: Math.max(1, Math.ceil((longestMs + 1) / stepMs)) }, (_, index) => index * stepMs);
}

export function binsOf(values: ArrayLike<number>, edges: number[]): Bins {
  const codes = new Uint16Array(values.length);
  let [first, last] = [edges.length, -1];
  for (let row = 0; row < values.length; row += 1) {
    const bin = binAt(edges, values[row]!);
    codes[row] = bin;
    if (bin === edges.length) continue;
    if (bin < first) first = bin;
    if (bin > last) last = bin;
  }
  return { codes, size: edges.length + 1, edges, occupied: [first, last] };
}

/** The bin of one value, found by halving. */
export function binAt(edges: number[], value: number): number {
  if (Number.isNaN(value)) return edges.length;
  let [low, high] = [0, edges.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (value >= edges[middle]!) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Half-open; without an end it reaches to the last bin. */
export interface Range {
  from: number;
  below: number | undefined;
}

/** The range that bins `first` to `last` cover. */
export function rangeOf(edges: number[], first: number, last: number): Range {
  return { from: edges[first]!, below: edges[last + 1] };
}

/** Bins that the range touches, as `Crossfilter.filter` takes them. */
export function binsTouching(edges: number[], { from, below }: Range): Uint8Array {
  const allowed = new Uint8Array(edges.length + 1);
  edges.forEach((edge, bin) => {
    const end = edges[bin + 1] ?? Number.POSITIVE_INFINITY;
    allowed[bin] = end > from && (below === undefined || edge < below) ? 1 : 0;
  });
  return allowed;
}
