import { formatCount, formatMany, formatPrice } from "../../../core/format.ts";
import { fineDuration, short } from "../../page/format.ts";
import { binsTouching, rangeOf, type Range } from "../model/bins.ts";
import { isPriced, outcomes, totalOf } from "../model/dashboard.ts";
import { withRange, withValues, type BinKey } from "../model/selection.ts";
import { createColumnChart, type ColumnContent } from "./column-chart.ts";
import type { Context, Part } from "./context.ts";
import { createPanel, type Panel } from "./panel.ts";
import { numberText, type Series } from "./plot.ts";
import { edgeText, rangeText, runLabels, titles } from "./words.ts";

const leastHeight = 172;
/** Of the first chart, which stands beside two others. */
const leastTallHeight = 268;

function colorsOf(context: Context): ColumnContent["colors"] {
  return { quiet: context.color("--quiet"), line: context.color("--line") };
}

/** Counts of each outcome as series, and the same in words. */
function byOutcome(context: Context, counts: Uint32Array, codes: number[]): { series: Series[]; numbers: [string, string][][] } {
  const of = (code: number, outcome: number): number => counts[code * outcomes.length + outcome]!;
  return {
    series: outcomes.map((name, outcome) => ({ name, color: context.color(`--${name}`), values: codes.map((code) => of(code, outcome)) })),
    numbers: codes.map((code) => [
      ["images", formatCount(totalOf(counts, code))],
      ...outcomes.map((name, outcome): [string, string] => [name, formatCount(of(code, outcome))]),
    ]),
  };
}

/** A panel whose bars are runs: choosing bars chooses runs. */
function runPanel(
  context: Context,
  options: { id: string; title: string; columns: number; hint: string; leastHeight?: number },
  content: () => Omit<ColumnContent, "chosen" | "faded" | "labels" | "colors" | "range"> | undefined,
  empty: string,
): Part & { panel: Panel } {
  const { runs } = context.model;
  const labels = runLabels(context.model);
  const chosenNow = (): string[] => context.selection().values.run ?? [];
  const clear = (): void => context.choose(withValues(context.selection(), "run", []));
  const choose = (first: number, last: number): void => {
    const bars = runs.run_id.slice(first, last + 1);
    const again = chosenNow().length === bars.length && bars.every((id) => chosenNow().includes(id));
    context.choose(withValues(context.selection(), "run", again ? [] : bars));
  };
  const whole = (): ColumnContent | undefined => {
    const part = content();
    if (part === undefined) return undefined;
    const ids = chosenNow();
    const chosen = runs.run_id.map((id) => ids.includes(id));
    const range = (first: number, last: number): string => `${formatMany(last - first + 1, "run")}: ${labels[first]!} – ${labels[last]!}`;
    return { ...part, range, labels, colors: colorsOf(context), chosen, faded: chosen.map((one) => ids.length > 0 && !one) };
  };
  const chart = createColumnChart({
    label: `${options.title}, by run`,
    leastHeight: options.leastHeight ?? leastHeight,
    content: whole,
    choose,
    clear,
  });
  const panel = createPanel({ ...options, clear, table: chart.table });
  panel.body.append(chart.element);
  const render = (): void => {
    panel.empty(chart.render() ? undefined : empty);
    panel.filtering(chosenNow().length > 0);
    panel.update();
  };
  return { element: panel.element, render, panel };
}

export function createRunChart(context: Context, columns: number): Part {
  const { model } = context;
  const content = (): ReturnType<Parameters<typeof runPanel>[2]> => {
    const codes = model.runs.run_id.map((_, code) => code);
    if (codes.length === 0) return undefined;
    const { series, numbers } = byOutcome(context, model.counts("run"), codes);
    const bars = codes.map((code) => ({ title: model.runs.run_id[code]!, numbers: numbers[code]! }));
    return { series, stacked: true, whole: true, value: formatCount, bars };
  };
  return runPanel(
    context,
    {
      id: "runs",
      title: "Runs over time",
      columns,
      hint: "images by outcome; click a run, or drag over several",
      leastHeight: leastTallHeight,
    },
    content,
    "There is no run yet.",
  );
}

export function createThroughputChart(context: Context, columns: number): Part {
  const { runs } = context.model;
  const content = (): ReturnType<Parameters<typeof runPanel>[2]> => {
    if (runs.rows === 0) return undefined;
    const values = [...runs.images_per_second];
    const series = [{ name: "images a second", color: context.color("--accent"), values }];
    const bars = runs.run_id.map((title, code) => ({
      title,
      numbers: [
        ["images a second", short(values[code]!)],
        ["images", formatCount(runs.objects[code]!)],
        ["from start to load", fineDuration(runs.wall_ms[code]!)],
      ] as [string, string][],
    }));
    return { series, stacked: true, whole: false, value: numberText, bars };
  };
  return runPanel(
    context,
    { id: "throughput", title: "Throughput", columns, hint: "images a second of whole runs, start to load" },
    content,
    "There is no run yet.",
  );
}

export function createCostChart(context: Context, columns: number): Part {
  const { runs } = context.model;
  const { currency } = context.facts;
  const content = (): ReturnType<Parameters<typeof runPanel>[2]> => {
    const all: [string, string, Float64Array][] = [
      ["predicted", "--skipped", runs.predicted_cost],
      ["actual", "--accent", runs.actual_cost],
    ];
    const known = all.filter(([, , values]) => isPriced(values));
    if (known.length === 0) return undefined;
    const series = known.map(([name, color, values]) => ({
      name,
      color: context.color(color),
      values: [...values].map((value) => value || 0),
    }));
    const bars = runs.run_id.map((title, code) => ({
      title,
      numbers: known.map(([name, , values]): [string, string] => [
        name,
        Number.isNaN(values[code]) ? "no price" : formatPrice(values[code]!, currency),
      ]),
    }));
    return { series, stacked: false, whole: false, value: (value) => String(Number(value.toPrecision(3))), bars };
  };
  const empty = "No prices: the configurations of these runs had none.";
  return runPanel(context, { id: "cost", title: "Cost", columns, hint: `${currency} a run: grey predicted, blue actual` }, content, empty);
}

/** Images by a number, in bins without the empty ones at both ends. */
export function createHistogram(context: Context, key: Exclude<BinKey, "elapsed">, columns: number): Part {
  return binPanel(context, key, { columns, title: titles[key], hint: "images; click a bar, or drag over a range" }, (codes) => ({
    ...byOutcome(context, context.model.counts(key), codes),
    value: formatCount,
    whole: true,
  }));
}

/** Images a second at each moment of a run, the mean of the runs that match. */
export function createElapsedChart(context: Context, columns: number): Part {
  const { model, facts } = context;
  const part = binPanel(context, "elapsed", { columns, title: "Along the run", hint: "" }, (codes) => {
    const { edges } = model.bins("elapsed");
    const counts = model.counts("elapsed");
    const seconds = ((edges[1] ?? edges[0]! + 1000) - edges[0]!) / 1000;
    const runs = Math.max(1, model.runsMatching().filter(Boolean).length);
    part.panel.hint(`images a second since the start${runs > 1 ? `, mean of ${formatMany(runs, "run")}` : ""}`);
    const rate = (code: number, outcome: number): number => counts[code * outcomes.length + outcome]! / seconds / runs / facts.extent.share;
    return {
      series: outcomes.map((name, outcome) => ({
        name,
        color: context.color(`--${name}`),
        values: codes.map((code) => rate(code, outcome)),
      })),
      numbers: codes.map((code) => [
        ["images a second", short(outcomes.reduce((sum, _, outcome) => sum + rate(code, outcome), 0))],
        ["images", formatCount(totalOf(counts, code))],
      ]),
      value: numberText,
      whole: false,
    };
  });
  return part;
}

interface BinContent {
  series: Series[];
  numbers: [string, string][][];
  value(value: number): string;
  whole: boolean;
}

function binPanel(
  context: Context,
  key: BinKey,
  options: { title: string; columns: number; hint: string },
  content: (codes: number[]) => BinContent,
): Part & { panel: Panel } {
  const { model } = context;
  let [begin, end] = model.bins(key).occupied;
  const chosenRange = (): Range | undefined => context.selection().ranges[key];
  const clear = (): void => context.choose(withRange(context.selection(), key, undefined));
  const choose = (first: number, last: number): void => {
    const range = rangeOf(model.bins(key).edges, begin + first, begin + last);
    const before = chosenRange();
    const again = before !== undefined && before.from === range.from && before.below === range.below;
    context.choose(withRange(context.selection(), key, again ? undefined : range));
  };
  const whole = (): ColumnContent | undefined => {
    [begin, end] = model.bins(key).occupied;
    if (end < begin) return undefined;
    const { edges } = model.bins(key);
    const codes = Array.from({ length: end - begin + 1 }, (_, index) => begin + index);
    const { numbers, ...drawn } = content(codes);
    const range = chosenRange();
    const touched = range && binsTouching(edges, range);
    const chosen = codes.map((code) => touched?.[code] === 1);
    return {
      ...drawn,
      stacked: true,
      labels: [...codes, end + 1].map((code) => (code < edges.length ? edgeText(key, edges[code]!) : "")),
      colors: colorsOf(context),
      bars: codes.map((code, index) => ({ title: rangeText(key, rangeOf(edges, code, code)), numbers: numbers[index]! })),
      range: (first, last) => rangeText(key, rangeOf(edges, codes[first]!, codes[last]!)),
      chosen,
      faded: chosen.map((one) => range !== undefined && !one),
    };
  };
  const chart = createColumnChart({ label: `Images by ${titles[key].toLowerCase()}`, leastHeight, content: whole, choose, clear });
  const panel = createPanel({ id: `by-${key}`, ...options, clear, table: chart.table });
  panel.body.append(chart.element);
  const render = (): void => {
    panel.empty(chart.render() ? undefined : "No image has such a number.");
    panel.filtering(chosenRange() !== undefined);
    panel.update();
  };
  return { element: panel.element, render, panel };
}
