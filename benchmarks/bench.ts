import { execFile } from "node:child_process";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { bareLoop, imagemill, type Contender } from "./contenders.ts";
import { imagesOf, makeCorpus } from "./corpus.ts";
import { machineCard, machineSlug } from "./machine.ts";
import { peerContender } from "./peers/peers.ts";
import { report, type Results, type Stage } from "./results.ts";

const usage = `npm run bench -- [--small 500] [--large 50] [--copies 4] [--repetitions 5] [--only small|large]
                 [--stages] [--without-runs] [--peer NAME]… [--save] [--flag "--set local.pin=false"]…

The whole run against a bare sharp loop on the same photographs, repetitions interleaved, medians.
  --copies N      each photograph N times with other bytes: more work a repetition
  --only          one half of the corpus
  --stages        also read, decode, write and so on, one at a time; --without-runs for these alone
  --flag TEXT     a further contender: the run with these flags; may be repeated
  --peer NAME     a further contender: img2dataset, ray, daft, spark; installed from PyPI on first use; may be repeated
  --save          writes benchmarks/runs/<date>-<machine>.json and .md
Corpus and scratch folders are made in out/bench; IMAGEMILL_BENCH names another place, a faster disk for example.
`;

const { values: options } = parseArgs({
  options: {
    small: { type: "string", default: "500" },
    large: { type: "string", default: "50" },
    copies: { type: "string", default: "4" },
    repetitions: { type: "string", default: "5" },
    only: { type: "string" },
    stages: { type: "boolean", default: false },
    "without-runs": { type: "boolean", default: false },
    save: { type: "boolean", default: false },
    peer: { type: "string", multiple: true, default: [] },
    flag: { type: "string", multiple: true, default: [] },
    help: { type: "boolean", default: false },
  },
});

const say = (line: string): void => void process.stderr.write(`${line}\n`);
const root = join(import.meta.dirname, "..");
const cache = process.env["IMAGEMILL_BENCH"] ?? join(root, "out", "bench");

async function bench(): Promise<void> {
  const { folder, corpus } = await makeCorpus(
    cache,
    { small: Number(options.small), large: Number(options.large), copies: Number(options.copies) },
    say,
  );
  const source = options.only === undefined ? folder : join(folder, options.only);
  const scratch = join(cache, "scratch");
  const machine = await machineCard(cache);
  const place = { source, scratch, cores: machine.cores };
  await warm(source);
  const results: Results = { machine, corpus, startUp: [], contenders: [], stages: [] };
  if (options.only !== undefined) results.corpus = { ...corpus, description: `${corpus.description}; of these only ${options.only}/` };
  if (!options["without-runs"]) await runContenders(results, place);
  if (options.stages) results.stages = await runStages(place);
  await rm(scratch, { recursive: true, force: true });
  const text = report(results);
  process.stdout.write(`${text}\n`);
  if (options.save) await save(results, text);
}

/** Everybody finds the images in the page cache. */
async function warm(folder: string): Promise<void> {
  for (const image of await imagesOf(folder)) await readFile(image);
}

interface BenchPlace {
  source: string;
  scratch: string;
  cores: number;
}

async function runContenders(results: Results, place: BenchPlace): Promise<void> {
  const contenders: Contender[] = [
    bareLoop(place, false),
    bareLoop(place, true),
    imagemill(place, { name: "imagemill run", what: "the whole run, from process start to rows loaded and report written", args: [] }),
    ...options.flag.map((flags) =>
      imagemill(place, { name: `imagemill run ${flags}`, what: `the same with ${flags}`, args: flags.split(" ") }),
    ),
  ];
  for (const name of options.peer) contenders.push(await peerContender(name, cache, place));
  const one = imagemill(place, { name: "start-up", what: "", args: ["--limit", "1"] });
  for (let repetition = 0; repetition < 3; repetition += 1) results.startUp.push(await one.run());
  results.contenders = contenders.map(({ name, what }) => ({ name, what, measurements: [] }));
  for (let repetition = 0; repetition < Number(options.repetitions); repetition += 1) {
    for (const [index, contender] of contenders.entries()) {
      const measured = await contender.run();
      results.contenders[index]!.measurements.push(measured);
      const rate = ((measured.images * 1000) / measured.wallMs).toFixed(0);
      say(`${repetition + 1}/${options.repetitions} ${contender.name}: ${rate} images/s, ${(measured.wallMs / 1000).toFixed(1)} s`);
    }
  }
}

async function runStages({ source, scratch, cores }: BenchPlace): Promise<Stage[]> {
  await mkdir(scratch, { recursive: true });
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [join(import.meta.dirname, "stages.ts"), source, join(scratch, "stages"), String(cores), "500", "3"],
    { env: { ...process.env, UV_THREADPOOL_SIZE: String(cores) } },
  );
  return JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "") as Stage[];
}

async function save(results: Results, text: string): Promise<void> {
  const folder = join(import.meta.dirname, "runs");
  await mkdir(folder, { recursive: true });
  const path = join(folder, `${results.machine.date}-${machineSlug(results.machine)}`);
  await writeFile(`${path}.json`, `${JSON.stringify(results, undefined, 1)}\n`);
  await writeFile(`${path}.md`, `${text}\n`);
  say(`saved ${path}.json and .md`);
}

if (options.help) process.stdout.write(usage);
else await bench();
