import { BarChart } from "echarts/charts";
import { GridComponent } from "echarts/components";
import * as echarts from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import { short } from "../../page/format.ts";
import { formatCount } from "../../../core/format.ts";
import { h } from "./dom.ts";

echarts.use([BarChart, GridComponent, CanvasRenderer]);

export interface Series {
  name: string;
  color: string;
  values: number[];
}

export interface PlotContent {
  series: Series[];
  /** On top of each other, or side by side. */
  stacked: boolean;
  /** Bars that stand back, since they are not chosen. */
  faded: boolean[];
  /** Under the bars' middles, or at the edges between them: then one more than there are bars. */
  labels: string[];
  colors: { quiet: string; line: string };
  value(value: number): string;
  /** Whether what the bars count comes whole: images do, rates do not. */
  whole: boolean;
}

export interface Plot {
  element: HTMLElement;
  draw(content: PlotContent): void;
  /** Left edge and width of a bar's place, in pixels of `element`. */
  place(bar: number): { left: number; width: number };
  barAt(clientX: number): number;
}

const margins = { left: 50, right: 20, top: 10, bottom: 24 };

/** Columns drawn by ECharts, as large as the place they are in. What is touched and read is elsewhere: the drawing itself says nothing to a screen reader. */
export function createPlot(): Plot {
  const canvas = h("div", { class: "canvas", "aria-hidden": "true" });
  let chart: echarts.ECharts | undefined;
  let content: PlotContent | undefined;
  const bars = (): number => content?.series[0]?.values.length ?? 0;

  const paint = (): void => {
    if (content === undefined || canvas.clientWidth === 0) return;
    chart ??= echarts.init(canvas, undefined, { renderer: "canvas", devicePixelRatio: Math.max(2, window.devicePixelRatio) });
    chart.setOption(optionOf(content, canvas.clientWidth), { notMerge: true });
  };
  new ResizeObserver(() => {
    chart?.resize();
    paint();
  }).observe(canvas);

  const width = (): number => Math.max(1, canvas.clientWidth - margins.left - margins.right);
  return {
    element: canvas,
    draw: (next) => {
      content = next;
      paint();
    },
    place: (bar) => ({ left: margins.left + (bar * width()) / bars(), width: width() / bars() }),
    barAt: (clientX) => {
      const along = (clientX - canvas.getBoundingClientRect().left - margins.left) / width();
      return Math.min(bars() - 1, Math.max(0, Math.floor(along * bars())));
    },
  };
}

function optionOf({ series, stacked, faded, labels, colors, value, whole }: PlotContent, width: number): echarts.EChartsCoreOption {
  const bars = series[0]?.values.length ?? 0;
  const atEdges = labels.length === bars + 1;
  const widest = Math.max(1, ...labels.map((label) => label.length)) * 6.5 + 12;
  const every = Math.max(1, Math.ceil((labels.length * widest) / width));
  const text = { color: colors.quiet, fontSize: 11, fontFamily: "system-ui, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif" };
  const line = { lineStyle: { color: colors.line } };
  const shared = { axisTick: { show: false }, splitLine: { show: false } };
  return {
    animation: false,
    grid: { ...margins, outerBoundsMode: "none" },
    xAxis: [
      {
        type: "category",
        data: Array.from({ length: bars }, (_, bar) => bar),
        ...shared,
        axisLine: { ...line, onZero: false },
        axisLabel: { ...text, show: !atEdges, interval: every - 1, formatter: (bar: string) => labels[Number(bar)] ?? "" },
      },
      {
        type: "value",
        position: "bottom",
        show: atEdges,
        min: 0,
        max: Math.max(1, bars),
        interval: every,
        ...shared,
        axisLine: { show: false },
        axisLabel: { ...text, formatter: (edge: number) => (edge % every === 0 ? (labels[edge] ?? "") : "") },
      },
    ],
    yAxis: {
      type: "value",
      min: 0,
      splitNumber: 3,
      ...(whole && { minInterval: 1 }),
      axisLine: { show: false },
      axisTick: { show: false },
      splitLine: line,
      axisLabel: { ...text, formatter: value },
    },
    series: series.map(({ name, color, values }) => ({
      type: "bar",
      name,
      ...(stacked && { stack: "all" }),
      silent: true,
      barCategoryGap: bars > 60 ? "10%" : "18%",
      barGap: "5%",
      barMaxWidth: stacked ? 56 : 28,
      itemStyle: { color },
      data: values.map((one, bar) => (faded[bar] === true ? { value: one, itemStyle: { opacity: 0.28 } } : one)),
    })),
  };
}

/** Whole numbers as counts, others with the figures that they need. */
export function numberText(value: number): string {
  return Number.isInteger(value) ? formatCount(value) : short(value);
}
