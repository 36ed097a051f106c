import { codeDifferences, codeDigests } from "../core/code.ts";
import { exitCodes, ImagemillError, preconditionError } from "../core/errors.ts";
import { controlNames } from "../core/layout.ts";
import type { CodeDigests, Plan } from "../core/types.ts";
import { readJson } from "../storage/objects.ts";
import type { ObjectStore } from "../storage/store.ts";

/** The plan of a run that may be worked on here and now; exit code 4 or 130 otherwise. */
export async function readPlan(control: ObjectStore, runId: string, signal: AbortSignal, here: CodeDigests = codeDigests()): Promise<Plan> {
  const [plan] = await Promise.all([readJson<Plan>(control, controlNames.plan(runId), signal), refuseCancelled(control, runId, signal)]);
  if (plan === undefined) {
    throw preconditionError(
      "NO_PLAN",
      `there is no plan of run ${runId} in ${control.url}`,
      "Check --run and --control, or plan it: `imagemill plan --save`.",
    );
  }
  const differences = codeDifferences(here, plan.code);
  if (differences.length > 0) {
    throw preconditionError(
      "CODE_DIFFERS",
      `this is not the code that planned run ${runId}: ${differences.join("; ")}`,
      "Finish the run with the code that planned it, or plan a new one: `imagemill run --rerun N`.",
    );
  }
  return plan;
}

export async function refuseCancelled(control: ObjectStore, runId: string, signal: AbortSignal): Promise<void> {
  if ((await control.stat(controlNames.cancel(runId), { signal })) === undefined) return;
  throw new ImagemillError("CANCELLED", `run ${runId} was cancelled`, {
    exitCode: exitCodes.cancelled,
    hint: "`imagemill run` with the same request continues it.",
  });
}
