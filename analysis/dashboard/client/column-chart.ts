import { h, refill } from "./dom.ts";
import { createPlot, type PlotContent } from "./plot.ts";
import { createTip } from "./tip.ts";

/** What a chart shows now. */
export interface ColumnContent extends PlotContent {
  /** Of each bar: what it stands for, and its numbers; read by tips, tables and screen readers alike. */
  bars: { title: string; numbers: [name: string, value: string][] }[];
  chosen: boolean[];
  /** What several bars are together. */
  range(first: number, last: number): string;
}

export interface ColumnChartOptions {
  /** What the bars are, for those who do not see them: `Images by size`. */
  label: string;
  /** Pixels; it takes more where its panel is higher. */
  leastHeight: number;
  /** Undefined where there is nothing to draw. */
  content(): ColumnContent | undefined;
  /** Bars `first` to `last`; again the same = take it back. */
  choose(first: number, last: number): void;
  clear(): void;
}

export interface ColumnChart {
  element: HTMLElement;
  /** False where there is nothing to draw. */
  render(): boolean;
  /** The same as a table. */
  table(): HTMLElement;
}

/**
 * Columns that can be chosen: a click takes one, a drag a range; with the keyboard arrows go along, Shift with arrows
 * takes a range, Enter chooses, Esc takes the choice away. To a screen reader it is a list of options.
 */
export function createColumnChart({ label, leastHeight, content, choose, clear }: ColumnChartOptions): ColumnChart {
  const plot = createPlot();
  const cursor = h("div", { class: "cursor", hidden: true });
  const brush = h("div", { class: "brush", hidden: true });
  const list = h("div", { class: "unseen" });
  const element = h(
    "div",
    { class: "plot", tabindex: 0, role: "listbox", "aria-label": label, "aria-multiselectable": "true", "aria-orientation": "horizontal" },
    plot.element,
    cursor,
    brush,
    list,
  );
  element.style.minHeight = `${leastHeight}px`;
  const tip = createTip();
  let now: ColumnContent | undefined;
  let active = 0;
  let anchor: number | undefined;
  let drag: { from: number; to: number } | undefined;

  const cover = (part: HTMLElement, first: number, last: number): void => {
    const [start, end] = [plot.place(first), plot.place(last)];
    part.hidden = false;
    part.style.left = `${start.left}px`;
    part.style.width = `${end.left + end.width - start.left}px`;
  };
  const uncover = (): void => {
    cursor.hidden = true;
    brush.hidden = true;
    tip.hide();
  };
  const ordered = (a: number, b: number): [number, number] => [Math.min(a, b), Math.max(a, b)];
  const showTip = (bar: number, range?: [number, number]): void => {
    const { left, width } = plot.place(bar);
    const looked = now?.bars[bar];
    if (now === undefined || looked === undefined) return;
    if (range === undefined || range[0] === range[1]) tip.show(element, left + width / 2, looked.title, looked.numbers);
    else tip.show(element, left + width / 2, now.range(...range), []);
  };

  /** Options are made when somebody comes to read them. */
  const writeOptions = (): void => {
    refill(
      list,
      (now?.bars ?? []).map(({ title, numbers }, bar) =>
        h(
          "span",
          { role: "option", id: `${idOf(label)}-${bar}`, "aria-selected": String(now?.chosen[bar] === true) },
          `${title}: ${numbers.map(([name, value]) => `${value} ${name}`).join(", ")}`,
        ),
      ),
    );
    element.setAttribute("aria-activedescendant", `${idOf(label)}-${active}`);
  };
  const moveTo = (bar: number, widen: boolean): void => {
    if (now === undefined) return;
    const last = now.bars.length - 1;
    anchor = widen ? (anchor ?? active) : undefined;
    active = Math.min(last, Math.max(0, bar));
    element.setAttribute("aria-activedescendant", `${idOf(label)}-${active}`);
    cover(cursor, ...ordered(anchor ?? active, active));
    showTip(active, anchor === undefined ? undefined : ordered(anchor, active));
  };

  element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || now === undefined) return;
    const bar = plot.barAt(event.clientX);
    drag = { from: bar, to: bar };
    element.setPointerCapture(event.pointerId);
  });
  element.addEventListener("pointermove", (event) => {
    if (now === undefined) return;
    const bar = plot.barAt(event.clientX);
    if (drag === undefined) {
      cover(cursor, bar, bar);
      showTip(bar);
      return;
    }
    drag.to = bar;
    cover(brush, ...ordered(drag.from, drag.to));
    showTip(bar, ordered(drag.from, drag.to));
  });
  element.addEventListener("pointerup", () => {
    if (drag === undefined) return;
    const [first, last] = ordered(drag.from, drag.to);
    [drag, active, anchor] = [undefined, first, undefined];
    uncover();
    choose(first, last);
  });
  element.addEventListener("pointercancel", () => {
    drag = undefined;
    uncover();
  });
  element.addEventListener("pointerleave", () => {
    if (drag === undefined) uncover();
  });
  element.addEventListener("focus", () => {
    writeOptions();
    if (element.matches(":focus-visible")) moveTo(active, false);
  });
  element.addEventListener("blur", () => {
    uncover();
    list.replaceChildren();
  });
  element.addEventListener("keydown", (event) => {
    if (now === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    const last = now.bars.length - 1;
    const steps: Record<string, number> = { ArrowLeft: active - 1, ArrowRight: active + 1, Home: 0, End: last };
    const step = steps[event.key];
    if (step !== undefined) moveTo(step, event.shiftKey);
    else if (event.key === "Enter" || event.key === " ") choose(...ordered(anchor ?? active, active));
    else if (event.key === "Escape" && now.chosen.includes(true)) clear();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  return {
    element,
    render: () => {
      now = content();
      if (now === undefined) return false;
      active = Math.min(active, now.bars.length - 1);
      plot.draw(now);
      if (document.activeElement === element) writeOptions();
      return true;
    },
    table: () => tableOf(label, content()),
  };
}

function tableOf(label: string, content: ColumnContent | undefined): HTMLElement {
  const bars = content?.bars ?? [];
  const heads = bars[0]?.numbers.map(([name]) => name) ?? [];
  return h(
    "div",
    { class: "scroll tall", tabindex: 0, role: "region", "aria-label": label },
    h(
      "table",
      {},
      h("caption", { class: "unseen" }, label),
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          h("th", { scope: "col" }, h("span", { class: "unseen" }, label)),
          ...heads.map((head) => h("th", { scope: "col", class: "number" }, head)),
        ),
      ),
      h(
        "tbody",
        {},
        ...bars.map(({ title, numbers }) =>
          h("tr", {}, h("th", { scope: "row" }, title), ...numbers.map(([, value]) => h("td", { class: "number" }, value))),
        ),
      ),
    ),
  );
}

function idOf(label: string): string {
  return `option-${label.toLowerCase().replace(/[^a-z]+/g, "-")}`;
}
