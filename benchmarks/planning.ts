/**
 * How long planning takes and how much memory, each stage in a process of its own:
 *   node benchmarks/planning.ts [--objects 1000000] [--rerun-objects 100000] [--no-crc32c]
 * The source is a synthetic listing (1 in 50 objects has a copy elsewhere), the control store a folder.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { utcDate } from "../core/clock.ts";
import type { LedgerEntry, Plan, Policy } from "../core/types.ts";
import { appendLedger } from "../partitioner/ledger-append.ts";
import { ledgerKeyOf } from "../partitioner/ledger.ts";
import { createPlan, type PlanInput } from "../partitioner/plan.ts";
import { fileStore } from "../storage/file.ts";
import type { ListPage, ObjectInfo, ObjectStore } from "../storage/store.ts";

const runDate = "2026-11-23";

const policy: Policy = {
  limits: {
    imageTimeoutMs: 30_000,
    shardTimeoutMs: 3_600_000,
    runTimeoutMs: 86_400_000,
    maxObjectBytes: 2 ** 29,
    maxPixels: 1e8,
    workerMemoryBytes: 2 ** 30,
    storageAttempts: 5,
    storageConcurrency: 16,
  },
  archive: { days: 7, sources: true, onArchived: "keep", durable: false },
  gate: { maxQuarantinedRatio: 0.05 },
  packing: { shardSeconds: 90, minShards: 8, maxShardObjects: 20_000, maxShardBytes: 2 ** 32 },
};

/** Object `index` of a listing: equal on every call, in the order of names. */
function objectAt(index: number, hasCrc32c: boolean): ObjectInfo {
  const content = index % 50 === 49 ? index - 25 : index;
  const hash = Math.imul(content + 1, 0x9e3779b1) >>> 0;
  const crc = Buffer.alloc(4);
  crc.writeUInt32BE(Math.imul(hash ^ (hash >>> 15), 0x85ebca6b) >>> 0);
  return {
    name: `cameras/${String(Math.floor(index / 5000)).padStart(5, "0")}/2026-11-22/IMG_${String(index % 5000).padStart(6, "0")}.jpg`,
    generation: String(1_763_900_000_000_000n + BigInt(index)),
    sizeBytes: 40_000 + (hash % 400_000),
    contentType: "image/jpeg",
    ...(hasCrc32c && { crc32c: crc.toString("base64") }),
  };
}

function syntheticSource(objects: number, hasCrc32c: boolean): ObjectStore {
  async function* list(): AsyncGenerator<ListPage> {
    for (let start = 0; start < objects; start += 1_000) {
      const page = Array.from({ length: Math.min(1_000, objects - start) }, (_, offset) => objectAt(start + offset, hasCrc32c));
      yield { objects: page, prefixes: [] };
    }
  }
  const unused = fileStore("/nowhere");
  return { ...unused, url: "memory://synthetic", capabilities: { ...unused.capabilities, listsCrc32c: hasCrc32c }, list };
}

interface Stage {
  name: "plan" | "ledger" | "rerun";
  folder: string;
  objects: number;
  hasCrc32c: boolean;
}

function inputOf({ folder, objects, hasCrc32c }: Stage, rerun: number): PlanInput {
  const stores = { source: "memory://synthetic", archive: "file:///archive", control: `file://${folder}`, warehouse: "duckdb:///w.duckdb" };
  const jobs = [{ name: "thumbnails", version: 1, params: {}, digest: "0123456789abcdef01234567" }];
  return {
    request: { source: stores.source, select: { include: ["**"], exclude: ["**/.DS_Store"], reprocess: false }, jobs, rerun },
    runDate,
    policy,
    stores,
    code: { imagemill: "0", sharp: "0", libvips: "0" },
    source: syntheticSource(objects, hasCrc32c),
    control: fileStore(folder),
    signal: new AbortController().signal,
  };
}

async function* ledgerEntries(objects: number, runId: string): AsyncGenerator<LedgerEntry[]> {
  for (let index = 0; index < objects; index++) {
    const { name, generation, sizeBytes, crc32c } = objectAt(index, true);
    const sha256 = Buffer.from(name.padEnd(32).slice(-32)).toString("hex");
    yield [
      { name, generation, sizeBytes, crc32c: crc32c!, sha256, outcome: "ok", runId, outputsExpire: utcDate(Date.now() + 6 * 86_400_000) },
    ];
  }
}

async function runStage(stage: Stage): Promise<Record<string, number | string>> {
  const started = performance.now();
  const figures = stage.name === "ledger" ? await appendAll(stage) : await planAll(stage);
  const seconds = (performance.now() - started) / 1000;
  const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
  const cpuSeconds = Number(((userCPUTime + systemCPUTime) / 1e6).toFixed(1));
  const peakMegabytes = Math.round(maxRSS / 1024);
  return { stage: stage.name, objects: stage.objects, ...figures, seconds: Number(seconds.toFixed(1)), cpuSeconds, peakMegabytes };
}

async function planAll(stage: Stage): Promise<Record<string, number>> {
  const { plan, skew } = await createPlan(inputOf(stage, stage.name === "rerun" ? 2 : 1));
  return figuresOf(plan, skew);
}

function figuresOf({ manifest, shards }: Plan, skew: number): Record<string, number> {
  return { unchanged: manifest.unchanged, shards: shards.length, skew: Number(skew.toFixed(3)) };
}

async function appendAll(stage: Stage): Promise<Record<string, number>> {
  const input = inputOf(stage, 1);
  const append = { runId: `${runDate}-0123456789ab`, from: 0, signal: input.signal };
  await appendLedger(input.control, ledgerKeyOf(input), ledgerEntries(stage.objects, append.runId), append);
  return {};
}

function inChild(stage: Stage): Record<string, number | string> {
  const printed = execFileSync(process.execPath, [fileURLToPath(import.meta.url), "--stage", JSON.stringify(stage)], { encoding: "utf8" });
  return JSON.parse(printed) as Record<string, number | string>;
}

function runAll(objects: number, rerunObjects: number, hasCrc32c: boolean): void {
  const folder = mkdtempSync(join(tmpdir(), "imagemill-planning-"));
  try {
    const rerunFolder = join(folder, "rerun");
    console.table([
      inChild({ name: "plan", folder: join(folder, "plan"), objects, hasCrc32c }),
      inChild({ name: "ledger", folder: rerunFolder, objects: rerunObjects, hasCrc32c }),
      inChild({ name: "rerun", folder: rerunFolder, objects: rerunObjects, hasCrc32c }),
    ]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const { values } = parseArgs({
  options: {
    stage: { type: "string" },
    objects: { type: "string", default: "1000000" },
    "rerun-objects": { type: "string", default: "100000" },
    "no-crc32c": { type: "boolean", default: false },
  },
});
if (values.stage === undefined) runAll(Number(values.objects), Number(values["rerun-objects"]), !values["no-crc32c"]);
else console.log(JSON.stringify(await runStage(JSON.parse(values.stage) as Stage)));
