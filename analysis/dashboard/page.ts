import { documentOf } from "../page/document.ts";
import { markup, trusted, type Markup } from "../page/markup.ts";
import type { RowPicture } from "./illustrate.ts";
import type { Extent } from "./read.ts";
import { style } from "./style.ts";

/** What the page knows besides the two tables. */
export interface Facts {
  /** URL of the warehouse. */
  warehouse: string;
  extent: Extent;
  limits: { days: number; rows: number };
  /** Where the page of a run is, its id as `{run}`. */
  runPage: string;
  /** ISO 4217, of all prices. */
  currency: string;
  /** Milliseconds since 1970. */
  madeAt: number;
}

export interface PageContent {
  facts: Facts;
  /** Gzipped Parquet: the columns of `model/columns.ts`. */
  images: Uint8Array;
  runs: Uint8Array;
  pictures: RowPicture[];
  script: string;
}

/** One self-contained page. Pure: equal content gives an equal page. */
export function render({ facts, images, runs, pictures, script }: PageContent): string {
  const body = markup`<a class="skip" href="#images">Skip to the images</a>
<div id="dashboard">
  <noscript><p>This page draws itself: it needs JavaScript, which it brings with it. Nothing is fetched.</p></noscript>
  <p class="waiting">Unpacking the data …</p>
</div>
${block("facts", "application/json", json(facts))}
${block("pictures", "application/json", json(pictures))}
${block("run-data", "application/vnd.apache.parquet+gzip", Buffer.from(runs).toString("base64"))}
${block("image-data", "application/vnd.apache.parquet+gzip", Buffer.from(images).toString("base64"))}
`;
  return documentOf({ title: "imagemill dashboard", style, body, script });
}

/** Data, not code: no browser runs a script of such a type. */
function block(id: string, type: string, content: string): Markup {
  return markup`<script type="${type}" id="${id}">${trusted(content)}</script>`;
}

/** Without any `<`, so that nothing in it can end its element. */
function json(value: unknown): string {
  return JSON.stringify(value).replaceAll("<", "\\u003c");
}
