import { contentSection, outputSection } from "./contents.ts";
import { documentOf } from "../page/document.ts";
import { markup, textOf, type Markup } from "../page/markup.ts";
import type { RunNumbers } from "./numbers.ts";
import { headline, outcomeSection, reasonSections, warningSection } from "./outcomes.ts";
import { noPictures, type Pictures } from "../pictures/pictures.ts";
import { placesSection, sqlSection } from "./places.ts";
import { slowestSections, throughputSection } from "./speed.ts";
import { style } from "./style.ts";

/** One self-contained page about a run. Pure: equal numbers and pictures give an equal page. */
export function render(numbers: RunNumbers, pictures: Pictures = noPictures): string {
  const main = [
    outcomeSection(numbers),
    ...reasonSections(numbers, pictures.quarantined),
    warningSection(numbers),
    outputSection(numbers, pictures.outputs),
    throughputSection(numbers),
    ...slowestSections(numbers),
    contentSection(numbers),
    placesSection(numbers),
    sqlSection(numbers),
  ].filter((part) => textOf(part) !== "");
  const body = markup`<a class="skip" href="#main">Skip to the report</a>
${headline(numbers)}
${contentsOf(main)}
<main id="main">
${main.map((part) => markup`${part}\n`)}</main>
<footer>
<p>Made by imagemill from the run's own files; the numbers are in <code>report.json</code> beside this page. Plan <code>${numbers.planId}</code>.</p>
</footer>`;
  return documentOf({ title: `imagemill run ${numbers.runId}`, style, body });
}

/** Links to the sections that are there. */
function contentsOf(sections: Markup[]): Markup {
  const links = sections
    .map((part) => /^<section id="([a-z-]+)"[^>]*>\s*<h2[^>]*>([^<]+)</.exec(textOf(part)))
    .filter((found) => found !== null);
  return markup`<nav aria-label="Sections">
    <ul>
      ${links.map(([, id, title]) => markup`<li><a href="#${id}">${title}</a></li>`)}
    </ul>
  </nav>`;
}
