import { parseArgs } from "node:util";
import { messageOf, usageError } from "../../core/errors.ts";
import { logLevels } from "../../core/log.ts";
import type { WorkerOptions } from "../../pool/worker.ts";
import { problemOf, problemText } from "../terminal/problem.ts";
import { oneOf, text, wholeNumber } from "./flags.ts";
import { defineVerb, readFlags, type FlagValues } from "./verb.ts";

const flags = {
  run: text("run", "Id of the run"),
  shard: text(
    "shard",
    "Ids of the shards, with commas between; - reads them from stdin, one a line; @NAME:N takes line N, from 0, of an object of the control store",
  ),
  control: text("control", "The control store, as in the plan"),
  threads: wholeNumber("threads", "Threads of the pool process [default: the cores it may use]"),
  "engine-attempt": text("engine-attempt", "What the engine calls this try [default: 1]"),
  "log-level": oneOf("log-level", "Structured log on stderr", logLevels),
} as const;

export const workerVerb = defineVerb({
  command: "worker",
  summary: "One or more shards of a planned run; what engines start",
  group: "Keep",
  positionals: {},
  flags,
  examples: [],
  run: async (args, shell) => work(args, shell.environment),
});

/** The same verb without the command line's parser, which would cost each worker a tenth of a second. */
export async function runWorkerLine(argv: string[]): Promise<number> {
  try {
    return await work(readFlags(flags, parse(argv)), process.env);
  } catch (error) {
    const problem = problemOf(error);
    process.stderr.write(`${problemText(problem, { color: false })}\n`);
    return problem.exitCode;
  }
}

async function work(args: FlagValues<typeof flags>, environment: NodeJS.ProcessEnv): Promise<number> {
  const { runWorker } = await import("../../pool/worker.ts");
  const { run, shard, control } = args;
  if (run === undefined || shard === undefined || control === undefined) {
    throw usageError("worker needs --run, --shard and --control", "Engines start it; `imagemill run` starts them.");
  }
  const endpoint = environment["IMAGEMILL_STORAGE_ENDPOINT"];
  return runWorker({
    runId: run,
    shards: shardsOf(shard),
    control,
    ...(args.threads !== undefined && { threads: args.threads }),
    ...(args["engine-attempt"] !== undefined && { engineAttempt: args["engine-attempt"] }),
    ...(args["log-level"] !== undefined && { logLevel: args["log-level"] }),
    ...(endpoint !== undefined && endpoint !== "" && { storageEndpoint: endpoint }),
  });
}

function shardsOf(written: string): WorkerOptions["shards"] {
  if (written === "-") return "stdin";
  if (!written.startsWith("@")) return written.split(",").filter((id) => id !== "");
  const [, object, line] = /^@(.+):(\d+)$/.exec(written) ?? [];
  if (object === undefined)
    throw usageError(`--shard ${written}: must be @NAME:N`, "NAME is an object of the control store, N a line from 0.");
  return { object, line: Number(line) };
}

function parse(argv: string[]): Record<string, unknown> {
  try {
    return parseArgs({ args: argv, options: flags, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw usageError(`worker: ${messageOf(error)}`, "See imagemill worker --help");
  }
}
