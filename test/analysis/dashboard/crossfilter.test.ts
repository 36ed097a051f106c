import assert from "node:assert/strict";
import fc from "fast-check";
import { createCrossfilter } from "../../../analysis/dashboard/model/crossfilter.ts";

const sizes = [3, 2, 4];
const anyRows = fc.array(fc.tuple(...sizes.map((size) => fc.nat(size - 1)), fc.nat(1)), { maxLength: 30 });
const anyStep = fc.oneof(
  fc.record({ division: fc.nat(sizes.length - 1), allowed: fc.option(fc.array(fc.boolean(), { minLength: 4, maxLength: 4 })) }),
  fc.record({ rows: fc.option(fc.array(fc.boolean(), { minLength: 30, maxLength: 30 })) }),
  fc.record({ divide: fc.nat(sizes.length - 1), shift: fc.nat(3) }),
);

describe("crossfilter", () => {
  it("counts as one filter after the other would, whatever is filtered when", () => {
    fc.assert(
      fc.property(anyRows, fc.array(anyStep, { maxLength: 12 }), (rows, steps) => {
        const codes = sizes.map((_, division) => rows.map((row) => row[division]!));
        const groups = rows.map((row) => row[sizes.length]!);
        const filter = createCrossfilter({
          rows: rows.length,
          divisions: codes.map((own, division) => ({ codes: own, size: sizes[division]! })),
          groups: { codes: groups, size: 2 },
        });
        const filters: (boolean[] | undefined)[] = sizes.map(() => undefined);
        let rowFilter: boolean[] | undefined;
        const bytes = (flags: boolean[] | null): Uint8Array | undefined => (flags === null ? undefined : Uint8Array.from(flags, Number));
        for (const step of steps) {
          if ("division" in step) {
            filters[step.division] = step.allowed ?? undefined;
            filter.filter(step.division, bytes(step.allowed));
          } else if ("rows" in step) {
            rowFilter = step.rows ?? undefined;
            filter.filterRows(bytes(step.rows));
          } else {
            const size = sizes[step.divide]!;
            codes[step.divide] = codes[step.divide]!.map((code) => (code + step.shift) % size);
            filters[step.divide] = undefined;
            filter.divide(step.divide, { codes: codes[step.divide]!, size });
          }
          const passes = (row: number, but?: number): boolean =>
            rowFilter?.[row] !== false &&
            filters.every((allowed, division) => division === but || allowed?.[codes[division]![row]!] !== false);
          const all = rows.map((_, row) => row);
          const naive = (kept: number[], codeOf: (row: number) => number, size: number): number[] =>
            Array.from({ length: size }, (_, code) => kept.filter((row) => codeOf(row) === code).length);
          const matching = all.filter((row) => passes(row));
          assert.deepEqual(
            [...filter.matching()],
            naive(matching, (row) => groups[row]!, 2),
          );
          assert.deepEqual(all.filter(filter.matches), matching);
          assert.equal(
            filter.sum(all.map((row) => row + 0.5)),
            matching.reduce((sum, row) => sum + row + 0.5, 0),
          );
          sizes.forEach((size, division) => {
            const kept = all.filter((row) => passes(row, division));
            assert.deepEqual(
              [...filter.counts(division)],
              naive(kept, (row) => codes[division]![row]! * 2 + groups[row]!, size * 2),
            );
          });
        }
      }),
      { numRuns: 200 },
    );
  });

  it("leaves what is not a number out of sums", () => {
    const filter = createCrossfilter({ rows: 3, divisions: [], groups: { codes: [0, 0, 0], size: 1 } });
    assert.equal(filter.sum([1, Number.NaN, 2]), 3);
  });
});
