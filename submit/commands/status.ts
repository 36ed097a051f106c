import type { Commit } from "../../core/types.ts";
import type { RunStatus, StatusShards } from "../summary.ts";
import { fitName, formatCount, formatDuration, formatMany, formatRate, formatShare } from "../terminal/format.ts";
import { placeText } from "../terminal/places.ts";
import type { Screen } from "../terminal/screen.ts";
import { commandAsCalled } from "../terminal/called.ts";
import { calledBy, withRun } from "./driving.ts";
import { configFlags, runPositional } from "./flags.ts";
import { defineVerb, type Shell } from "./verb.ts";

const watchMs = 2000;
/** Looking takes at most this share of the time, however many shards there are. */
const lookShare = 0.1;
/** When nobody is seen to work and nothing has changed for so long, nothing will. */
const idleMs = 60_000;

export const statusVerb = defineVerb({
  command: "status <run>",
  summary: "Where a run stands, from any machine",
  group: "Look",
  positionals: runPositional,
  flags: { watch: { type: "boolean", describe: "Until it is done, or nobody works on it" }, ...configFlags },
  examples: [["status 2026-11-23-0123456789ab --watch", "a bar on a terminal, else a line each time something changes"]],
  run: async (args, shell) => {
    const { runStatus } = await import("../status.ts");
    const json = args.json ?? false;
    const commits = new Map<string, Commit>();
    await withRun(args, shell, "reading", async (driver, { screen }) => {
      const look = async (): Promise<RunStatus> => {
        const status = await runStatus(driver, args.run, commits);
        return { ...status, next: commandAsCalled(status.next, calledBy(args, shell)) };
      };
      const tell = (text: string): void => screen.aside(() => shell.out(text));
      const whole = (status: RunStatus): string => (json ? JSON.stringify(status) : statusLines(status, shell).join("\n"));
      const first = await look();
      tell(whole(first));
      if (!(args.watch ?? false) || isOver(first)) return;
      // Where there is a bar, it tells what changes.
      const changed = json ? whole : shell.surface.columns() === undefined ? changeText : undefined;
      const last = await watch(first, { look, screen, shell, ...(changed && { change: (status) => tell(changed(status)) }) });
      if (!json) tell(whole(last));
    });
    return 0;
  },
});

interface Watching {
  look: () => Promise<RunStatus>;
  screen: Screen;
  shell: Shell;
  /** Hears of each status that differs from the one before. */
  change?: (status: RunStatus) => void;
}

/** Until the run is over, or nobody is seen to work on it and nothing changes; resolves with the last status. */
async function watch(first: RunStatus, { look, screen, shell, change }: Watching): Promise<RunStatus> {
  const { statusEvent } = await import("../status.ts");
  const { clock, signal } = shell;
  let status = first;
  let changedAtMs = clock.monotonicMs();
  let lookMs = 0;
  for (;;) {
    screen.event({ type: "state", runId: status.runId, state: status.state });
    if (status.state === "running" || status.state === "planned") screen.event(statusEvent(status));
    await clock.sleep(Math.max(watchMs, lookMs / lookShare), signal);
    const lookedAtMs = clock.monotonicMs();
    const next = await look();
    lookMs = clock.monotonicMs() - lookedAtMs;
    const isChanged = changeText(next) !== changeText(status);
    status = next;
    if (isChanged) {
      changedAtMs = clock.monotonicMs();
      change?.(status);
    }
    if (isOver(status) || (isIdle(status) && clock.monotonicMs() - changedAtMs > idleMs)) return status;
  }
}

function isOver({ state, cancelled }: RunStatus): boolean {
  return state === "done" || cancelled;
}

/** As far as can be seen from here. */
function isIdle({ driver, remote }: RunStatus): boolean {
  return driver === undefined && remote?.state !== "pending" && remote?.state !== "running";
}

function statusLines(status: RunStatus, shell: Shell): string[] {
  const { counts, remote, driver, places, slowest } = status;
  const lines = [
    `run ${status.runId}: ${status.state}${status.cancelled ? ", cancelled" : ""}${endText(status)}`,
    `  shards  ${shardsText(status.shards)}`,
    `  images  ${formatCount(counts.objects)} of ${formatCount(status.objects)}: ${formatCount(counts.ok)} ok, ${formatCount(counts.skipped)} skipped, ${formatCount(counts.quarantined)} quarantined; ${formatRate(status.imagesPerSecond)} images/s`,
  ];
  if (slowest !== undefined) lines.push(`  slowest ${slowText(slowest)}`);
  if (status.unchanged > 0) lines.push(`  unchanged  ${formatMany(status.unchanged, "object")}`);
  if (driver !== undefined) lines.push(`  driven by process ${driver.pid} on ${driver.host} since ${driver.since}`);
  if (remote !== undefined) lines.push(`  ${remote.engine}: ${remote.state}${remote.message === undefined ? "" : `: ${remote.message}`}`);
  for (const { label, url } of remote?.links ?? []) lines.push(`  ${label}: ${url}`);
  if (status.rowsLoaded !== undefined && places !== undefined)
    lines.push(`  rows    ${formatMany(status.rowsLoaded, "row")} in ${placeText(places.warehouse, shell.cwd)}`);
  return [...lines, `  next: ${status.next}`];
}

/** One line of what moves, without what the clock alone changes. */
function changeText({ state, cancelled, shards, counts, objects, imagesPerSecond, remote }: RunStatus): string {
  const parts = [
    `${state}${cancelled ? ", cancelled" : ""}: shards ${shardsText(shards)}`,
    `images ${formatCount(counts.objects)} of ${formatCount(objects)}, ${formatCount(counts.quarantined)} quarantined, ${formatRate(imagesPerSecond)}/s`,
    ...(remote === undefined ? [] : [`${remote.engine} ${remote.state}`]),
  ];
  return parts.join("; ");
}

function shardsText({ committed, total, running, waiting, retried, lost, failed }: StatusShards): string {
  const parts = [`${formatCount(running)} in work`, `${formatCount(waiting)} waiting`, `${formatCount(retried)} retried`];
  const bad = [
    ...(lost === 0 ? [] : [`${formatCount(lost)} lost: begun, and nobody works on them`]),
    ...(failed === 0 ? [] : [`${formatCount(failed)} given up`]),
  ];
  const rest = committed === total ? (retried === 0 ? [] : [parts[2]!]) : [...parts, ...bad];
  return [`${formatCount(committed)} of ${formatCount(total)} done (${formatShare(committed, total)})`, ...rest].join(", ");
}

function endText({ remainingMs, predictedEndAt }: RunStatus): string {
  if (remainingMs === undefined || remainingMs === 0) return "";
  const at = predictedEndAt === undefined ? "" : `, until about ${predictedEndAt.slice(11, 16)} UTC`;
  return `, about ${formatDuration(remainingMs)} left${at}`;
}

function slowText({ name, shard, ms }: NonNullable<RunStatus["slowest"]>): string {
  return `${formatDuration(ms)} in flight: ${fitName(name, 100)} (shard ${shard})`;
}
