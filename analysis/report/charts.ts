import { formatCount } from "../../core/format.ts";
import { plainDuration } from "../page/durations.ts";
import { fineDuration, percent, short } from "../page/format.ts";
import { markup, type Markup } from "../page/markup.ts";
import type { RunNumbers, Throughput } from "./numbers.ts";

/** Charts as SVG without styles of their own: the page's style sheet colours them, light, dark and on paper. */

const outcomes = ["ok", "skipped", "quarantined"] as const;

/** One bar, split by outcome; the legend under it says the numbers. */
export function outcomeBar(counts: RunNumbers["counts"]): Markup {
  const width = 1000;
  const gap = 4;
  const present = outcomes.filter((outcome) => counts[outcome] > 0);
  // A handful among a million would be less than a pixel: every outcome that occurred stays visible.
  const least = 6;
  const room = width - gap * (present.length - 1);
  const raw = present.map((outcome) => Math.max(least, (counts[outcome] / counts.objects) * room));
  const scale = room / raw.reduce((sum, one) => sum + one, 0);
  let x = 0;
  const parts = present.map((outcome, index) => {
    const own = raw[index]! * scale;
    const part = markup`<rect class="fill-${outcome}" x="${fixed(x)}" y="0" width="${fixed(own)}" height="28" rx="3" />`;
    x += own + gap;
    return part;
  });
  return markup`<svg class="outcome-bar" viewBox="0 0 ${width} 28" preserveAspectRatio="none" aria-hidden="true">${parts}</svg>
    <ul class="legend">
      ${outcomes.map(
        (outcome) =>
          markup`<li>
            <span class="key key-${outcome}"></span>${outcome} <b>${formatCount(counts[outcome])}</b>
            <span class="quiet">${percent(counts[outcome], counts.objects)}</span>
          </li>`,
      )}
    </ul>`;
}

/** Images a second over time, stacked by outcome. */
export function throughputChart(throughput: Throughput): Markup {
  const { buckets, bucketMs } = throughput;
  const [width, height, left, bottom, top] = [720, 220, 46, 26, 10] as const;
  const perSecond = (value: number): number => (value * 1000) / bucketMs;
  const peak = Math.max(...buckets.map((bucket) => perSecond(bucket.ok + bucket.skipped + bucket.quarantined)));
  const ticks = ticksTo(peak);
  const ceiling = ticks.at(-1)!;
  const plot = height - bottom - top;
  const y = (value: number): number => top + plot * (1 - value / ceiling);
  const step = (width - left) / buckets.length;
  const columns = buckets.map((bucket, index) => {
    let from = 0;
    const parts = outcomes.map((outcome) => {
      const to = from + perSecond(bucket[outcome]);
      const part =
        to === from
          ? null
          : markup`<rect
              class="fill-${outcome}"
              x="${fixed(left + index * step + step * 0.06)}"
              y="${fixed(y(to))}"
              width="${fixed(step * 0.88)}"
              height="${fixed(y(from) - y(to))}"
            />`;
      from = to;
      return part;
    });
    return markup`<g>${parts}</g>`;
  });
  const lines = ticks.map(
    (tick) =>
      markup`<line class="grid" x1="${left}" x2="${width}" y1="${fixed(y(tick))}" y2="${fixed(y(tick))}" /><text
          class="axis end"
          x="${left - 8}"
          y="${fixed(y(tick) + 4)}"
          >${short(tick)}</text
        >`,
  );
  const total = buckets.length * bucketMs;
  const markMs = plainDuration(total / 6);
  const marks = Array.from({ length: Math.floor(total / markMs) + 1 }, (_, index) => index * markMs).map(
    (ms) =>
      markup`<text class="axis middle" x="${fixed(left + (ms / total) * (width - left))}" y="${height - 6}">${fineDuration(ms)}</text>`,
  );
  return markup`<svg class="chart" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="throughput-title">
    <title id="throughput-title">Images a second over time, at most ${short(peak)}; the table below has the numbers</title>
    ${lines}${columns}${marks}
  </svg>`;
}

/** 0 and at most five more, at 1, 2 or 5 times a power of ten, the last one not below `peak`. */
function ticksTo(peak: number): number[] {
  if (!(peak > 0)) return [0, 1];
  const rough = peak / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough)!;
  return Array.from({ length: Math.ceil(peak / step) + 1 }, (_, index) => index * step);
}

/** A bar for a table cell; the cell beside it says the number. */
export function meter(value: number, most: number): Markup {
  const share = most > 0 ? Math.max(value > 0 ? 1 : 0, (value / most) * 100) : 0;
  return markup`<svg class="meter" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
    <rect class="meter-track" width="100" height="10" />
    <rect class="meter-value" width="${fixed(share)}" height="10" />
  </svg>`;
}

/** read, process and write of one image as one bar. */
export function stageBar(stages: { read: number; process: number; write: number }, mostMs: number): Markup {
  let x = 0;
  const parts = (["read", "process", "write"] as const).map((stage) => {
    const width = mostMs > 0 ? (stages[stage] / mostMs) * 100 : 0;
    const part = markup`<rect class="stage-${stage}" x="${fixed(x)}" width="${fixed(width)}" height="10" />`;
    x += width;
    return part;
  });
  return markup`<svg class="meter" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">${parts}</svg>`;
}

function fixed(value: number): string {
  return String(Number(value.toFixed(2)));
}
