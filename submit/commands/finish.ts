import { tellSummary, withRun } from "./driving.ts";
import { configFlags, runPositional } from "./flags.ts";
import { defineVerb } from "./verb.ts";

export const finishVerb = defineVerb({
  command: "finish <run>",
  summary: "The last half of run: check, seal, load and report, from any machine",
  group: "Run",
  positionals: runPositional,
  flags: {
    "accept-quarantined": { type: "boolean", describe: "Load although more is quarantined than the gate allows; recorded" },
    ...configFlags,
  },
  examples: [["finish 2026-11-23-0123456789ab --accept-quarantined", "open a closed gate"]],
  run: async (args, shell) => {
    const { finishRun } = await import("../finish.ts");
    const how = { acceptQuarantined: args["accept-quarantined"] ?? false };
    const summary = await withRun(args, shell, "checking", async (driver) => finishRun(driver, args.run, how));
    return tellSummary(summary, args, shell);
  },
});
