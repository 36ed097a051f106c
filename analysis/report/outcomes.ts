import type { Reason } from "../../core/types.ts";
import { outcomeBar } from "./charts.ts";
import { formatBytes, formatCount, formatMany } from "../../core/format.ts";
import { addDays, fineDuration, instant, percent, short } from "../page/format.ts";
import { markup, nameOf, type Content, type Markup } from "../page/markup.ts";
import type { ReasonNumbers, RunNumbers, TextCount } from "./numbers.ts";
import type { Picture } from "../pictures/pictures.ts";
import { section, table } from "./table.ts";

export function headline(numbers: RunNumbers): Markup {
  const { counts, processing } = numbers;
  return markup`<header>
    <p class="kicker">imagemill · report of a run</p>
    <h1>${verdict(numbers)}</h1>
    <p class="lead">
      Run <code>${numbers.runId}</code> of ${numbers.runDate}: ${numbers.jobs.join(", ")} over
      <code>${nameOf(numbers.stores.source)}</code>.
      ${processing.startedAt === null ? null : markup`Processed from ${instant(processing.startedAt)} in ${fineDuration(processing.wallMs)}.`}
      <span class="pill">${stateText(numbers)}</span>
    </p>
    <dl class="tiles">
      ${tile("images listed", formatCount(numbers.listed), numbers.unchanged > 0 ? `${formatCount(numbers.unchanged)} unchanged, done before` : null)}
      ${tile("with an outcome", formatCount(counts.objects), `${numbers.shards.committed} of ${formatMany(numbers.shards.planned, "shard")} committed`)}
      ${tile("images a second while processing", short(processing.imagesPerSecond), `${formatBytes(processing.bytesPerSecond)} a second read`)}
      ${tile("outputs", formatCount(counts.outputs), `${formatBytes(counts.bytesOut)} from ${formatBytes(counts.bytesIn)}`)}
    </dl>
  </header>`;
}

function verdict({ counts, listed, unchanged, shards }: RunNumbers): string {
  if (listed === unchanged) return listed === 0 ? "There was nothing to process" : "Nothing was new";
  if (counts.objects === 0) return "No shard is committed yet";
  const others = [
    counts.quarantined > 0 ? `${formatCount(counts.quarantined)} quarantined` : "",
    counts.skipped > 0 ? `${formatCount(counts.skipped)} skipped` : "",
  ];
  const other = others.find((text) => text !== "");
  if (shards.committed < shards.planned) {
    const sofar = `${formatCount(counts.objects)} of ${formatMany(listed - unchanged, "image")} so far: ${formatCount(counts.ok)} ok`;
    return other === undefined ? sofar : `${sofar}, ${other}`;
  }
  if (other !== undefined) return `${formatMany(counts.ok, "image")} ok, ${other}`;
  return counts.ok === 1 ? "The one image is ok" : `All ${formatCount(counts.ok)} images are ok`;
}

function stateText({ state, rowsLoaded }: RunNumbers): string {
  if (rowsLoaded !== null) return `${formatMany(rowsLoaded, "row")} in the warehouse`;
  return state === "sealed" ? "sealed, not loaded yet" : "nothing loaded yet";
}

function tile(label: string, value: string, note: string | null): Markup {
  return markup`<div>
    <dt>${label}</dt>
    <dd>${value}${note === null ? null : markup`<small>${note}</small>`}</dd>
  </div>`;
}

export function outcomeSection({ counts }: RunNumbers): Markup {
  const content = counts.objects === 0 ? markup`<p>None yet.</p>` : outcomeBar(counts);
  return section("outcomes", "Outcomes", content);
}

export function warningSection({ warnings }: RunNumbers): Markup {
  if (warnings.length === 0) return markup``;
  return section(
    "warnings",
    "Ok, with a warning",
    markup`<p>These were processed although something is wrong with them; their rows say what.</p>`,
    textList(warnings),
  );
}

export function reasonSections(numbers: RunNumbers, pictures: Picture[]): Markup[] {
  const quarantined = numbers.reasons.filter((one) => one.outcome === "quarantined");
  const skipped = numbers.reasons.filter((one) => one.outcome === "skipped");
  return [
    quarantined.length === 0
      ? section("quarantined", "Quarantined", markup`<p>Nothing was.</p>`)
      : section(
          "quarantined",
          "Quarantined",
          markup`<p>
            Copies are kept until ${addDays(numbers.runDate, 200)}. Once the cause is mended,
            <code>imagemill replay ${numbers.runId}</code> tries these, and only these, again.
          </p>`,
          quarantined.map((one) => reasonCard(one, numbers, pictures)),
        ),
    skipped.length === 0
      ? markup``
      : section(
          "skipped",
          "Skipped",
          skipped.map((one) => reasonCard(one, numbers, [])),
        ),
  ];
}

function reasonCard(one: ReasonNumbers, { counts }: RunNumbers, pictures: Picture[]): Markup {
  const shown = pictures.filter((picture) => one.examples.some((example) => same(example, picture)));
  const named = one.examples.filter((example) => !shown.some((picture) => same(example, picture))).slice(0, 6);
  return markup`<article class="reason">
    <h3>
      <code>${one.reason}</code> <b>${formatCount(one.objects)}</b>
      <span class="quiet">${percent(one.objects, counts.objects)} · ${formatBytes(one.bytes)}</span>
    </h3>
    <p>${explanations[one.reason]}</p>
    ${one.messages.length === 0 ? null : textList(one.messages)} ${gallery(shown, "quarantined image")}
    ${
      one.objects === 1 || named.length === 0
        ? null
        : markup`<details>
            <summary>${shown.length === 0 ? "Some of them" : "Some without a picture"}</summary>
            ${exampleTable(one.reason, named)}
          </details>`
    }
  </article>`;
}

function same(a: { name: string; generation: string }, b: { name: string; generation: string }): boolean {
  return a.name === b.name && a.generation === b.generation;
}

function exampleTable(reason: Reason, examples: ReasonNumbers["examples"]): Markup {
  return table(
    `Examples of ${reason}`,
    [{ head: "name" }, { head: "size", kind: "number" }, { head: "message" }],
    examples.map((example) => [nameOf(example.name), formatBytes(example.sizeBytes), example.message]),
  );
}

function textList(texts: TextCount[]): Markup {
  return markup`<ul class="texts">
    ${texts.map(({ text, objects, example }) => markup`<li><b>${formatCount(objects)} ×</b> ${nameOf(text)}${example === "" ? null : markup` <span class="quiet">e.g. ${nameOf(example)}</span>`}</li>`)}
  </ul>`;
}

export function gallery(pictures: Picture[], what: string): Content {
  if (pictures.length === 0) return null;
  return markup`<ul class="gallery">
    ${pictures.map(
      (picture) =>
        markup`<li>
          <figure>
            <img
              src="data:image/webp;base64,${Buffer.from(picture.bytes).toString("base64")}"
              width="${picture.width}"
              height="${picture.height}"
              alt="${what}"
            />
            <figcaption>${nameOf(picture.name)}</figcaption>
          </figure>
        </li>`,
    )}
  </ul>`;
}

const explanations: Record<Reason, string> = {
  empty: "The object has no bytes. An upload probably ended before it began.",
  not_an_image: "The bytes are no image of any kind known here, whatever the name says.",
  unsupported_format: "An image, of a kind that is not decoded here. The message names it.",
  corrupt: "The data of the image contradicts itself.",
  truncated: "The image ends too early, as after an interrupted upload. What there is of it may be shown below.",
  too_many_pixels: "The header promises more pixels than limits.maxPixels allows, so it was not decoded.",
  too_large: "More bytes than limits.maxObjectBytes; the object was not read.",
  timeout: "Took longer than limits.imageTimeoutMs, alone in a process.",
  crashed: "Ended the process that decoded it, or exceeded its memory, alone in a process.",
  unreadable: "The store would not give the object. The next run tries it again.",
  job_error: "A job threw an error. The message is the job's own.",
  unchanged: "Done by an earlier run.",
  duplicate: "Equal to another image, byte for byte. Its row names the twin, whose outputs serve both.",
  source_changed: "Replaced or deleted after it was listed. The next run takes what is there then.",
};
