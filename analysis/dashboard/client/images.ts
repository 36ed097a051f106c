import { formatBytes, formatCount } from "../../../core/format.ts";
import { fineDuration, short } from "../../page/format.ts";
import { browserLink, unpackLink } from "../model/links.ts";
import { firstMatching, orderOf } from "../model/order.ts";
import type { SortKey } from "../model/selection.ts";
import type { Context, Part } from "./context.ts";
import { button, h, nameOf, setAttribute } from "./dom.ts";
import { createPanel } from "./panel.ts";
import { runLabels } from "./words.ts";

const step = 25;
const mostShown = 1000;

interface Column {
  head: string;
  sort?: SortKey;
  number?: boolean;
  cell(row: number): Node | string | undefined;
}

/** The images that match, a row each, with a way to the output. */
export function createImageTable(context: Context): Part {
  const { model } = context;
  const { images } = model;
  const labels = runLabels(model);
  const orders = new Map<SortKey, Uint32Array>();
  const valuesOf = (key: SortKey): string[] | Float64Array =>
    ({ processed: images.processed_at, name: images.name, size: images.size_bytes, megapixels: images.megapixels, spent: model.spent })[
      key
    ];
  const orderBy = (key: SortKey): Uint32Array => {
    const order = orders.get(key) ?? orderOf(valuesOf(key));
    orders.set(key, order);
    return order;
  };
  const columns: Column[] = [
    { head: "name", sort: "name", cell: (row) => nameOf(images.name[row]!) },
    { head: "run", sort: "processed", cell: (row) => labels[model.categories("run").codes[row]!] },
    { head: "outcome", cell: (row) => outcomeCell(context, row) },
    { head: "format", cell: (row) => nameOf(images.format[row] ?? "–") },
    { head: "camera", cell: (row) => nameOf(images.camera[row] ?? "–") },
    { head: "size", sort: "size", number: true, cell: (row) => formatBytes(images.size_bytes[row]!) },
    { head: "pixels", sort: "megapixels", number: true, cell: (row) => pixelsText(images.width[row]!, images.height[row]!) },
    { head: "time", sort: "spent", number: true, cell: (row) => fineDuration(model.spent[row]!) },
    { head: "output", cell: (row) => outputLink(context, row) },
  ];
  let limit = step;
  const heads = columns.map((column) => headOf(context, column));
  const rows = h("tbody");
  const more = button("", { class: "more" }, () => {
    limit = Math.min(mostShown, limit + step * 4);
    render();
  });
  const panel = createPanel({ id: "images", title: "Images", columns: 12 });
  panel.body.append(
    h(
      "div",
      { class: "scroll", tabindex: 0, role: "region", "aria-label": "Images that match" },
      h(
        "table",
        { class: "images" },
        h("caption", { class: "unseen" }, "Images that match"),
        h("thead", {}, h("tr", {}, ...heads.map(({ element }) => element))),
        rows,
      ),
    ),
    more,
  );
  let before = "";

  const render = (): void => {
    const { sort } = context.selection();
    // Another selection begins at its top again.
    const now = JSON.stringify(context.selection());
    if (now !== before) limit = step;
    before = now;
    const isLast = (row: number): boolean => Number.isNaN(valuesOf(sort.key)[row]);
    const found = firstMatching({ order: orderBy(sort.key), descending: sort.descending, isLast }, model.matches, limit);
    const { images: matching } = model.totals();
    rows.replaceChildren(...found.map((row) => rowOf(columns, row)));
    for (const { update } of heads) update();
    panel.empty(matching === 0 ? "No image matches. Take a filter away." : undefined);
    panel.hint(matching === 0 ? "" : `${formatCount(found.length)} of ${formatCount(matching)} that match`);
    more.hidden = found.length === matching || limit === mostShown;
    more.textContent = "show more";
  };
  return { element: panel.element, render };
}

function headOf(context: Context, { head, sort, number = false }: Column): { element: HTMLElement; update(): void } {
  const element = h("th", { scope: "col", class: number ? "number" : undefined });
  if (sort === undefined) {
    element.append(head);
    return { element, update: () => undefined };
  }
  const sorter = button(head, { class: "sort" }, () => {
    const { sort: now } = context.selection();
    const descending = now.key === sort ? !now.descending : sort !== "name";
    context.choose({ ...context.selection(), sort: { key: sort, descending } }, "no step");
  });
  element.append(sorter);
  const update = (): void => {
    const { sort: now } = context.selection();
    setAttribute(element, "aria-sort", now.key !== sort ? undefined : now.descending ? "descending" : "ascending");
  };
  return { element, update };
}

function rowOf(columns: Column[], row: number): HTMLElement {
  const cells = columns.map(({ cell, number = false }, index) =>
    index === 0 ? h("th", { scope: "row" }, cell(row)) : h("td", { class: number ? "number" : undefined }, cell(row)),
  );
  return h("tr", {}, ...cells);
}

function outcomeCell({ model }: Context, row: number): HTMLElement {
  const { outcome, reason, message } = model.images;
  const why = reason[row];
  return h(
    "span",
    {},
    h("span", { class: `key key-${outcome[row]!}`, "aria-hidden": "true" }),
    outcome[row],
    ...(why === null || why === undefined ? [] : [": ", h("code", {}, why)]),
    ...(message[row] === null ? [] : [h("small", { class: "message" }, nameOf(message[row]!))]),
  );
}

function pixelsText(width: number, height: number): string {
  return Number.isNaN(width) || Number.isNaN(height) ? "–" : `${width} × ${height}`;
}

function outputLink({ model }: Context, row: number): HTMLElement | string {
  const { output_pattern, output_spread, name, generation } = model.images;
  const pattern = output_pattern[row];
  if (pattern === null || pattern === undefined) return "–";
  const uri = unpackLink({ pattern, spread: output_spread[row] ?? "" }, { name: name[row]!, generation: generation[row]! });
  const href = browserLink(uri);
  if (href === undefined) return nameOf(uri);
  return h("a", { href, rel: "noreferrer", target: "_blank", "aria-label": `open the output of ${name[row]!}` }, "open");
}

const slowestShown = 10;

/** Where the time of the slowest images went. */
export function createSlowest(context: Context, columns: number): Part {
  const { model } = context;
  const { images, spent } = model;
  const order = orderOf(spent);
  const labels = runLabels(model);
  const panel = createPanel({ id: "slowest", title: "Slowest images", columns });
  const list = h("ol", { class: "slowest" });
  const stages = ["read", "process", "write"] as const;
  panel.body.append(
    h(
      "p",
      { class: "legend" },
      ...stages.flatMap((stage) => [h("span", { class: `key stage-${stage}` }), stage === "process" ? "decode and jobs" : stage]),
    ),
    list,
  );
  const itemOf = (row: number, most: number): HTMLElement => {
    const parts = { read: images.read_ms[row]!, process: images.process_ms[row]!, write: images.write_ms[row]! };
    const segments = stages.map((stage) => {
      const segment = h("span", { class: `stage-${stage}` });
      segment.style.width = `${(100 * parts[stage]) / most}%`;
      return segment;
    });
    const what = [labels[model.categories("run").codes[row]!]!, images.format[row] ?? "unknown", formatBytes(images.size_bytes[row]!)];
    if (!Number.isNaN(images.megapixels[row])) what.push(`${short(images.megapixels[row]!)} MP`);
    return h(
      "li",
      {},
      nameOf(images.name[row]!),
      h("span", { class: "number" }, fineDuration(spent[row]!)),
      h("span", { class: "track", "aria-hidden": "true" }, ...segments),
      h(
        "small",
        {},
        what.join(" · "),
        h("span", { class: "unseen" }, `: ${stages.map((stage) => `${stage} ${fineDuration(parts[stage])}`).join(", ")}`),
      ),
    );
  };
  const render = (): void => {
    const rows = firstMatching({ order, descending: true, isLast: () => false }, model.matches, slowestShown);
    const most = Math.max(1e-9, ...rows.map((row) => spent[row]!));
    list.replaceChildren(...rows.map((row) => itemOf(row, most)));
    panel.empty(rows.length === 0 ? "No image matches." : undefined);
  };
  return { element: panel.element, render };
}
