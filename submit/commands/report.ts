import { ImagemillError } from "../../core/errors.ts";
import { controlNames } from "../../core/layout.ts";
import { parseRunId } from "../../core/ids.ts";
import type { Plan } from "../../core/types.ts";
import type { ObjectStore } from "../../storage/store.ts";
import type { Driver } from "../driver.ts";
import { openInBrowser } from "../terminal/browser.ts";
import { placeText } from "../terminal/places.ts";
import { tellDataStudio } from "./data-studio.ts";
import { withDriver } from "./driving.ts";
import { configFlags } from "./flags.ts";
import { defineVerb } from "./verb.ts";

export const reportVerb = defineVerb({
  command: "report [run]",
  summary: "Write the page about a run; without a run, about the newest",
  group: "Look",
  positionals: { run: { type: "string", describe: "Id of the run [default: the newest]" } },
  flags: {
    open: { type: "boolean", describe: "Open the page in a browser" },
    "data-studio": { type: "boolean", describe: "Print links that make a report in Data Studio (Looker Studio for a while)" },
    ...configFlags,
  },
  examples: [
    ["report --open", "look at the newest run"],
    ["report --data-studio", "a dashboard on BigQuery, to share"],
  ],
  run: async (args, shell) => {
    if (args["data-studio"] ?? false) return tellDataStudio(args, shell);
    const files = await withDriver(args, shell, { source: false, phase: "reporting" }, async (driver) => write(driver, args.run));
    if (args.json ?? false) shell.out(JSON.stringify(files));
    else shell.out(`run ${files.runId}: ${files.page.startsWith("file:") ? placeText(files.page, shell.cwd) : files.page}`);
    if (args.open ?? false) await openInBrowser(files.page);
    return 0;
  },
});

async function write(driver: Driver, wanted: string | undefined): Promise<{ runId: string; page: string; json: string }> {
  const { control, host } = driver;
  const { signal } = host;
  const [{ writeReport }, { readJson }] = await Promise.all([import("../../analysis/report/write.ts"), import("../../storage/objects.ts")]);
  const runId = wanted === undefined ? await newestRun(control, signal) : parseRunId(wanted).runId;
  const plan = await readJson<Plan>(control, controlNames.plan(runId), signal);
  if (plan === undefined) throw absent(`there is no run ${runId} in ${control.url}`);
  const archive = await driver.store(plan.stores.archive);
  const { page, json } = await writeReport({ runId, control, archive, signal });
  return { runId, page, json };
}

/** The latest run date; of several runs of that date the one that was planned last. */
async function newestRun(control: ObjectStore, signal: AbortSignal): Promise<string> {
  const { isStoreError } = await import("../../storage/store.ts");
  const found: string[] = [];
  try {
    for await (const page of control.list({ prefix: controlNames.runs, delimiter: "/", signal })) {
      found.push(...page.prefixes.map((prefix) => prefix.slice(controlNames.runs.length, -1)));
    }
  } catch (error) {
    if (!isStoreError(error, "NOT_FOUND")) throw error;
  }
  const date = found
    .map((runId) => runId.slice(0, 10))
    .sort()
    .at(-1);
  if (date === undefined) throw absent(`there is no run in ${control.url} yet`);
  const plans = found
    .filter((runId) => runId.startsWith(date))
    .map(async (runId) => ({ runId, plannedAt: (await control.stat(controlNames.plan(runId), { signal }))?.createdAt ?? "" }));
  return (await Promise.all(plans)).sort((a, b) => (a.plannedAt < b.plannedAt ? -1 : 1)).at(-1)!.runId;
}

function absent(message: string): ImagemillError {
  return new ImagemillError("RUN_ABSENT", message, { hint: "Check the run id and --control; imagemill run prints both." });
}
