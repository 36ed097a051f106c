import type { PlanSummary } from "../summary.ts";
import { formatBytes, formatCount, formatDuration, formatMany, formatPrice } from "../terminal/format.ts";
import { runOptions, withDriver } from "./driving.ts";
import { configFlags, runFlags } from "./flags.ts";
import { defineVerb } from "./verb.ts";

export const planVerb = defineVerb({
  command: "plan",
  summary: "List and pack, say what a run would do and how long it would take",
  group: "Run",
  positionals: {},
  flags: { save: { type: "boolean", describe: "Store the plan; run takes it up" }, ...runFlags, ...configFlags },
  examples: [["plan --source ~/Pictures", "how many images, how long"]],
  run: async (args, shell) => {
    const { planRun } = await import("../plan.ts");
    const save = args.save ?? false;
    const plan = await withDriver(args, shell, { source: true, phase: "listing" }, async (driver) =>
      planRun(driver, runOptions(args), { save }),
    );
    if (args.json ?? false) shell.out(JSON.stringify(planJson(plan)));
    else for (const line of planLines(plan)) shell.out(line);
    return 0;
  },
});

function planJson({ planId, objects, bytes, shards, predictedSeconds, predictedCost, skew }: PlanSummary): Record<string, unknown> {
  return { planId, objects, bytes, shards, predictedSeconds, predictedCost, skew };
}

function whereText({ engine, workers, assumed }: PlanSummary): string {
  if (assumed) return `with ${formatMany(workers, "worker")}, as many as this machine has: spark.machines says what the cluster has`;
  return engine === "local" ? `here, with ${formatMany(workers, "worker")}` : `on ${engine}, with ${formatMany(workers, "worker")}`;
}

function planLines(plan: PlanSummary): string[] {
  const unchanged = plan.unchanged === 0 ? "" : `, ${formatCount(plan.unchanged)} of them unchanged since an earlier run`;
  const cost = plan.predictedCost === null ? "" : `, about ${formatPrice(plan.predictedCost, plan.currency)}`;
  const packed =
    plan.shards === 0
      ? ["  nothing to do"]
      : [
          `  ${formatMany(plan.shards, "shard")}, the longest ${plan.skew.toFixed(1)} times the mean`,
          `  about ${formatDuration(1000 * plan.predictedSeconds)} ${whereText(plan)}${cost}`,
        ];
  const stored = plan.adopted ? "this plan is stored already" : plan.saved ? "stored" : "nothing was stored; --save stores it";
  return [
    `run ${plan.runId}: ${formatMany(plan.objects, "object")}, ${formatBytes(plan.bytes)}${unchanged}`,
    ...packed,
    `  plan ${plan.planId}: ${stored}`,
  ];
}
