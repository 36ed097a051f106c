import { binsOf, binsTouching, durationEdges, roundEdges, type Bins } from "./bins.ts";
import { categoriesIn, categoriesOf, type Categories } from "./categories.ts";
import type { ImageTable, RunTable } from "./columns.ts";
import { createCrossfilter } from "./crossfilter.ts";
import { medianOf, orderOf } from "./order.ts";
import { binKeys, categoryKeys, type BinKey, type CategoryKey, type Selection } from "./selection.ts";

export const outcomes = ["ok", "skipped", "quarantined"] as const;

/** What stands for a missing text. */
export const unknown = "unknown";
/** The reason of what is ok. */
export const noReason = "none";

export interface Totals {
  images: number;
  ok: number;
  skipped: number;
  quarantined: number;
  bytes: number;
  /** Milliseconds; absent where nothing matches. */
  medianSpentMs: number | undefined;
  /** Of the runs that have a matching image. */
  runs: number;
  imagesPerSecond: number;
  predictedCost: number | undefined;
  actualCost: number | undefined;
}

/** The data of the page under a selection. Pure of any document: pages and tests look at it alike. */
export interface DashboardModel {
  readonly images: ImageTable;
  /** A run's row is its code in the division `run`. */
  readonly runs: RunTable;
  /** Milliseconds of read, process and write together. */
  readonly spent: Float64Array;
  categories(key: CategoryKey): Categories;
  /** The bins of `elapsed` follow the runs chosen. */
  bins(key: BinKey): Bins;
  select(selection: Selection): void;
  matches(row: number): boolean;
  /** `counts[code * 3 + outcome]`, under every filter but the key's own. */
  counts(key: CategoryKey | BinKey): Uint32Array;
  /** By code: which runs have an image that passes every filter. */
  runsMatching(): boolean[];
  totals(): Totals;
}

const mostElapsedBins = 48;
const keys = [...categoryKeys, ...binKeys] as const;

export function createModel(images: ImageTable, runs: RunTable): DashboardModel {
  const { rows } = images;
  const spent = Float64Array.from({ length: rows }, (_, row) => images.read_ms[row]! + images.process_ms[row]! + images.write_ms[row]!);
  const bySpent = orderOf(spent);
  const others = "others";
  const categories: Record<CategoryKey, Categories> = {
    run: categoriesIn(images.run_id, runs.run_id),
    outcome: categoriesIn(images.outcome, [...outcomes]),
    reason: categoriesOf(images.reason, { unknown: noReason, others }),
    format: categoriesOf(images.format, { unknown, others }),
    camera: categoriesOf(images.camera, { unknown, others }),
    color: categoriesOf(images.color_space, { unknown, others }),
  };
  const elapsed = Float64Array.from({ length: rows }, (_, row) =>
    Math.max(0, images.processed_at[row]! - runs.started_at[categories.run.codes[row]!]!),
  );
  const bins: Record<BinKey, Bins> = {
    size: binsOf(images.size_bytes, roundEdges(1000, 100_000_000)),
    megapixels: binsOf(images.megapixels, roundEdges(0.01, 500)),
    spent: binsOf(spent, roundEdges(1, 20_000)),
    elapsed: binsOf(
      elapsed,
      durationEdges(
        longest(elapsed, () => true),
        mostElapsedBins,
      ),
    ),
  };
  const divisions = keys.map((key) => (key in categories ? categories[key as CategoryKey] : bins[key as BinKey]));
  const filter = createCrossfilter({ rows, divisions, groups: categories.outcome });
  const placeOf = (key: CategoryKey | BinKey): number => keys.indexOf(key);
  let lowerNames: string[] | undefined;
  let totals: Totals | undefined;
  let applied: Selection = { values: {}, ranges: {}, text: "", sort: { key: "processed", descending: true } };

  const divideElapsed = (chosen: Uint8Array | undefined): boolean => {
    const longestMs = longest(elapsed, (row) => chosen === undefined || chosen[categories.run.codes[row]!] === 1);
    const edges = durationEdges(longestMs, mostElapsedBins);
    if (String(edges) === String(bins.elapsed.edges)) return false;
    bins.elapsed = binsOf(elapsed, edges);
    filter.divide(placeOf("elapsed"), bins.elapsed);
    return true;
  };
  const namesWith = (text: string): Uint8Array => {
    lowerNames ??= images.name.map((name) => name.toLowerCase());
    const wanted = text.toLowerCase();
    return Uint8Array.from(lowerNames, (name) => (name.includes(wanted) ? 1 : 0));
  };
  const runsMatching = (): boolean[] => {
    const counts = filter.counts(placeOf("run"));
    const chosen = applied.values.run;
    return runs.run_id.map((id, code) => (chosen === undefined || chosen.includes(id)) && totalOf(counts, code) > 0);
  };

  const addUp = (): Totals => {
    const [ok = 0, skipped = 0, quarantined = 0] = filter.matching();
    const matching = ok + skipped + quarantined;
    const chosen = runsMatching();
    const sumOf = (values: Float64Array): number => values.reduce((sum, value, code) => sum + (chosen[code] === true ? value || 0 : 0), 0);
    const costOf = (values: Float64Array): number | undefined =>
      isPriced(values) && values.some((value, code) => chosen[code] === true && !Number.isNaN(value)) ? sumOf(values) : undefined;
    const wallMs = sumOf(runs.wall_ms);
    return {
      images: matching,
      ok,
      skipped,
      quarantined,
      bytes: filter.sum(images.size_bytes),
      medianSpentMs: medianOf(bySpent, spent, filter.matches, matching),
      runs: chosen.filter(Boolean).length,
      imagesPerSecond: wallMs === 0 ? 0 : (sumOf(runs.objects) * 1000) / wallMs,
      predictedCost: costOf(runs.predicted_cost),
      actualCost: costOf(runs.actual_cost),
    };
  };

  return {
    images,
    runs,
    spent,
    categories: (key) => categories[key],
    bins: (key) => bins[key],
    select: (selection) => {
      totals = undefined;
      let moved = false;
      for (const key of categoryKeys) {
        if (same(selection.values[key], applied.values[key])) continue;
        const allowed = codesOf(categories[key], selection.values[key]);
        filter.filter(placeOf(key), allowed);
        if (key === "run") moved = divideElapsed(allowed);
      }
      for (const key of binKeys) {
        const range = selection.ranges[key];
        if (same(range, applied.ranges[key]) && !(moved && key === "elapsed")) continue;
        filter.filter(placeOf(key), range && binsTouching(bins[key].edges, range));
      }
      if (selection.text !== applied.text) filter.filterRows(selection.text === "" ? undefined : namesWith(selection.text));
      applied = selection;
    },
    matches: filter.matches,
    counts: (key) => filter.counts(placeOf(key)),
    runsMatching,
    totals: () => (totals ??= addUp()),
  };
}

/** Of all groups together. */
export function totalOf(counts: Uint32Array, code: number): number {
  return counts[code * 3]! + counts[code * 3 + 1]! + counts[code * 3 + 2]!;
}

function longest(values: Float64Array, counts: (row: number) => boolean): number {
  return values.reduce((most, value, row) => (value > most && counts(row) ? value : most), 0);
}

/** A value that is not there allows nothing: what was chosen on another page's data shows none, not all. */
function codesOf({ values, size }: Categories, chosen: string[] | undefined): Uint8Array | undefined {
  if (chosen === undefined) return undefined;
  const allowed = new Uint8Array(size);
  values.forEach((value, code) => {
    if (chosen.includes(value)) allowed[code] = 1;
  });
  return allowed;
}

function same(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}

/** Whether there were prices: a run that had nothing to do costs nothing without them, too. */
export function isPriced(costs: Float64Array): boolean {
  return costs.some((cost) => cost > 0);
}
