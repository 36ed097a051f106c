import { createModel } from "../model/dashboard.ts";
import { isFiltered, readSelection, withoutFilters, writeSelection, type Selection, type Theme } from "../model/selection.ts";
import { createBarList } from "./bar-list.ts";
import { createCostChart, createElapsedChart, createHistogram, createRunChart, createThroughputChart } from "./charts.ts";
import type { Context, Part } from "./context.ts";
import { readPage } from "./data.ts";
import { h, need } from "./dom.ts";
import { createGallery } from "./gallery.ts";
import { createChips, createHeader, createTiles } from "./head.ts";
import { createImageTable, createSlowest } from "./images.ts";

/* The page: data and selection in, parts drawn. The selection lives in the address, so that it can be shared and undone. */

const root = need(document.getElementById("dashboard"), "place to draw in");

async function start(): Promise<void> {
  const { facts, pictures, images, runs } = await readPage();
  const model = createModel(images, runs);
  let selection = readSelection(location.hash);
  const parts: Part[] = [];
  const probe = h("span", { hidden: true });
  document.body.append(probe);

  const colors = new Map<string, string>();
  const draw = (theme: Theme | undefined): void => {
    colors.clear();
    if (theme === undefined) delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = theme;
    for (const part of parts) part.render();
  };
  const show = (next: Selection): void => {
    selection = next;
    model.select(next);
    draw(next.theme);
  };
  const context: Context = {
    model,
    facts,
    pictures,
    selection: () => selection,
    choose: (next, step = "step") => {
      const hash = `#${writeSelection(next)}`;
      if (hash !== `#${writeSelection(selection)}`) {
        if (step === "step") history.pushState(null, "", hash);
        else history.replaceState(null, "", hash);
      }
      show(next);
    },
    color: (property) => {
      let color = colors.get(property);
      if (color === undefined) {
        probe.style.color = `var(${property})`;
        colors.set(property, (color = getComputedStyle(probe).color));
      }
      return color;
    },
  };

  const header = createHeader(context);
  const head = [createChips(context), createTiles(context)];
  const grid = [
    createRunChart(context, 8),
    stack(createBarList(context, "outcome", 12), createBarList(context, "reason", 12)),
    createBarList(context, "format", 4),
    createBarList(context, "camera", 4),
    createBarList(context, "color", 4),
    createHistogram(context, "size", 4),
    createHistogram(context, "megapixels", 4),
    createHistogram(context, "spent", 4),
    createThroughputChart(context, 4),
    createElapsedChart(context, 4),
    createCostChart(context, 4),
    createGallery(context, 7),
    createSlowest(context, 5),
    createImageTable(context),
  ];
  parts.push(header, ...head, ...grid);
  const panels = h("div", { class: "panels" }, ...grid.map(({ element }) => element));
  root.replaceChildren(header.element, h("main", {}, ...head.map(({ element }) => element), panels));
  show(selection);

  window.addEventListener("popstate", () => show(readSelection(location.hash)));
  window.addEventListener("hashchange", () => show(readSelection(location.hash)));
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => show(selection));
  // Paper is light.
  window.addEventListener("beforeprint", () => draw("light"));
  window.addEventListener("afterprint", () => draw(selection.theme));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.target instanceof HTMLInputElement || !isFiltered(selection)) return;
    context.choose(withoutFilters(selection));
  });
  document.documentElement.dataset["ready"] = "true";
}

/** Parts one above the other in the place of one. */
function stack(...parts: Part[]): Part {
  return {
    element: h("div", { class: "stack wide-4" }, ...parts.map(({ element }) => element)),
    render: () => parts.forEach((part) => part.render()),
  };
}

start().catch((error: unknown) => {
  root.replaceChildren(h("p", { class: "waiting", role: "alert" }, `This page cannot be drawn: ${String(error)}`));
  throw error;
});
