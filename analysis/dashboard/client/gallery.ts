import { formatCount, formatMany } from "../../../core/format.ts";
import type { Context, Part } from "./context.ts";
import type { RowPicture } from "./data.ts";
import { button, h, nameOf, refill } from "./dom.ts";
import { createPanel } from "./panel.ts";

const mostShown = 24;

/** Pictures of quarantined images that match. One leads to every row of its image. */
export function createGallery(context: Context, columns: number): Part {
  const { model, pictures } = context;
  const panel = createPanel({ id: "quarantine", title: "Quarantined", columns });
  const list = h("ul", { class: "gallery" });
  panel.body.append(list);
  const figures = new Map<RowPicture, HTMLElement>();
  const figureOf = (picture: RowPicture): HTMLElement => {
    const known = figures.get(picture) ?? createFigure(context, picture);
    figures.set(picture, known);
    return known;
  };
  const render = (): void => {
    const { quarantined } = model.totals();
    const found = pictures.filter(({ row }) => model.matches(row));
    refill(list, found.slice(0, mostShown).map(figureOf));
    panel.hint(
      found.length === 0 ? "" : `${formatMany(Math.min(found.length, mostShown), "picture")} of ${formatCount(quarantined)} that match`,
    );
    panel.empty(found.length > 0 ? undefined : emptyText(quarantined, pictures.length));
  };
  return { element: panel.element, render };
}

function emptyText(quarantined: number, pictures: number): string {
  if (quarantined === 0) return "Nothing that matches is quarantined.";
  if (pictures === 0) return "Of none of the quarantined images could a picture be made: the copies are gone, or they hold none.";
  return "No pictures of these: a page takes some of each reason, and what is no image has none.";
}

function createFigure(context: Context, { row, width, height, data }: RowPicture): HTMLElement {
  const { name, reason, message } = context.model.images;
  const text = `${name[row]!}, ${reason[row] ?? "quarantined"}`;
  const opener = button("", { class: "picture", "aria-label": `${text}: show every row of this image`, title: message[row] ?? "" }, () =>
    context.choose({ ...context.selection(), values: {}, ranges: {}, text: name[row]! }),
  );
  opener.append(h("img", { src: `data:image/webp;base64,${data}`, width, height, alt: "" }));
  return h("li", {}, h("figure", {}, opener, h("figcaption", {}, h("code", {}, reason[row] ?? ""), " ", nameOf(name[row]!))));
}
