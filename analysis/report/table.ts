import { markup, type Content, type Markup } from "../page/markup.ts";

export interface Column {
  head: string;
  /** Numbers stand at the right edge; `bar` takes what width is left. */
  kind?: "number" | "bar";
}

/** A first column of text and numbers after it. */
export function numberColumns([first, ...others]: [string, ...string[]]): Column[] {
  return [{ head: first }, ...others.map((head): Column => ({ head, kind: "number" }))];
}

/**
 * A table that scrolls by itself where the screen is narrow. The first cell of a row is its header. The caption of the
 * only table under a heading that says the same is for screen readers alone.
 */
export function table(caption: string, columns: Column[], rows: Content[][], show: "caption" | "rows only" = "caption"): Markup {
  const classOf = (index: number): string => columns[index]?.kind ?? "text";
  const cell = (content: Content, index: number): Markup =>
    index === 0 ? markup`<th scope="row" class="${classOf(index)}">${content}</th>` : markup`<td class="${classOf(index)}">${content}</td>`;
  return markup`<div class="scroll" tabindex="0" role="region" aria-label="${caption}">
    <table>
      <caption class="${show === "caption" ? "" : "unseen"}">
        ${caption}
      </caption>
      <thead>
        <tr>
          ${columns.map(({ head }, index) => markup`<th scope="col" class="${classOf(index)}">${head}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            markup`<tr>
              ${row.map(cell)}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

export function section(id: string, title: string, ...content: Content[]): Markup {
  return markup`<section id="${id}" aria-labelledby="${id}-title">
    <h2 id="${id}-title">${title}</h2>
    ${content}
  </section>`;
}
