/** Rows from the smallest value to the largest; equal ones keep their order. What is not a number comes last. */
export function orderOf(values: ArrayLike<number> | ArrayLike<string>): Uint32Array {
  const order = Uint32Array.from({ length: values.length }, (_, row) => row);
  return order.sort((a, b) => compare(values[a]!, values[b]!) || a - b);
}

function compare(a: number | string, b: number | string): number {
  if (a < b) return -1;
  if (a > b) return 1;
  if (a === b) return 0;
  return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
}

export interface Walk {
  order: Uint32Array;
  descending: boolean;
  /** Rows passed over because they come last in either direction: those without a value. */
  isLast: (row: number) => boolean;
}

/** The first `limit` rows that match, along an order. */
export function firstMatching({ order, descending, isLast }: Walk, matches: (row: number) => boolean, limit: number): number[] {
  const found: number[] = [];
  const late: number[] = [];
  for (let step = 0; step < order.length && found.length < limit; step += 1) {
    const row = order[descending ? order.length - 1 - step : step]!;
    if (!matches(row)) continue;
    if (!isLast(row)) found.push(row);
    else if (late.length < limit) late.push(row);
  }
  return [...found, ...late].slice(0, limit);
}

/** The value that half of the matching rows do not exceed; undefined where none matches or it is not a number. */
export function medianOf(
  order: Uint32Array,
  values: ArrayLike<number>,
  matches: (row: number) => boolean,
  matching: number,
): number | undefined {
  let left = Math.ceil(matching / 2);
  for (const row of order) {
    if (!matches(row)) continue;
    left -= 1;
    if (left === 0) return Number.isNaN(values[row]) ? undefined : values[row];
  }
  return undefined;
}
