import { execFile } from "node:child_process";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import type { Commit } from "../core/types.ts";
import { imagesOf, makeCorpus } from "./corpus.ts";
import { enginesReport, type EngineName, type EngineResults, type Took } from "./engines-report.ts";
import { machineCard, machineSlug } from "./machine.ts";

const usage = `node benchmarks/engines.ts [--spark-master local | spark://host:7077] [--spark-submit COMMAND] [--cores 2]
                           [--small 500] [--copies 32] [--repetitions 3] [--save]

The engines on the same images, in turn: local and spark with as many workers as cores, spark with one worker, and local
without binding workers to cores, which Spark's are not. Start-up is from the start of the process until the first worker
begins its first shard; work goes from there to the last commit, and the ratios are of work, within each repetition.
  --spark-master  \`local\` runs Spark's workers inside spark-submit; a cluster must offer as many cores
  --save          writes benchmarks/runs/<date>-engines-<machine>.json and .md
`;

const { values: options } = parseArgs({
  options: {
    "spark-master": { type: "string", default: "local" },
    "spark-submit": { type: "string", default: "spark-submit" },
    cores: { type: "string", default: "2" },
    small: { type: "string", default: "500" },
    copies: { type: "string", default: "32" },
    repetitions: { type: "string", default: "3" },
    save: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

const root = join(import.meta.dirname, "..");
const cache = process.env["IMAGEMILL_BENCH"] ?? join(root, "out", "bench");
const say = (line: string): void => void process.stderr.write(`${line}\n`);

function localFlags(workers: number, pin: boolean): string[] {
  return ["--engine", "local", ...set({ "local.processes": workers, "local.threadsPerProcess": 1, "local.pin": pin })];
}

function sparkFlags(workers: number): string[] {
  const master = options["spark-master"] === "local" ? `local[${workers}]` : options["spark-master"];
  const bound = master.startsWith("local") ? {} : { "spark.conf.spark.cores.max": workers };
  return ["--engine", "spark", "--spark-master", master, ...set({ "spark.submitCommand": options["spark-submit"], ...bound })];
}

function set(values: Record<string, string | number | boolean>): string[] {
  return Object.entries(values).flatMap(([key, value]) => ["--set", `${key}=${value}`]);
}

async function runOnce(source: string, flags: string[]): Promise<Took> {
  const scratch = join(cache, "scratch-engines");
  await rm(scratch, { recursive: true, force: true });
  await mkdir(scratch, { recursive: true });
  const startedMs = Date.now();
  const run = ["run", "--json", "--run-date", "2026-11-23", "--source", source, ...flags];
  const environment = { ...process.env, XDG_STATE_HOME: join(scratch, "state") };
  await promisify(execFile)(process.execPath, [join(root, "submit", "bin.js"), ...run], {
    cwd: scratch,
    env: environment,
    maxBuffer: 1 << 26,
  });
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

async function bench(): Promise<void> {
  const cores = Number(options.cores);
  const { folder, corpus } = await makeCorpus(cache, { small: Number(options.small), large: 0, copies: Number(options.copies) }, say);
  const machine = await machineCard(cache);
  for (const image of await imagesOf(folder)) await readFile(image);
  const flags: Record<EngineName, string[]> = {
    local: localFlags(cores, true),
    "local, not bound": localFlags(cores, false),
    spark: sparkFlags(cores),
    "spark, one worker": sparkFlags(1),
  };
  const results: EngineResults = { machine, images: corpus.images, description: corpus.description, cores, repetitions: [] };
  for (let repetition = 0; repetition < Number(options.repetitions); repetition += 1) {
    const took: Partial<Record<EngineName, Took>> = {};
    for (const [name, own] of Object.entries(flags) as [EngineName, string[]][]) {
      const { startUpMs, workMs } = (took[name] = await runOnce(folder, own));
      say(`${repetition + 1}/${options.repetitions} ${name}: start-up ${seconds(startUpMs)} s, work ${seconds(workMs)} s`);
    }
    results.repetitions.push(took as Record<EngineName, Took>);
  }
  const text = enginesReport(results);
  process.stdout.write(`${text}\n`);
  if (options.save) await save(results, text);
}

async function save(results: EngineResults, text: string): Promise<void> {
  const path = join(import.meta.dirname, "runs", `${results.machine.date}-engines-${machineSlug(results.machine)}`);
  await writeFile(`${path}.json`, `${JSON.stringify(results, undefined, 1)}\n`);
  await writeFile(`${path}.md`, `${text}\n`);
  say(`saved ${path}.json and .md`);
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(1);
}

if (options.help) process.stdout.write(usage);
else await bench();
