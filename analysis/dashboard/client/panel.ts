import { button, h, setAttribute } from "./dom.ts";

export interface PanelOptions {
  id: string;
  title: string;
  /** How wide it stands on a wide screen, of twelve columns. */
  columns: number;
  /** What to do here, or what the numbers are. */
  hint?: string;
  /** Takes the panel's filter away. */
  clear?: () => void;
  /** Makes the panel's content as a table. */
  table?: () => HTMLElement;
}

export interface Panel {
  element: HTMLElement;
  body: HTMLElement;
  hint(text: string): void;
  /** Whether the panel filters the page now. */
  filtering(yes: boolean): void;
  /** Says why there is nothing to see in the place of the content; undefined shows the content. */
  empty(why: string | undefined): void;
  /** To be called when the content has changed. */
  update(): void;
}

/** A card with a heading, which can show its content as a table. */
export function createPanel({ id, title, columns, hint = "", clear, table }: PanelOptions): Panel {
  const body = h("div", { class: "body" });
  const other = h("div", { class: "as-table", hidden: true });
  const nothing = h("p", { class: "empty", hidden: true });
  const note = h("p", { class: "hint" }, hint);
  const clearer =
    clear === undefined
      ? undefined
      : button("Clear", { class: "small", hidden: true, "aria-label": `Clear the filter on ${title.toLowerCase()}` }, clear);
  let asTable = false;
  const switcher =
    table === undefined
      ? undefined
      : button("Table", { class: "small", "aria-pressed": "false", "aria-label": `${title} as a table` }, () => {
          asTable = !asTable;
          setAttribute(switcher!, "aria-pressed", String(asTable));
          panel.update();
        });
  const element = h(
    "section",
    { id, class: `panel wide-${columns}`, "aria-labelledby": `${id}-title` },
    h("header", {}, h("h2", { id: `${id}-title` }, title), note, h("span", { class: "tools" }, clearer, switcher)),
    body,
    other,
    nothing,
  );
  const panel: Panel = {
    element,
    body,
    hint: (text) => {
      note.textContent = text;
    },
    filtering: (yes) => {
      element.classList.toggle("filtering", yes);
      if (clearer !== undefined) clearer.hidden = !yes;
    },
    empty: (why) => {
      nothing.textContent = why ?? "";
      nothing.hidden = why === undefined;
      element.classList.toggle("is-empty", why !== undefined);
      if (switcher !== undefined) switcher.hidden = why !== undefined;
    },
    update: () => {
      element.classList.toggle("table-shown", asTable);
      other.hidden = !asTable;
      if (asTable && table !== undefined) other.replaceChildren(table());
    },
  };
  return panel;
}
