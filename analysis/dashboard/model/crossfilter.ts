/** One way to divide the rows: each has exactly one code below `size`. */
export interface Division {
  codes: ArrayLike<number>;
  size: number;
}

/**
 * Filters over rows held as columns, and counts of what passes them. Every division is counted under all filters but
 * its own, so that a chart still shows what could be chosen next.
 */
export interface Crossfilter {
  readonly rows: number;
  /** Only rows whose code in the division is allowed; undefined takes the filter away. */
  filter(division: number, allowed: Uint8Array | undefined): void;
  /** One more filter, which belongs to no division. */
  filterRows(allowed: Uint8Array | undefined): void;
  /** Puts other codes in the place of a division's, whose filter goes. */
  divide(division: number, by: Division): void;
  /** Rows that pass every filter, by group. */
  matching(): Uint32Array;
  matches(row: number): boolean;
  /** `counts[code * groups + group]` of a division. */
  counts(division: number): Uint32Array;
  /** Sum over the rows that pass every filter; what is not a number counts nothing. */
  sum(values: ArrayLike<number>): number;
}

export interface CrossfilterOptions {
  rows: number;
  /** At most 31. */
  divisions: Division[];
  /** Counts are split by it. */
  groups: Division;
}

/**
 * Each row holds a bit for every filter that it fails: setting a filter touches one bit a row, and counting is one pass
 * in which a row without bits counts everywhere and a row with a single one counts only for that filter's division.
 */
export function createCrossfilter({ rows, divisions: given, groups }: CrossfilterOptions): Crossfilter {
  const divisions = [...given];
  const rowsBit = 1 << divisions.length;
  const fails = new Uint32Array(rows);
  let counted: { matching: Uint32Array; counts: Uint32Array[] } | undefined;

  const setBit = (bit: number, passes: ((row: number) => boolean) | undefined): void => {
    for (let row = 0; row < rows; row += 1) {
      fails[row] = passes === undefined || passes(row) ? fails[row]! & ~bit : fails[row]! | bit;
    }
    counted = undefined;
  };

  const count = (): NonNullable<typeof counted> => {
    const counts = divisions.map(({ size }) => new Uint32Array(size * groups.size));
    const codes = divisions.map((division) => division.codes);
    const placeOf = new Map(divisions.map((_, index) => [(1 << index) >>> 0, index]));
    const matching = new Uint32Array(groups.size);
    for (let row = 0; row < rows; row += 1) {
      const failed = fails[row]!;
      if (failed === 0) {
        const group = groups.codes[row]!;
        matching[group]! += 1;
        for (let index = 0; index < counts.length; index += 1) counts[index]![codes[index]![row]! * groups.size + group]! += 1;
      } else if ((failed & (failed - 1)) === 0) {
        const only = placeOf.get(failed);
        if (only !== undefined) counts[only]![codes[only]![row]! * groups.size + groups.codes[row]!]! += 1;
      }
    }
    return { matching, counts };
  };
  const current = (): NonNullable<typeof counted> => (counted ??= count());

  return {
    rows,
    filter: (division, allowed) => {
      const { codes } = divisions[division]!;
      setBit(1 << division, allowed && ((row) => allowed[codes[row]!] === 1));
    },
    filterRows: (allowed) => setBit(rowsBit, allowed && ((row) => allowed[row] === 1)),
    divide: (division, by) => {
      divisions[division] = by;
      setBit(1 << division, undefined);
    },
    matching: () => current().matching,
    matches: (row) => fails[row] === 0,
    counts: (division) => current().counts[division]!,
    sum: (values) => {
      let total = 0;
      for (let row = 0; row < rows; row += 1) if (fails[row] === 0) total += values[row]! || 0;
      return total;
    },
  };
}
