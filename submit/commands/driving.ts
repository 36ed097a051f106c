import type { Driver, RunOptions } from "../driver.ts";
import type { FixedPlace } from "../fixed-places.ts";
import type { Problem, RunSummary } from "../summary.ts";
import { asCalled, commandName, whereFlags, type Called } from "../terminal/called.ts";
import { shellWord } from "../terminal/places.ts";
import { problemJson, problemText } from "../terminal/problem.ts";
import { summaryLines, type SummaryView } from "../terminal/summary.ts";
import { openSession, type ConfigArguments, type Session } from "./session.ts";
import type { Shell } from "./verb.ts";

/** Opens configuration, display and driver, runs `work`, and takes everything down before its result is told. */
export async function withDriver<T>(
  args: ConfigArguments,
  shell: Shell,
  how: { source: boolean; phase: string },
  work: (driver: Driver, session: Session) => Promise<T>,
): Promise<T> {
  using session = await openSession(args, shell, how);
  const { openDriver } = await import("../open.ts");
  await using driver = await openDriver(session.config, {
    log: session.log,
    clock: shell.clock,
    random: shell.random,
    signal: shell.signal,
    emit: (event) =>
      session.screen.event(event.type === "notice" ? { ...event, text: asCalled(event.text, calledBy(args, shell)) } : event),
    environment: shell.environment,
    startedAtMs: shell.startedAtMs,
  });
  return await work(driver, session);
}

/** The same for a verb on a run that exists, whose places are `fixed`: other ones are not silently passed over. */
export async function withRun<T>(
  args: ConfigArguments & { run: string },
  shell: Shell,
  phase: string,
  work: (driver: Driver, session: Session) => Promise<T>,
  fixed: readonly FixedPlace[] = ["source", "archive", "warehouse"],
): Promise<T> {
  return withDriver(args, shell, { source: false, phase }, async (driver, session) => {
    const { heedPlaces } = await import("../fixed-places.ts");
    await heedPlaces(driver, args.run, fixed);
    return work(driver, session);
  });
}

/** What the flags of `runFlags` ask for. */
export function runOptions(args: {
  "run-date"?: string | undefined;
  rerun?: number | undefined;
  reprocess?: boolean | undefined;
  limit?: number | undefined;
  sample?: number | undefined;
}): RunOptions {
  return {
    rerun: args.rerun ?? 1,
    reprocess: args.reprocess ?? false,
    ...(args["run-date"] !== undefined && { runDate: args["run-date"] }),
    ...(args.limit !== undefined && { limit: args.limit }),
    ...(args.sample !== undefined && { sample: args.sample }),
  };
}

/** What a command to type next needs. */
export function calledBy(args: ConfigArguments, { environment }: Shell): Called {
  return { command: commandName(environment), where: whereFlags(args) };
}

/** Flags that say what is done to each image: another run without them would do something else. */
export function workFlags(args: ConfigArguments): string {
  const flags = (["job", "set"] as const).flatMap((name) => (args[name] ?? []).map((value) => ` --${name} ${shellWord(String(value))}`));
  return flags.join("");
}

/** Tells how `run`, `finish` or `replay` ended; resolves to the exit code. */
export function tellSummary(summary: RunSummary, args: ConfigArguments, shell: Shell, again?: SummaryView["again"]): number {
  if (args.json ?? false) {
    shell.out(JSON.stringify(summaryJson(summary)));
  } else {
    const view: SummaryView = {
      color: shell.color,
      columns: shell.surface.columns() ?? 120,
      cwd: shell.cwd,
      ...calledBy(args, shell),
      work: workFlags(args),
      ...(again !== undefined && { again }),
    };
    for (const line of summaryLines(summary, view)) shell.out(line);
  }
  if (summary.problem !== undefined) tellProblem(summary.problem, args, shell);
  return summary.exitCode;
}

const summaryKeys = [
  "runId",
  "planId",
  "state",
  "listed",
  "ok",
  "skipped",
  "quarantined",
  "outputs",
  "rowsLoaded",
  "bytesIn",
  "bytesOut",
  "wallMs",
  "imagesPerSecond",
  "report",
] as const satisfies (keyof RunSummary)[];

/** The line of `run --json`; an `error` follows where there was one. */
function summaryJson(summary: RunSummary): Record<string, unknown> {
  const line = Object.fromEntries(summaryKeys.map((key) => [key, summary[key]]));
  return summary.problem === undefined ? line : { ...line, error: problemJson(summary.problem, summary.exitCode) };
}

/** A problem that left a result: the result is on stdout, this is for people. */
export function tellProblem(problem: Problem, args: ConfigArguments, shell: Shell): void {
  const text = problemText(problem, { color: shell.surface.color });
  shell.surface.write(`${asCalled(text, calledBy(args, shell))}\n`);
}
