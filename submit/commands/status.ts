import type { Commit } from "../../core/types.ts";
import type { RunStatus } from "../summary.ts";
import { formatCount, formatDuration, formatMany, formatRate, formatShare } from "../terminal/format.ts";
import { placeText } from "../terminal/places.ts";
import { commandAsCalled } from "../terminal/called.ts";
import { calledBy, withDriver } from "./driving.ts";
import { configFlags, runPositional } from "./flags.ts";
import { defineVerb, type Shell } from "./verb.ts";

const watchMs = 2000;

export const statusVerb = defineVerb({
  command: "status <run>",
  summary: "Where a run stands, from any machine",
  group: "Look",
  positionals: runPositional,
  flags: { watch: { type: "boolean", describe: "Until it is done" }, ...configFlags },
  examples: [["status 2026-11-23-0123456789ab --watch", "a line each time something changes"]],
  run: async (args, shell) => {
    const { runStatus } = await import("../status.ts");
    const json = args.json ?? false;
    const commits = new Map<string, Commit>();
    let shown = "";
    await withDriver(args, shell, { source: false, phase: "reading" }, async (driver, { screen }) => {
      const show = (status: RunStatus): void => {
        const told = { ...status, next: commandAsCalled(status.next, calledBy(args, shell)) };
        const text = json ? JSON.stringify(told) : statusLines(told, shell).join("\n");
        if (text !== shown) screen.aside(() => shell.out(text));
        shown = text;
      };
      let status = await runStatus(driver, args.run, commits);
      show(status);
      while ((args.watch ?? false) && status.state !== "done" && !status.cancelled) {
        await shell.clock.sleep(watchMs, shell.signal);
        status = await runStatus(driver, args.run, commits);
        show(status);
      }
    });
    return 0;
  },
});

function statusLines(status: RunStatus, shell: Shell): string[] {
  const { shards, counts, remote, driver, places } = status;
  const left = status.remainingMs === undefined || status.remainingMs === 0 ? "" : `, about ${formatDuration(status.remainingMs)} left`;
  const lines = [
    `run ${status.runId}: ${status.state}${status.cancelled ? ", cancelled" : ""}${left}`,
    `  shards  ${formatCount(shards.committed)} of ${formatCount(shards.total)} (${formatShare(shards.committed, shards.total)})`,
    `  images  ${formatCount(counts.objects)} of ${formatCount(status.objects)}: ${formatCount(counts.ok)} ok, ${formatCount(counts.skipped)} skipped, ${formatCount(counts.quarantined)} quarantined; ${formatRate(status.imagesPerSecond)} images/s`,
  ];
  if (status.unchanged > 0) lines.push(`  unchanged  ${formatMany(status.unchanged, "object")}`);
  if (driver !== undefined) lines.push(`  driven by process ${driver.pid} on ${driver.host} since ${driver.since}`);
  if (remote !== undefined) lines.push(`  ${remote.engine}: ${remote.state}${remote.message === undefined ? "" : `: ${remote.message}`}`);
  for (const { label, url } of remote?.links ?? []) lines.push(`  ${label}: ${url}`);
  if (status.rowsLoaded !== undefined && places !== undefined)
    lines.push(`  rows    ${formatMany(status.rowsLoaded, "row")} in ${placeText(places.warehouse, shell.cwd)}`);
  return [...lines, `  next: ${status.next}`];
}
