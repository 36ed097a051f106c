import { meter } from "./charts.ts";
import { formatBytes, formatCount } from "../../core/format.ts";
import { fineDuration, short } from "../page/format.ts";
import { markup, nameOf, type Markup } from "../page/markup.ts";
import type { Bin, RunNumbers } from "./numbers.ts";
import { gallery } from "./outcomes.ts";
import type { Picture } from "../pictures/pictures.ts";
import { section, table } from "./table.ts";

export function contentSection(numbers: RunNumbers): Markup {
  if (numbers.counts.objects === 0) return markup``;
  return section(
    "images",
    "What the images are",
    formatTable(numbers.formats),
    markup`<div class="columns">
      ${binTable("Size of the file", numbers.sizes, formatBytes)}${binTable("Megapixels", numbers.megapixels, short)}
    </div>`,
  );
}

function formatTable(formats: RunNumbers["formats"]): Markup {
  const most = Math.max(...formats.map((format) => format.objects));
  return table(
    "Formats",
    [
      { head: "format" },
      { head: "images", kind: "number" },
      { head: "share", kind: "bar" },
      { head: "bytes", kind: "number" },
      { head: "time a megapixel", kind: "number" },
    ],
    formats.map((one) => [
      nameOf(one.format),
      formatCount(one.objects),
      meter(one.objects, most),
      formatBytes(one.bytes),
      one.megapixels === 0 ? "–" : fineDuration(one.processMs / one.megapixels),
    ]),
  );
}

/** Empty bins at both ends say nothing and are left out. */
function binTable(caption: string, bins: Bin[], write: (value: number) => string): Markup {
  const first = bins.findIndex((bin) => bin.objects > 0);
  const last = bins.findLastIndex((bin) => bin.objects > 0);
  if (first < 0) return markup``;
  const most = Math.max(...bins.map((bin) => bin.objects));
  const label = ({ from, below }: Bin): string => {
    if (below === null) return `${write(from)} and more`;
    return from === 0 ? `below ${write(below)}` : `${write(from)} – ${write(below)}`;
  };
  return table(
    caption,
    [{ head: caption.toLowerCase() }, { head: "images", kind: "number" }, { head: "share", kind: "bar" }],
    bins.slice(first, last + 1).map((bin) => [label(bin), formatCount(bin.objects), meter(bin.objects, most)]),
  );
}

export function outputSection({ outputs, counts }: RunNumbers, pictures: Picture[]): Markup {
  if (counts.outputs === 0) return markup``;
  return section(
    "outputs",
    "What was made",
    gallery(pictures, "output of the run"),
    table(
      "Outputs",
      [
        { head: "job" },
        { head: "variant" },
        { head: "format" },
        { head: "objects", kind: "number" },
        { head: "bytes", kind: "number" },
        { head: "on average", kind: "number" },
      ],
      outputs.map((one) => [
        nameOf(one.job),
        nameOf(one.variant),
        nameOf(one.format),
        formatCount(one.objects),
        formatBytes(one.bytes),
        formatBytes(one.bytes / one.objects),
      ]),
    ),
  );
}
