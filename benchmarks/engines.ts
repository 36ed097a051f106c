import { execFile } from "node:child_process";
import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import type { Commit } from "../core/types.ts";
import { makeCorpus } from "./corpus.ts";
import { median } from "./statistics.ts";

/*
 * The engines on the same images with the same number of cores, in turn:
 *   node benchmarks/engines.ts --spark-master URL [--spark-submit COMMAND] [--cores 2] [--small 500] [--copies 8] [--repetitions 3]
 * `local[N]` is a master, too. Start-up is from the start of the process until a worker begins its first shard, work from
 * there to the last commit; the overhead of an engine is on work alone.
 */
const { values: options } = parseArgs({
  options: {
    "spark-master": { type: "string", default: "local[2]" },
    "spark-submit": { type: "string", default: "spark-submit" },
    cores: { type: "string", default: "2" },
    small: { type: "string", default: "500" },
    copies: { type: "string", default: "8" },
    repetitions: { type: "string", default: "3" },
  },
});

interface Took {
  startUpMs: number;
  workMs: number;
  wallMs: number;
}

const root = join(import.meta.dirname, "..");
const cache = process.env["IMAGEMILL_BENCH"] ?? join(root, "out", "bench");
const say = (line: string): void => void process.stderr.write(`${line}\n`);

const { folder } = await makeCorpus(cache, { small: Number(options.small), large: 0, copies: Number(options.copies) }, say);
const engines = [
  { name: "local", flags: ["--engine", "local", "--set", `local.processes=${options.cores}`, "--set", "local.threadsPerProcess=1"] },
  {
    name: "spark",
    flags: ["--engine", "spark", "--spark-master", options["spark-master"], "--set", `spark.submitCommand=${options["spark-submit"]}`],
  },
];
const results = engines.map(({ name }) => ({ name, took: [] as Took[] }));
for (let repetition = 0; repetition < Number(options.repetitions); repetition += 1) {
  for (const [index, { name, flags }] of engines.entries()) {
    const took = await runOnce(flags);
    results[index]!.took.push(took);
    say(`${name}: ${seconds(took.startUpMs)} s start-up, ${seconds(took.workMs)} s work, ${seconds(took.wallMs)} s in all`);
  }
}
const of = (took: Took[], part: keyof Took): number => median(took.map((one) => one[part]));
const [local, spark] = results;
for (const { name, took } of results) {
  say(`${name}, medians: start-up ${seconds(of(took, "startUpMs"))} s, work ${seconds(of(took, "workMs"))} s`);
}
const overhead = of(spark!.took, "workMs") / of(local!.took, "workMs") - 1;
process.stdout.write(`${JSON.stringify({ ...options, results, overhead })}\n`);

async function runOnce(flags: string[]): Promise<Took> {
  const scratch = join(cache, "scratch-engines");
  await rm(scratch, { recursive: true, force: true });
  await mkdir(scratch, { recursive: true });
  const startedMs = Date.now();
  const run = ["run", "--json", "--run-date", "2026-11-23", "--source", folder, ...flags];
  await promisify(execFile)(process.execPath, [join(root, "submit", "bin.js"), ...run], { cwd: scratch, maxBuffer: 1 << 26 });
  const wallMs = Date.now() - startedMs;
  const commits = await readCommits(join(scratch, "out", "control", "runs"));
  const begunMs = Math.min(...commits.map((commit) => Date.parse(commit.startedAt)));
  const endedMs = Math.max(...commits.map((commit) => Date.parse(commit.endedAt)));
  await rm(scratch, { recursive: true, force: true });
  return { startUpMs: begunMs - startedMs, workMs: endedMs - begunMs, wallMs };
}

async function readCommits(runs: string): Promise<Commit[]> {
  const [runId] = await readdir(runs);
  const commits = join(runs, runId!, "commits");
  const files = (await readdir(commits)).filter((name) => name.endsWith(".json"));
  return Promise.all(files.map(async (name) => JSON.parse(await readFile(join(commits, name), "utf8")) as Commit));
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(1);
}
