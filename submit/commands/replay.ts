import { quarantineReasons } from "../../core/types.ts";
import { whereFlags } from "../terminal/called.ts";
import { tellSummary, withRun, workFlags } from "./driving.ts";
import { configFlags, manyOf, runPositional, wholeNumber } from "./flags.ts";
import { defineVerb } from "./verb.ts";

export const replayVerb = defineVerb({
  command: "replay <run>",
  summary: "Process what a run quarantined once more, as a linked run",
  group: "Run",
  positionals: runPositional,
  flags: {
    reason: manyOf("reason", "Only objects quarantined for this reason; may be repeated", quarantineReasons),
    number: wholeNumber("number", "The Nth replay of the same run with the same jobs [default: 1]"),
    ...configFlags,
  },
  examples: [["replay 2026-11-23-0123456789ab --reason timeout --set limits.imageTimeoutMs=2m", "give the slow ones more time"]],
  run: async (args, shell) => {
    const { replayRun } = await import("../replay.ts");
    const options = {
      ...(args.reason !== undefined && { reasons: args.reason }),
      ...(args.number !== undefined && { number: args.number }),
    };
    const summary = await withRun(args, shell, "starting", async (driver) => replayRun(driver, args.run, options), ["source"]);
    const reasons = (args.reason ?? []).map((reason) => ` --reason ${reason}`).join("");
    const command = `replay ${args.run}${reasons}${workFlags(args)}${whereFlags(args)} --number ${(args.number ?? 1) + 1}`;
    return tellSummary(summary, args, shell, { command, what: "takes them up once more" });
  },
});
