import { formatBytes, formatCount, formatMany, formatPrice } from "../../../core/format.ts";
import { fineDuration, percent, short } from "../../page/format.ts";
import { binKeys, categoryKeys, isFiltered, toggled, withRange, withValues, withoutFilters, type CategoryKey } from "../model/selection.ts";
import { browserLink } from "../model/links.ts";
import type { Context, Part } from "./context.ts";
import { button, h, nameOf, refill, setAttribute } from "./dom.ts";
import { dayText, rangeText, runLabels, titles } from "./words.ts";

/** What the page is about, the search and the switch of light and dark. */
export function createHeader(context: Context): Part {
  const { facts } = context;
  const title = h("h1");
  const search = h("input", {
    type: "search",
    placeholder: "Part of a name",
    "aria-label": "Images whose name contains",
    spellcheck: "false",
    autocomplete: "off",
  });
  let waiting: ReturnType<typeof setTimeout> | undefined;
  search.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => context.choose({ ...context.selection(), text: search.value }, "no step"), 150);
  });
  const theme = button("", { class: "theme" }, () =>
    context.choose({ ...context.selection(), theme: isDark() ? "light" : "dark" }, "no step"),
  );
  const element = h(
    "header",
    { class: "head" },
    h(
      "div",
      {},
      h("p", { class: "kicker" }, "imagemill · dashboard"),
      title,
      h("p", { class: "lead" }, nameOf(facts.warehouse), ` · ${extentText(context)}`),
    ),
    h("div", { class: "controls" }, search, theme),
  );
  const render = (): void => {
    const { images, runs } = context.model;
    title.textContent = `${formatMany(images.rows, "image")}${facts.extent.share < 1 ? ", a sample," : ""} in ${formatMany(runs.rows, "run")}`;
    if (document.activeElement !== search) search.value = context.selection().text;
    theme.textContent = isDark() ? "Light" : "Dark";
    setAttribute(theme, "aria-label", isDark() ? "Light colours" : "Dark colours");
  };
  return { element, render };
}

function isDark(): boolean {
  const { theme } = document.documentElement.dataset;
  return theme === undefined ? window.matchMedia("(prefers-color-scheme: dark)").matches : theme === "dark";
}

/** What is shown, and what is left out. */
function extentText({ facts: { extent, limits, madeAt }, model }: Context): string {
  const made = `made ${new Date(madeAt).toISOString().slice(0, 16).replace("T", " ")} UTC`;
  if (extent.firstDate === undefined || extent.lastDate === undefined) return made;
  const dates =
    extent.firstDate === extent.lastDate ? dayText(extent.lastDate) : `${dayText(extent.firstDate)} – ${dayText(extent.lastDate)}`;
  const parts = [`${dates} ${extent.lastDate.slice(0, 4)}`, made];
  if (extent.share < 1) {
    parts.push(
      `sample: ${short(extent.share * 100)} % of ${formatCount(extent.objects)} images, chosen by name (at most ${formatCount(limits.rows)}); counts are of the sample, runs are whole`,
    );
  } else if (model.images.rows < extent.objects) {
    parts.push(`${formatMany(extent.objects - model.images.rows, "image")} of these runs are not in the warehouse any more`);
  }
  if (extent.olderRuns > 0) parts.push(`${formatMany(extent.olderRuns, "older run")} left out (newest ${limits.days} days)`);
  return parts.join(" · ");
}

const chipsAKey = 4;

/** What is filtered by, each with a way to take it away. Stays in sight. */
export function createChips(context: Context): Part {
  const count = h("span", { class: "count", role: "status" });
  const chips = h("span", { class: "chips" });
  const all = button("Clear all", { class: "small" }, () => context.choose(withoutFilters(context.selection())));
  const runPage = h("a", { rel: "noreferrer", target: "_blank" }, "the page of this run");
  const element = h("div", { class: "filters", role: "group", "aria-label": "Filters" }, count, chips, all, runPage);
  const labels = new Map(context.model.runs.run_id.map((id, code) => [id, runLabels(context.model)[code]!]));
  const chip = (what: string, value: string, remove: () => void): HTMLElement => {
    const remover = button("", { class: "chip", "aria-label": `Take away the filter ${what} ${value}` }, remove);
    remover.append(h("span", { class: "quiet" }, what), " ", nameOf(value), h("span", { "aria-hidden": "true", class: "cross" }, "×"));
    return remover;
  };
  const categoryChips = (key: CategoryKey): HTMLElement[] => {
    const values = context.selection().values[key] ?? [];
    const written = (value: string): string => (key === "run" ? (labels.get(value) ?? value) : value);
    if (values.length > chipsAKey) {
      return [
        chip(titles[key], `${written(values[0]!)} and ${values.length - 1} more`, () =>
          context.choose(withValues(context.selection(), key, [])),
        ),
      ];
    }
    return values.map((value) => chip(titles[key], written(value), () => context.choose(toggled(context.selection(), key, value))));
  };
  const render = (): void => {
    const selection = context.selection();
    const filtered = isFiltered(selection);
    const ranges = binKeys.flatMap((key) => {
      const range = selection.ranges[key];
      return range === undefined
        ? []
        : [chip(titles[key], rangeText(key, range), () => context.choose(withRange(context.selection(), key, undefined)))];
    });
    const text = selection.text === "" ? [] : [chip("Name", selection.text, () => context.choose({ ...context.selection(), text: "" }))];
    refill(chips, [...categoryKeys.flatMap(categoryChips), ...ranges, ...text]);
    all.hidden = !filtered;
    const [run, ...otherRuns] = selection.values.run ?? [];
    const href =
      run !== undefined && labels.has(run) && otherRuns.length === 0 ? browserLink(context.facts.runPage.replace("{run}", run)) : undefined;
    setAttribute(runPage, "href", href);
    runPage.hidden = href === undefined;
    const { images } = context.model.totals();
    const whole = context.model.images.rows;
    count.textContent = filtered ? `${formatCount(images)} of ${formatMany(whole, "image")}` : `All ${formatMany(whole, "image")}`;
    element.classList.toggle("filtering", filtered);
  };
  return { element, render };
}

/** The numbers of what matches. */
export function createTiles(context: Context): Part {
  const element = h("dl", { class: "tiles" });
  const tile = (label: string, value: string, note: string, kind = ""): HTMLElement =>
    h(
      "div",
      {},
      h("dt", {}, ...(kind === "" ? [] : [h("span", { class: `key key-${kind}`, "aria-hidden": "true" })]), label),
      h("dd", {}, value, h("small", {}, note)),
    );
  const render = (): void => {
    const { images, ok, skipped, quarantined, bytes, medianSpentMs, runs, imagesPerSecond, predictedCost, actualCost } =
      context.model.totals();
    const cost = actualCost ?? predictedCost;
    const price = (value: number): string => formatPrice(value, context.facts.currency);
    element.replaceChildren(
      tile("ok", formatCount(ok), `${percent(ok, images)} of ${formatMany(images, "image")}`, "ok"),
      tile("quarantined", formatCount(quarantined), percent(quarantined, images), "quarantined"),
      tile("skipped", formatCount(skipped), percent(skipped, images), "skipped"),
      tile("read", formatBytes(bytes), images === 0 ? "" : `${formatBytes(bytes / images)} an image`),
      tile("median time", medianSpentMs === undefined ? "–" : fineDuration(medianSpentMs), "from read to write"),
      tile("images a second", runs === 0 ? "–" : short(imagesPerSecond), runs === 1 ? "the whole run" : formatMany(runs, "whole run")),
      tile("cost", cost === undefined ? "–" : price(cost), costNote(predictedCost, actualCost, price)),
    );
  };
  return { element, render };
}

function costNote(predicted: number | undefined, actual: number | undefined, price: (value: number) => string): string {
  if (actual !== undefined) return predicted === undefined ? "of whole runs" : `predicted ${price(predicted)}`;
  return predicted === undefined ? "no prices" : "predicted, of whole runs";
}
