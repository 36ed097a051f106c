import { runOptions, tellSummary, withDriver, workFlags } from "./driving.ts";
import { configFlags, runFlags } from "./flags.ts";
import { whereFlags } from "../terminal/called.ts";
import { shellWord } from "../terminal/places.ts";
import { defineVerb } from "./verb.ts";

export const runVerb = defineVerb({
  command: "run",
  summary: "Plan, process, load and report; run again to continue",
  group: "Run",
  positionals: {},
  flags: { ...runFlags, ...configFlags },
  examples: [
    ["run --source ~/Pictures", "process a folder with the usual jobs"],
    [`run --source photos --job 'thumbnails:{"sizes":[256,1024]}'`, "two sizes from one decode"],
    ["run --source photos --limit 100", "a hundred images, to try"],
    ["run --rerun 2", "what is new since today's first run"],
  ],
  run: async (args, shell) => {
    const { run } = await import("../run.ts");
    const options = runOptions(args);
    const summary = await withDriver(args, shell, { source: true, phase: "starting" }, async (driver) => run(driver, options));
    const narrowed = (["source", "run-date", "limit", "sample", "engine"] as const).map((name) =>
      args[name] === undefined ? "" : ` --${name} ${shellWord(String(args[name]))}`,
    );
    const command = `run${narrowed.join("")}${workFlags(args)}${whereFlags(args)} --rerun ${options.rerun + 1}`;
    return tellSummary(summary, args, shell, { command, what: "takes what is new or changed since" });
  },
});
