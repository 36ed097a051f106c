import type { CancelResult } from "../summary.ts";
import { withRun } from "./driving.ts";
import { configFlags, runPositional } from "./flags.ts";
import { defineVerb } from "./verb.ts";

export const cancelVerb = defineVerb({
  command: "cancel <run>",
  summary: "Stop a run; nothing that is committed is lost, running it again goes on",
  group: "Run",
  positionals: runPositional,
  flags: configFlags,
  examples: [],
  run: async (args, shell) => {
    const { cancelRun } = await import("../cancel.ts");
    const result = await withRun(args, shell, "stopping", async (driver) => cancelRun(driver, args.run));
    shell.out((args.json ?? false) ? JSON.stringify(result) : cancelText(result));
    return 0;
  },
});

function cancelText({ runId, stopped, state }: CancelResult): string {
  if (state === "done") return `run ${runId} is done: there is nothing to stop`;
  const what = {
    driver: "the process that drove it has stopped",
    remote: "the remote work has stopped",
    nothing: "nothing was running here",
  }[stopped];
  return `run ${runId} is cancelled: ${what}; it stays ${state}, running it again goes on`;
}
