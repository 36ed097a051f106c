import { printable } from "../../core/names.ts";
import { skipReasons, type Reason } from "../../core/types.ts";
import type { RunSummary } from "../summary.ts";
import { columnsOf, fitName, formatBytes, formatCount, formatDuration, formatMany, formatRate, padEnd, padStart } from "./format.ts";
import { placeText } from "./places.ts";
import type { Called } from "./called.ts";
import { painter, type Painter } from "./paint.ts";

export interface SummaryView extends Called {
  color: boolean;
  columns: number;
  cwd: string;
  /** Flags that say what is done to each image: " --job j", or "". */
  work: string;
  /** For a run that was finished already: `run --rerun 2`, and what that does. */
  again?: { command: string; what: string };
}

/** What `run`, `finish` and `replay` say at the end: what happened, where things are, what to type next. */
export function summaryLines(summary: RunSummary, view: SummaryView): string[] {
  const paint = painter(view);
  return [
    ...summary.continued.flatMap((earlier) => [headline(earlier, paint), ""]),
    headline(summary, paint),
    ...body(summary, view, paint),
  ];
}

function body(summary: RunSummary, view: SummaryView, paint: Painter): string[] {
  if (summary.finished) return finishedLines(summary, view, paint);
  if (summary.state === "done" && summary.shards.total === 0) return nothingNewLines(summary);
  if (summary.state !== "done") return ["", ...outcomeLines(summary, view, paint)];
  return ["", ...outcomeLines(summary, view, paint), "", ...placeLines(summary, view, paint), "", ...nextLines(summary, view, paint)];
}

function headline(summary: RunSummary, paint: Painter): string {
  const run = paint("bold", summary.runId);
  if (summary.finished) return `run ${run} was finished already; nothing was written`;
  const objects = summary.ok + summary.skipped + summary.quarantined;
  const pace = `${formatMany(objects, "image")} in ${formatDuration(summary.wallMs)} (${formatRate(summary.imagesPerSecond)} images/s, ${bytesPerSecond(summary)})`;
  if (summary.state === "done" && summary.shards.total === 0) return `run ${run} is ${paint("green", "done")}`;
  if (summary.state === "done") return `run ${run} is ${paint("green", "done")}: ${pace}${summary.resumed ? ", continued" : ""}`;
  const shards = `${formatCount(summary.shards.committed)} of ${formatMany(summary.shards.total, "shard")}`;
  return `run ${run} is ${paint("yellow", `not done (${summary.state})`)}: ${shards}, ${pace}`;
}

function bytesPerSecond({ bytesIn, wallMs }: RunSummary): string {
  return wallMs > 0 ? `${formatBytes((1000 * bytesIn) / wallMs)}/s` : `${formatBytes(0)}/s`;
}

function outcomeLines(summary: RunSummary, view: SummaryView, paint: Painter): string[] {
  const isSkip = (reason: Reason): boolean => skipReasons.some((skip) => skip === reason);
  const skipped = summary.reasons.filter(({ reason }) => isSkip(reason));
  const quarantined = summary.reasons.filter(({ reason }) => !isSkip(reason));
  const counts = [summary.ok, summary.skipped, summary.quarantined, summary.unchanged].map(formatCount);
  const columns = Math.max(...counts.map(columnsOf));
  const row = (label: string, count: number, details: string[]): string[] => {
    if (count === 0) return [];
    const [first, ...more] = details;
    const head = `  ${padEnd(label, 11)}  ${padStart(formatCount(count), columns)}`;
    const indent = " ".repeat(columnsOf(head));
    return [first === undefined ? head : `${head}  ${first}`, ...more.map((detail) => `${indent}  ${detail}`)];
  };
  const room = view.columns - columns - 17;
  return [
    ...row("ok", summary.ok, []),
    ...row("skipped", summary.skipped, reasonTexts(skipped, summary.skipped, room, paint)),
    ...row("quarantined", summary.quarantined, reasonTexts(quarantined, summary.quarantined, room, paint)),
    ...row("unchanged", summary.unchanged, [paint("dim", "done by an earlier run")]),
  ];
}

/** One a reason, and where the reasons of some were not read, how many these are. */
function reasonTexts(reasons: RunSummary["reasons"], objects: number, room: number, paint: Painter): string[] {
  const unread = objects - reasons.reduce((sum, { count }) => sum + count, 0);
  const texts = reasons.map((one) => reasonText(one, room, paint));
  return unread > 0 && texts.length > 0 ? [...texts, paint("dim", `${formatCount(unread)} more, whose rows were not read`)] : texts;
}

/** `corrupt 80: x.jpg, y.jpg, …`, within so many columns. */
function reasonText({ reason, count, examples }: RunSummary["reasons"][number], room: number, paint: Painter): string {
  const head = `${reason} ${formatCount(count)}`;
  if (examples.length === 0) return paint("yellow", head);
  const names = fitNames(examples, room - columnsOf(head) - columnsOf(": , …"));
  return `${paint("yellow", head)}: ${names.join(", ")}${count > names.length ? ", …" : ""}`;
}

const leastNameColumns = 12;

/** As many names as fit with enough of each to be recognised; the first one always. */
function fitNames(names: string[], room: number): string[] {
  const fitted: string[] = [];
  let left = room;
  for (const [index, name] of names.entries()) {
    if (index > 0 && left < leastNameColumns) break;
    const text = fitName(name, Math.max(leastNameColumns, Math.floor(left / (names.length - index)) - 2));
    fitted.push(text);
    left -= columnsOf(text) + 2;
  }
  return fitted;
}

function placeLines({ outputs, rowsLoaded, bytesOut, places, report }: RunSummary, { cwd }: SummaryView, paint: Painter): string[] {
  return [
    ["outputs", `${placeText(places.archive, cwd)}  ${paint("dim", `${formatMany(outputs, "object")}, ${formatBytes(bytesOut)}`)}`],
    ["rows", `${placeText(places.warehouse, cwd)}  ${paint("dim", formatMany(rowsLoaded, "row"))}`],
    ["report", report === "" ? "none" : report],
  ].map(([label, text]) => `  ${padEnd(label!, 8)} ${text!}`);
}

function nextLines(summary: RunSummary, view: SummaryView, paint: Painter): string[] {
  const commands: [string, string][] = [
    [`${view.command} report ${summary.runId}${view.where} --open`, "look at this run"],
    [`${view.command} report${view.where} --open`, "look at all runs"],
  ];
  if (summary.quarantined > 0)
    commands.push([`${view.command} replay ${summary.runId}${view.where}${view.work}`, "process the quarantined again"]);
  commands.push([`${view.command} verify ${summary.runId}${view.where}`, "audit the run"]);
  const columns = Math.max(...commands.map(([command]) => columnsOf(command)));
  return [
    ...commands.map(([command, what]) => `  ${padEnd(command, columns)}  ${paint("dim", what)}`),
    `  ${paint("dim", "SQL to try:")} ${sqlToTry(summary)}`,
  ];
}

function sqlToTry({ runId }: RunSummary): string {
  return `SELECT outcome, reason, count(*) FROM images WHERE run_id = '${printable(runId)}' GROUP BY ALL`;
}

/** Every object had been done before: there are no outputs to show, and nothing to replay. */
function nothingNewLines({ unchanged, report }: RunSummary): string[] {
  const why =
    unchanged === 0 ? "the source holds nothing that is selected" : `${formatMany(unchanged, "object")}, all done by earlier runs`;
  return [`  nothing to do: ${why}`, ...(report === "" ? [] : [`  report: ${report}`])];
}

function finishedLines(summary: RunSummary, view: SummaryView, paint: Painter): string[] {
  const counts = `${formatCount(summary.ok)} ok, ${formatCount(summary.skipped)} skipped, ${formatCount(summary.quarantined)} quarantined`;
  const lines = [`  ${counts}; ${formatMany(summary.rowsLoaded, "row")} in ${placeText(summary.places.warehouse, view.cwd)}`];
  if (summary.report !== "") lines.push(`  report: ${summary.report}`);
  if (view.again !== undefined) lines.push("", `  ${view.command} ${view.again.command}  ${paint("dim", view.again.what)}`);
  return lines;
}
