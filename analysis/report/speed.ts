import { stageBar, throughputChart } from "./charts.ts";
import { formatBytes, formatCount } from "../../core/format.ts";
import { fineDuration, short } from "../page/format.ts";
import { markup, nameOf, type Markup } from "../page/markup.ts";
import type { RunNumbers } from "./numbers.ts";
import { numberColumns, section, table } from "./table.ts";

export function throughputSection(numbers: RunNumbers): Markup {
  const { throughput, processing, work } = numbers;
  if (throughput.buckets.length === 0) return section("speed", "Speed", markup`<p>Nothing has been processed yet.</p>`);
  return section(
    "speed",
    "Speed",
    markup`<p>
      ${short(processing.imagesPerSecond)} images a second from the start of the first shard to the end of the last (start-up, listing and
      load come on top; the command line and the dashboard count them in). ${prediction(work)}
    </p>`,
    markup`<div class="scroll" tabindex="0" role="region" aria-label="Images a second over time">${throughputChart(throughput)}</div>`,
    markup`<details>
      <summary>The same as a table</summary>
      ${throughputTable(throughput)}
    </details>`,
    timingTable(numbers),
  );
}

function prediction({ predictedMs, actualMs }: RunNumbers["work"]): string {
  if (predictedMs === 0) return "";
  return `The plan predicted ${fineDuration(predictedMs)} of work; threads spent ${fineDuration(actualMs)}, ${short(actualMs / predictedMs)} times that.`;
}

function throughputTable({ bucketMs, buckets }: RunNumbers["throughput"]): Markup {
  return table(
    `Objects in each ${fineDuration(bucketMs)}`,
    [{ head: "from" }, { head: "ok", kind: "number" }, { head: "skipped", kind: "number" }, { head: "quarantined", kind: "number" }],
    buckets.map((bucket, index) => [
      fineDuration(index * bucketMs),
      formatCount(bucket.ok),
      formatCount(bucket.skipped),
      formatCount(bucket.quarantined),
    ]),
  );
}

function timingTable({ timings }: RunNumbers): Markup {
  const what = { read: "read from the store", queue: "wait for a thread", process: "decode and jobs", write: "write outputs" };
  return table(
    "Time of one image",
    numberColumns(["stage", "half are within", "90 %", "99 %", "longest", "all together"]),
    timings.map(({ stage, p50, p90, p99, max, total }) => [what[stage], ...[p50, p90, p99, max, total].map(fineDuration)]),
  );
}

export function slowestSections({ slowestImages, slowestShards }: RunNumbers): Markup[] {
  return [slowImages(slowestImages), slowShards(slowestShards)];
}

function slowImages(images: RunNumbers["slowestImages"]): Markup {
  if (images.length === 0) return markup``;
  const spent = images.map((image) => image.readMs + image.processMs + image.writeMs);
  const most = Math.max(...spent);
  return section(
    "slowest-images",
    "Slowest images",
    markup`<p class="legend-line">
      <span class="key stage-read"></span>read <span class="key stage-process"></span>decode and jobs
      <span class="key stage-write"></span>write
    </p>`,
    table(
      "Slowest images",
      [
        { head: "name" },
        { head: "time", kind: "number" },
        { head: "read, decode, write", kind: "bar" },
        { head: "format" },
        { head: "size", kind: "number" },
        { head: "megapixels", kind: "number" },
      ],
      images.map((image, index) => [
        nameOf(image.name),
        fineDuration(spent[index]!),
        stageBar({ read: image.readMs, process: image.processMs, write: image.writeMs }, most),
        image.format ?? "–",
        formatBytes(image.sizeBytes),
        image.megapixels === null ? "–" : short(image.megapixels),
      ]),
      "rows only",
    ),
  );
}

function slowShards(shards: RunNumbers["slowestShards"]): Markup {
  if (shards.length === 0) return markup``;
  return section(
    "slowest-shards",
    "Slowest shards",
    table(
      "Slowest shards",
      numberColumns(["shard", "time", "images", "bytes", "work predicted", "work done"]),
      shards.map((shard) => [
        markup`<code>${shard.shard}</code>`,
        fineDuration(shard.wallMs),
        formatCount(shard.objects),
        formatBytes(shard.bytes),
        fineDuration(shard.predictedMs),
        fineDuration(shard.workMs),
      ]),
      "rows only",
    ),
  );
}
