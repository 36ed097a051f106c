import { exitCodes } from "../../core/errors.ts";
import { printable } from "../../core/names.ts";
import type { VerifyResult } from "../summary.ts";
import { formatCount, formatMany } from "../terminal/format.ts";
import { painter } from "../terminal/paint.ts";
import { withRun } from "./driving.ts";
import { configFlags, runPositional } from "./flags.ts";
import { defineVerb, type Shell } from "./verb.ts";

export const verifyVerb = defineVerb({
  command: "verify <run>",
  summary: "Audit a run against stores and warehouse",
  group: "Look",
  positionals: runPositional,
  flags: configFlags,
  examples: [],
  run: async (args, shell) => {
    const { verifyRun } = await import("../verify.ts");
    const result = await withRun(args, shell, "verifying", async (driver) => verifyRun(driver, args.run));
    const { runId, holds, violations } = result;
    if (args.json ?? false) shell.out(JSON.stringify({ runId, holds, violations }));
    else for (const line of verifyLines(result, shell)) shell.out(line);
    return holds ? exitCodes.done : exitCodes.failed;
  },
});

function verifyLines({ runId, holds, violations, checked, expiredOutputs, state }: VerifyResult, shell: Shell): string[] {
  const paint = painter(shell);
  const looked = [
    formatMany(checked.shards, "shard"),
    formatMany(checked.rows, "row"),
    formatMany(checked.outputs, "output"),
    `${formatMany(checked.warehouseRows, "row")} in the warehouse`,
  ].join(", ");
  const expired = expiredOutputs === 0 ? [] : [`  ${formatCount(expiredOutputs)} outputs are past their days and gone, as they should be`];
  const verdict = holds ? paint("green", "holds") : paint("red", `does not hold: ${formatMany(violations.length, "violation")}`);
  return [
    `run ${runId} (${state}) ${verdict}`,
    `  looked at ${looked}`,
    ...expired,
    ...violations.map(({ code, message }) => `  ${paint("red", code)}: ${printable(message)}`),
    ...(holds ? [] : ['  next: docs/operations.md, "When verify does not hold"']),
  ];
}
