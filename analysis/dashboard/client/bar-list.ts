import { formatCount } from "../../../core/format.ts";
import { percent } from "../../page/format.ts";
import { noReason, outcomes, totalOf, unknown } from "../model/dashboard.ts";
import { toggled, withValues, type CategoryKey } from "../model/selection.ts";
import type { Context, Part } from "./context.ts";
import { button, h, nameOf, refill, setAttribute } from "./dom.ts";
import { createPanel } from "./panel.ts";
import { titles } from "./words.ts";

const shown = 7;
const shownAtMost = 60;

interface Line {
  /** The item of the list; kept, so that the focus is. */
  element: HTMLElement;
  update(counts: Uint32Array, code: number, most: number, all: number, chosen: boolean | undefined): void;
}

/** Values of a text column as buttons with bars, the most frequent first. Each is a filter that a click turns on and off. */
export function createBarList(context: Context, key: CategoryKey, columns: number): Part {
  const { model } = context;
  const { values } = model.categories(key);
  const list = h("ul", { class: "bar-list", "aria-labelledby": `by-${key}-title` });
  let open = false;
  const more = button("", { class: "more", "aria-expanded": "false" }, () => {
    open = !open;
    setAttribute(more, "aria-expanded", String(open));
    render();
  });
  const panel = createPanel({
    id: `by-${key}`,
    title: titles[key],
    columns,
    clear: () => context.choose(withValues(context.selection(), key, [])),
  });
  panel.body.append(list, more);
  const lines = new Map<number, Line>();
  const lineOf = (code: number): Line => {
    let line = lines.get(code);
    if (line === undefined) {
      line = createLine(values[code]!, () => context.choose(toggled(context.selection(), key, values[code]!)));
      lines.set(code, line);
    }
    return line;
  };

  const render = (): void => {
    const counts = model.counts(key);
    const chosen = context.selection().values[key];
    const isChosen = (code: number): boolean => chosen?.includes(values[code]!) === true;
    const total = (code: number): number => totalOf(counts, code);
    const present = values
      .map((_, code) => code)
      .filter((code) => (total(code) > 0 || isChosen(code)) && !(key === "reason" && values[code] === noReason));
    // Outcomes keep their places; the rest comes in order of what matches now, what is not known last.
    const isUnknown = (code: number): boolean => values[code] === unknown;
    if (key !== "outcome") present.sort((a, b) => Number(isUnknown(a)) - Number(isUnknown(b)) || total(b) - total(a) || a - b);
    // One more line takes no more room than the button that would show it.
    const visible = present.slice(0, open ? shownAtMost : present.length === shown + 1 ? present.length : shown);
    visible.push(...present.filter((code) => isChosen(code) && !visible.includes(code)));
    // What is not known has no bar: it would dwarf the others and say nothing.
    const most = Math.max(1, ...visible.filter((code) => !isUnknown(code)).map(total));
    const all = present.reduce((sum, code) => sum + total(code), 0);
    refill(
      list,
      visible.map((code) => {
        const line = lineOf(code);
        line.update(counts, code, most, all, chosen && isChosen(code));
        return line.element;
      }),
    );
    const hidden = present.length - Math.min(present.length, shown);
    more.hidden = hidden <= 1;
    more.textContent = open ? "fewer" : `${formatCount(hidden)} more`;
    panel.empty(present.length > 0 ? undefined : key === "reason" ? "Nothing is skipped or quarantined here." : "No image matches.");
    panel.filtering(chosen !== undefined);
  };
  return { element: panel.element, render };
}

function createLine(value: string, onClick: () => void): Line {
  const number = h("span", { class: "number" });
  const share = h("span", { class: "number quiet share" });
  const segments = outcomes.map((outcome) => h("span", { class: `key-${outcome}` }));
  const choice = button("", { class: "line" }, onClick);
  choice.append(
    h("span", { class: "label" }, nameOf(value)),
    number,
    h("span", { class: "unseen" }, " images, "),
    share,
    h("span", { class: "track", "aria-hidden": "true" }, ...segments),
  );
  return {
    element: h("li", {}, choice),
    update: (counts, code, most, all, chosen) => {
      const total = totalOf(counts, code);
      choice.classList.toggle("no-bar", value === unknown);
      number.textContent = formatCount(total);
      share.textContent = percent(total, all);
      segments.forEach((segment, outcome) => {
        segment.style.width = `${(100 * counts[code * outcomes.length + outcome]!) / most}%`;
      });
      setAttribute(choice, "aria-pressed", String(chosen === true));
      choice.classList.toggle("faded", chosen === false);
    },
  };
}
