/**
 * What a plan of very many shards costs the driver, each stage in a process of its own:
 *   node benchmarks/shards.ts [--shards 100000] [--folder DIR]
 * Plan, commits and rows files (a row each) are made directly, as workers would have left them; the stages are the
 * driver's own: reading the plan and submitting it to Spark (the command is `true`), reading all commits and looking
 * again for new ones, the status, and the second half of the run: gate, seal, copies, load into DuckDB, ledger, report.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { loadConfig } from "../configs/load.ts";
import { systemClock, systemRandom } from "../core/clock.ts";
import { codeDigests } from "../core/code.ts";
import { digestOf } from "../core/digest.ts";
import { requestDigestOf, runIdOf } from "../core/ids.ts";
import { controlNames } from "../core/layout.ts";
import { silentLogger } from "../core/log.ts";
import { encodeNdjson } from "../core/ndjson.ts";
import type { ImageRow } from "../core/rows.ts";
import type { Commit, Plan, StoredFile } from "../core/types.ts";
import { crc32cBase64 } from "../storage/checksum.ts";
import { generationOf } from "../storage/file-disk.ts";
import { jsonBytes, readJson } from "../storage/objects.ts";
import type { Driver } from "../submit/driver.ts";
import { createSparkEngine } from "../submit/engines/spark.ts";
import { finishRun } from "../submit/finish.ts";
import { openDriver } from "../submit/open.ts";
import { readCommits } from "../submit/records.ts";
import { runStatus } from "../submit/status.ts";

const runDate = "2026-11-23";
const stages = ["submit", "commits", "status", "finish"] as const;
type Stage = (typeof stages)[number];

async function driverIn(folder: string): Promise<Driver> {
  const config = await loadConfig({ flags: { source: join(folder, "source") }, env: {}, cwd: folder, needsSource: true });
  return openDriver(config, {
    log: silentLogger,
    clock: systemClock,
    random: systemRandom,
    signal: new AbortController().signal,
    emit: () => undefined,
    environment: { XDG_STATE_HOME: join(folder, "state") },
  });
}

function write(path: string, bytes: Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
}

async function planOf({ config, jobs }: Driver, count: number): Promise<Plan> {
  const { source, archive, control, warehouse, policy } = config;
  const request = { source, select: { include: [], exclude: [], reprocess: false }, jobs: await jobs(), rerun: 1 };
  const stores = { source, archive, control, warehouse };
  const content: Omit<Plan, "planId"> = {
    format: 1,
    runId: runIdOf(runDate, request),
    runDate,
    requestDigest: requestDigestOf(request, policy, stores),
    request,
    policy,
    stores,
    code: codeDigests(),
    manifest: { parts: [], objects: count, bytes: count * 1000, unchanged: 0 },
    shards: Array.from({ length: count }, (_, index) => ({
      id: `${String(index).padStart(6, "0")}-${digestOf(index, 12)}`,
      objects: 1,
      bytes: 1000,
      predictedMs: 60_000 - (index % 1000),
    })),
    predictedMs: count * 60_000,
    ledgerBelow: 0,
  };
  return { ...content, planId: digestOf(content) };
}

/** What planner and workers leave in the control store. */
async function prepare(folder: string, count: number): Promise<void> {
  await using driver = await driverIn(folder);
  const plan = await planOf(driver, count);
  const control = fileURLToPath(driver.config.control);
  const place = (name: string): string => join(control, name);
  write(place(controlNames.plan(plan.runId)), jsonBytes(plan));
  for (const [index, { id }] of plan.shards.entries()) {
    const rows = encodeNdjson([rowOf(plan, id, index)]);
    const name = controlNames.rows(plan.runId, id, "1-0000000000000000");
    write(place(name), rows);
    const generation = generationOf(statSync(place(name), { bigint: true }));
    const file: StoredFile = { name, generation, sizeBytes: rows.length, crc32c: crc32cBase64(rows) };
    write(place(controlNames.commit(plan.runId, id)), jsonBytes(commitOf(plan, id, file)));
  }
}

function commitOf({ runId, planId }: Plan, shard: string, rows: StoredFile): Commit {
  return {
    format: 1,
    runId,
    planId,
    shard,
    attempt: "1-0000000000000000",
    writeId: "0",
    counts: { objects: 1, ok: 1, skipped: 0, quarantined: 0, outputs: 0, bytesIn: 1000, bytesOut: 0 },
    rows,
    shardOutputs: [],
    startedAt: "2026-11-23T10:00:00.000Z",
    endedAt: "2026-11-23T10:01:00.000Z",
  };
}

function rowOf(plan: Plan, shard: string, index: number): ImageRow {
  return {
    run_id: plan.runId,
    run_date: plan.runDate,
    jobs: "facts@1,thumbnails@1",
    bucket: plan.stores.source,
    name: `${index}.jpg`,
    generation: "1",
    crc32c: "AAAAAA==",
    sha256: "ab".repeat(32),
    size_bytes: 1000,
    content_type: "image/jpeg",
    format: "jpeg",
    width: 40,
    height: 30,
    megapixels: 0.0012,
    color_space: "srgb",
    channels: 3,
    bit_depth: "uchar",
    has_alpha: false,
    orientation: 1,
    pages: 1,
    taken_at: null,
    camera_make: null,
    camera_model: null,
    lens: null,
    gps_latitude: null,
    gps_longitude: null,
    fingerprint: null,
    outcome: "ok",
    reason: null,
    message: null,
    warnings: [],
    twin: null,
    shard,
    attempt: "1-0000000000000000",
    processed_at: "2026-11-23T10:00:30.000Z",
    timings: { read_ms: 1, queue_ms: 0, process_ms: 8, write_ms: 1 },
    outputs: [],
  };
}

const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const started = performance.now();
  await work();
  return Number(((performance.now() - started) / 1000).toFixed(2));
};

async function runStage(stage: Stage, folder: string, runId: string): Promise<Record<string, number | string>> {
  await using driver = await driverIn(folder);
  const { signal } = driver.host;
  const commits = new Map<string, Commit>();
  const read = async (): Promise<void> => readCommits(driver.control, runId, commits, signal);
  const figures: Record<Stage, () => Promise<Record<string, number>>> = {
    submit: async () => submitFigures(driver, folder, runId),
    commits: async () => ({ first: await timed(read), again: await timed(read) }),
    status: async () => {
      const look = async (): Promise<unknown> => runStatus(driver, runId, commits);
      return { first: await timed(look), again: await timed(look) };
    },
    finish: async () => ({ first: await timed(async () => finishRun(driver, runId, { acceptQuarantined: false })) }),
  };
  const seconds = await figures[stage]();
  const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
  const cpuSeconds = Number(((userCPUTime + systemCPUTime) / 1e6).toFixed(1));
  return { stage, ...seconds, cpuSeconds, peakMegabytes: Math.round(maxRSS / 1024) };
}

async function submitFigures(driver: Driver, folder: string, runId: string): Promise<Record<string, number>> {
  const engine = createSparkEngine({
    config: { ...driver.config.spark, master: "local[2]", submitCommand: "true" },
    control: driver.config.control,
    stateFolder: join(folder, "spark"),
    runtime: async () => Promise.resolve({ kind: "here", command: ["imagemill"] }),
    environment: process.env,
    workerEnvironment: {},
    logLevel: "silent",
    log: silentLogger,
    clock: systemClock,
  });
  const submit = async (): Promise<void> => {
    const plan = (await readJson<Plan>(driver.control, controlNames.plan(runId)))!;
    await engine.submit({ plan, shards: plan.shards, submission: 1 }, driver.host.signal).catch(() => undefined);
  };
  return { first: await timed(submit) };
}

function inChild(stage: Stage | "prepare", folder: string, shards: number): Record<string, number | string> {
  const flags = ["--stage", stage, "--folder", folder, "--shards", String(shards)];
  const printed = execFileSync(process.execPath, [fileURLToPath(import.meta.url), ...flags], { encoding: "utf8" });
  return JSON.parse(printed) as Record<string, number | string>;
}

const { values } = parseArgs({
  options: { stage: { type: "string" }, folder: { type: "string" }, shards: { type: "string", default: "100000" } },
});
const shards = Number(values.shards);
if (values.stage === undefined) {
  const folder = mkdtempSync(join(values.folder ?? tmpdir(), "imagemill-shards-"));
  try {
    inChild("prepare", folder, shards);
    console.table(stages.map((stage) => inChild(stage, folder, shards)));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
} else if (values.stage === "prepare") {
  await prepare(values.folder!, shards);
  console.log("{}");
} else {
  await using driver = await driverIn(values.folder!);
  const { runId } = await planOf(driver, 0);
  console.log(JSON.stringify(await runStage(values.stage as Stage, values.folder!, runId)));
}
