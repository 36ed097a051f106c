import type { SubmitSummary } from "../summary.ts";
import { problemJson } from "../terminal/problem.ts";
import type { Called } from "../terminal/called.ts";
import { calledBy, runOptions, tellProblem, withDriver } from "./driving.ts";
import { configFlags, runFlags } from "./flags.ts";
import { defineVerb } from "./verb.ts";

export const submitVerb = defineVerb({
  command: "submit",
  summary: "The first half of run, for schedulers: plan and start; finish does the rest",
  group: "Run",
  positionals: {},
  flags: { ...runFlags, ...configFlags },
  examples: [["submit --run-date 2026-11-23 --json", "prints the run id for finish"]],
  run: async (args, shell) => {
    const { submitRun } = await import("../submit.ts");
    const summary = await withDriver(args, shell, { source: true, phase: "starting" }, async (driver) =>
      submitRun(driver, runOptions(args)),
    );
    if (args.json ?? false) shell.out(JSON.stringify(submitJson(summary)));
    else for (const line of submitLines(summary, calledBy(args, shell))) shell.out(line);
    if (summary.problem !== undefined) tellProblem(summary.problem, args, shell);
    return summary.exitCode;
  },
});

function submitJson(summary: SubmitSummary): Record<string, unknown> {
  const { runId, planId, state, engine, remote, shards, links, problem, exitCode } = summary;
  return { runId, planId, state, engine, remote, shards, links, ...(problem !== undefined && { error: problemJson(problem, exitCode) }) };
}

function submitLines({ runId, engine, remote, shards, links }: SubmitSummary, { command, where }: Called): string[] {
  const how = remote ? `goes on at ${engine}` : `${shards.committed} of ${shards.total} shards are committed`;
  const next = remote ? [`  ${command} status ${runId}${where} --watch`] : [];
  return [`run ${runId}: ${how}`, ...links.map(({ label, url }) => `  ${label}: ${url}`), ...next, `  ${command} finish ${runId}${where}`];
}
