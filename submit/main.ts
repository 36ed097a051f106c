import process from "node:process";
import { exitCodes } from "../core/errors.ts";
import { asCalled, commandName, whereOfWords } from "./terminal/called.ts";
import { problemJson, problemOf, problemText } from "./terminal/problem.ts";
import { processShell } from "./terminal/shell.ts";
import { leaveOutWarnings } from "./terminal/warnings.ts";
import type { Shell } from "./commands/verb.ts";

const argv = process.argv.slice(2);
leaveOutWarnings();
// Every shard may start one, and it minds signals by itself: nothing of the command line is loaded for it.
if (argv[0] === "worker" && !argv.includes("--help")) {
  const { runWorkerLine } = await import("./commands/worker.ts");
  process.exitCode = await runWorkerLine(argv.slice(1));
} else {
  const shell = processShell();
  try {
    process.exitCode = await runVerb(argv, shell);
  } catch (error) {
    process.exitCode = tell(error, argv, shell);
  }
}

async function runVerb(words: string[], around: Shell): Promise<number> {
  const [{ verbs }, { overview, version }] = await Promise.all([import("./commands/verbs.ts"), import("./commands/overview.ts")]);
  const [first] = words;
  if (first === "--version" || first === "-v") {
    around.out(version());
    return exitCodes.done;
  }
  if (first === "--help" || first === "-h" || (first === "help" && words.length === 1)) {
    around.out(overview(verbs));
    return exitCodes.done;
  }
  if (first === undefined) {
    around.surface.write(`${overview(verbs)}\n`);
    return exitCodes.usage;
  }
  const { runCommandLine } = await import("./commands/parser.ts");
  return runCommandLine(first === "help" ? [...words.slice(1), "--help"] : words, verbs, around);
}

/** Says what went wrong, for people on stderr and with `--json` for machines as the last line of stdout. */
function tell(error: unknown, words: string[], { surface, out, environment }: Shell): number {
  const problem = problemOf(error);
  const called = { command: commandName(environment), where: whereOfWords(words) };
  const debug = /--log-level[= ]debug(\s|$)/.test(words.join(" "));
  const text = problemText(problem, { color: surface.color, ...(debug && { stackOf: error }) });
  surface.write(`${asCalled(text, called)}\n`);
  if (words.includes("--json")) out(JSON.stringify({ error: problemJson(problem, problem.exitCode) }));
  return problem.exitCode;
}
