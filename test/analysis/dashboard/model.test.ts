import assert from "node:assert/strict";
import fc from "fast-check";
import { createModel, isPriced, noReason, outcomes, unknown } from "../../../analysis/dashboard/model/dashboard.ts";
import type { ImageRecord } from "../../../analysis/dashboard/model/columns.ts";
import type { Range } from "../../../analysis/dashboard/model/bins.ts";
import {
  binKeys,
  categoryKeys,
  nothingSelected,
  type BinKey,
  type CategoryKey,
  type Selection,
} from "../../../analysis/dashboard/model/selection.ts";
import { anyImages, imageRecord, imageTable, runIds, runRecord, runTable } from "./records.ts";

const started = Date.UTC(2026, 10, 23, 9, 59);
const runs = runIds.map((run_id, index) =>
  runRecord({
    run_id,
    run_date: run_id.slice(0, 10),
    started_at: started,
    objects: 10 * (index + 1),
    actual_cost: index === 1 ? 0.5 : null,
  }),
);

const textOf: Record<CategoryKey, (image: ImageRecord) => string> = {
  run: (image) => image.run_id,
  outcome: (image) => image.outcome,
  reason: (image) => image.reason ?? noReason,
  format: (image) => image.format ?? unknown,
  camera: (image) => image.camera || unknown,
  color: (image) => image.color_space ?? unknown,
};
const spentOf = (image: ImageRecord): number => image.read_ms + image.process_ms + image.write_ms;
const numberOf: Record<BinKey, (image: ImageRecord) => number | null> = {
  size: (image) => image.size_bytes,
  megapixels: (image) => image.megapixels,
  spent: spentOf,
  elapsed: (image) => Math.max(0, image.processed_at - started),
};

const within = (value: number | null, { from, below }: Range): boolean =>
  value !== null && value >= from && (below === undefined || value < below);

function naiveMatches(image: ImageRecord, { values, ranges, text }: Selection, but?: string): boolean {
  return (
    categoryKeys.every((key) => key === but || values[key]?.includes(textOf[key](image)) !== false) &&
    binKeys.every((key) => key === but || ranges[key] === undefined || within(numberOf[key](image), ranges[key])) &&
    image.name.toLowerCase().includes(text.toLowerCase())
  );
}

/** Ranges that begin and end where bins do, as clicks make them. */
const anyRange = (edges: number[]): fc.Arbitrary<Range> =>
  fc
    .tuple(fc.nat(edges.length - 1), fc.nat(edges.length))
    .map(([a, b]) => ({ from: edges[Math.min(a, b)]!, below: edges[Math.max(a, b) + 1] }));

const anySelection: fc.Arbitrary<Selection> = fc
  .record({
    values: fc.record(
      {
        run: fc.subarray(runIds, { minLength: 1 }),
        outcome: fc.subarray([...outcomes], { minLength: 1 }),
        reason: fc.subarray(["corrupt", noReason, "of another page"], { minLength: 1 }),
        format: fc.subarray(["jpeg", "png", unknown], { minLength: 1 }),
        camera: fc.subarray(["Canon", unknown], { minLength: 1 }),
      },
      { requiredKeys: [] },
    ),
    ranges: fc.record(
      { size: anyRange([0, 1000, 2000, 5000, 100_000_000]), megapixels: anyRange([0, 0.01, 0.5, 500]), spent: anyRange([0, 1, 10, 500]) },
      { requiredKeys: [] },
    ),
    text: fc.constantFrom("", "a", "A.", "/", "é", "nowhere"),
  })
  .map((parts) => Object.assign({}, nothingSelected, parts));

describe("the dashboard's model", () => {
  it("shows under any selection what a look at every image would find", () => {
    fc.assert(
      fc.property(anyImages(), fc.array(anySelection, { minLength: 1, maxLength: 4 }), (images, selections) => {
        const model = createModel(imageTable(images), runTable(runs));
        for (const selection of selections) {
          model.select(selection);
          const matching = images.filter((image) => naiveMatches(image, selection));
          assert.deepEqual(
            images.filter((_, row) => model.matches(row)),
            matching,
          );
          for (const key of categoryKeys) {
            const kept = images.filter((image) => naiveMatches(image, selection, key));
            model.categories(key).values.forEach((value, code) => {
              outcomes.forEach((outcome, group) => {
                const found = kept.filter((image) => textOf[key](image) === value && image.outcome === outcome).length;
                assert.equal(model.counts(key)[code * outcomes.length + group], found, `${key} ${value} ${outcome}`);
              });
            });
          }
          for (const key of binKeys) {
            const { edges } = model.bins(key);
            const kept = images.filter((image) => naiveMatches(image, selection, key));
            edges.forEach((from, bin) => {
              const found = kept.filter((image) => within(numberOf[key](image), { from, below: edges[bin + 1] })).length;
              assert.equal(
                outcomes.reduce((sum, _, group) => sum + model.counts(key)[bin * outcomes.length + group]!, 0),
                found,
                `${key} ${from}`,
              );
            });
          }
          const totals = model.totals();
          assert.equal(totals.images, matching.length);
          assert.equal(
            totals.bytes,
            matching.reduce((sum, image) => sum + image.size_bytes, 0),
          );
          const times = matching.map(spentOf).sort((a, b) => a - b);
          assert.equal(totals.medianSpentMs, times[Math.ceil(times.length / 2) - 1]);
          const runsThere = runIds.filter((id) => matching.some((image) => image.run_id === id));
          assert.equal(totals.runs, runsThere.length);
          assert.equal(totals.actualCost, runsThere.includes(runIds[1]!) ? 0.5 : undefined);
        }
      }),
      { numRuns: 150 },
    );
  });

  it("divides time into the run as finely as the runs chosen are long", () => {
    const image = (run: number, ms: number): ImageRecord => imageRecord({ run_id: runIds[run]!, processed_at: started + ms });
    const model = createModel(imageTable([image(0, 900), image(0, 200), image(1, 3_600_000)]), runTable(runs));
    assert.deepEqual(model.bins("elapsed").edges.slice(0, 2), [0, 120_000]);
    model.select({ ...nothingSelected, values: { run: [runIds[0]!] } });
    assert.deepEqual(model.bins("elapsed").edges.slice(0, 2), [0, 20]);
    model.select({ ...nothingSelected, values: { run: [runIds[0]!] }, ranges: { elapsed: { from: 200, below: 220 } } });
    assert.equal(model.totals().images, 1);
    model.select({ ...nothingSelected, ranges: { elapsed: { from: 200, below: 220 } } });
    assert.equal(model.totals().images, 2, "both lie in the one bin that the range touches now");
  });

  it("takes a run that had nothing to do for no sign of prices", () => {
    const priceless = createModel(imageTable([]), runTable([runRecord({ predicted_cost: 0, actual_cost: 0 })]));
    assert.equal(priceless.totals().predictedCost, undefined);
    assert.equal(isPriced(priceless.runs.actual_cost), false);
    const costs = [runRecord({ run_id: runIds[0]!, actual_cost: 0 }), runRecord({ run_id: runIds[1]!, actual_cost: 0.5 })];
    assert.equal(isPriced(runTable(costs).actual_cost), true);
  });

  it("is made of nothing, too", () => {
    const model = createModel(imageTable([]), runTable([]));
    model.select({ ...nothingSelected, values: { format: ["jpeg"] }, text: "a" });
    assert.deepEqual(model.totals(), {
      images: 0,
      ok: 0,
      skipped: 0,
      quarantined: 0,
      bytes: 0,
      medianSpentMs: undefined,
      runs: 0,
      imagesPerSecond: 0,
      predictedCost: undefined,
      actualCost: undefined,
    });
  });
});
