import { createHash } from "node:crypto";
import { contentSection, outputSection } from "./contents.ts";
import { markup, textOf, trusted, type Markup } from "./markup.ts";
import type { RunNumbers } from "./numbers.ts";
import { headline, outcomeSection, reasonSections, warningSection } from "./outcomes.ts";
import { noPictures, type Pictures } from "./pictures.ts";
import { placesSection, sqlSection } from "./places.ts";
import { slowestSections, throughputSection } from "./speed.ts";
import { style } from "./style.ts";

/** Nothing is fetched and nothing runs: pictures are in the page, and the one style sheet is named by its digest. */
const policy = [
  "default-src 'none'",
  "img-src data:",
  `style-src 'sha256-${createHash("sha256").update(style).digest("base64")}'`,
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

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
  const page = markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>imagemill run ${numbers.runId}</title>
<style>${trusted(style)}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the report</a>
${headline(numbers)}
${contentsOf(main)}
<main id="main">
${main.map((part) => markup`${part}\n`)}</main>
<footer>
<p>Made by imagemill from the run's own files; the numbers are in <code>report.json</code> beside this page. Plan <code>${numbers.planId}</code>.</p>
</footer>
</body>
</html>
`;
  return textOf(page);
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
