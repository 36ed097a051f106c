import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { preconditionError, usageError } from "../../core/errors.ts";
import { formatBytes, formatMany } from "../../core/format.ts";
import { controlNames } from "../../core/layout.ts";
import { parseRunId } from "../../core/ids.ts";
import type { Plan } from "../../core/types.ts";
import type { Driver } from "../driver.ts";
import { openInBrowser } from "../terminal/browser.ts";
import { placeText } from "../terminal/places.ts";
import { tellDataStudio } from "./data-studio.ts";
import { withDriver, withRun } from "./driving.ts";
import { configFlags, text, wholeNumber } from "./flags.ts";
import { defineVerb } from "./verb.ts";

const defaultDays = 90;
const defaultRows = 200_000;
/** Such a page has some 30 MB. */
const mostRows = 500_000;
const pageGroup = { group: "The dashboard:" } as const;

export const reportVerb = defineVerb({
  command: "report [run]",
  summary: "Write the dashboard of all runs; with a run, its own page",
  group: "Look",
  positionals: { run: { type: "string", describe: "Id of a run: the page made of its own files, loaded or not" } },
  flags: {
    open: { type: "boolean", describe: "Open the page in a browser" },
    "data-studio": { type: "boolean", describe: "Print links that make a report in Data Studio (Looker Studio for a while)" },
    to: { ...text("to", "The file to write [default: out/dashboard.html]"), ...pageGroup },
    days: { ...wholeNumber("days", `Runs of the newest N days [default: ${defaultDays}]`), ...pageGroup },
    rows: { ...wholeNumber("rows", `Images at most, above it a sample by name [default: ${defaultRows}]`), ...pageGroup },
    ...configFlags,
  },
  examples: [
    ["report --open", "look at all runs"],
    ["report 2026-11-23-0123456789ab --open", "look at one"],
    ["report --data-studio", "a dashboard on BigQuery, to share"],
  ],
  run: async (args, shell) => {
    if (args["data-studio"] ?? false) return tellDataStudio(args, shell);
    const { run, to, days, rows } = args;
    if (run !== undefined && (to ?? days ?? rows) !== undefined) {
      throw usageError(
        "--to, --days and --rows are about the dashboard, not about the page of one run",
        "Leave out the run, or these flags.",
      );
    }
    if (rows !== undefined && rows > mostRows)
      throw usageError(`--rows is at most ${mostRows}`, "A larger page is too much for a browser.");
    const limits = { days: days ?? defaultDays, rows: rows ?? defaultRows };
    const path = resolve(shell.cwd, to ?? "out/dashboard.html");
    const phase = "reporting";
    const { page, words, ...counts } = await (run === undefined
      ? withDriver(args, shell, { source: false, phase }, async (driver) => writeDashboardPage(driver, limits, path))
      : withRun({ ...args, run }, shell, phase, async (driver) => writeRunPage(driver, run)));
    if (args.json ?? false) shell.out(JSON.stringify({ page, ...counts }));
    else shell.out(`${words}: ${page.startsWith("file:") ? placeText(page, shell.cwd) : page}`);
    if (args.open ?? false) await openInBrowser(page);
    return 0;
  },
});

/** What was written: for people in `words`, the rest for machines. */
type Written = { page: string; words: string } & Record<string, string | number>;

async function writeDashboardPage(driver: Driver, limits: { days: number; rows: number }, to: string): Promise<Written> {
  const { config, control, host } = driver;
  const { writeDashboard } = await import("../../analysis/dashboard/write.ts");
  const warehouse = await driver.warehouse(config.warehouse);
  const { extent, runs, images, pictures, bytes } = await writeDashboard({
    warehouse,
    control,
    limits,
    to,
    currency: config.prices.currency,
    clock: host.clock,
    signal: host.signal,
  });
  const left = extent.olderRuns > 0 ? `, ${formatMany(extent.olderRuns, "older run")} left out` : "";
  const sample = extent.share < 1 ? `, a sample of ${formatMany(extent.objects, "image")}` : "";
  const words = `dashboard of ${formatMany(runs, "run")}${left} and ${formatMany(images, "image")}${sample} (${formatBytes(bytes)})`;
  return { page: pathToFileURL(to).href, words, runs, images, pictures, bytes, share: extent.share, olderRuns: extent.olderRuns };
}

async function writeRunPage(driver: Driver, wanted: string): Promise<Written> {
  const { control, host } = driver;
  const { signal } = host;
  const [{ writeReport }, { readJson }] = await Promise.all([import("../../analysis/report/write.ts"), import("../../storage/objects.ts")]);
  const { runId } = parseRunId(wanted);
  const plan = await readJson<Plan>(control, controlNames.plan(runId), signal);
  if (plan === undefined) {
    throw preconditionError(
      "RUN_ABSENT",
      `there is no run ${runId} in ${control.url}`,
      "Check the run id and --control; imagemill run prints both.",
    );
  }
  const archive = await driver.store(plan.stores.archive);
  const { page, json } = await writeReport({ runId, control, archive, signal });
  return { page, words: `run ${runId}`, runId, json };
}
