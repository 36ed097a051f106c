import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { seededRandom, systemClock } from "../../core/clock.ts";
import { codeDigests } from "../../core/code.ts";
import { controlNames } from "../../core/layout.ts";
import { silentLogger } from "../../core/log.ts";
import { decodeNdjson } from "../../core/ndjson.ts";
import type { ImageRow } from "../../core/rows.ts";
import type { Commit, Limits, Plan, PlannedJob, ShardEntry, ShardSummary } from "../../core/types.ts";
import { resolveJobs } from "../../jobs/resolve.ts";
import { createNdjson, jsonBytes, readJson } from "../../storage/objects.ts";
import { openStore } from "../../storage/open.ts";
import type { ObjectStore } from "../../storage/store.ts";

export const runId = "2026-11-23-0123456789ab";

export interface PlannedRun {
  folder: string;
  plan: Plan;
  shards: string[];
  source: ObjectStore;
  archive: ObjectStore;
  control: ObjectStore;
  commit(shard: string): Promise<Commit | undefined>;
  rows(shard: string): Promise<ImageRow[]>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface RunOptions {
  /** Content of the source objects by name. */
  objects?: Record<string, Uint8Array>;
  /** A folder of source objects that is there already. */
  sourceUrl?: string;
  limits?: Partial<Limits>;
  archiveSources?: boolean;
  jobs?: { name: string; params: Record<string, unknown> }[];
  shardCount?: number;
  changePlan?: (plan: Plan) => void;
  entry?: (entry: ShardEntry) => ShardEntry;
  open?: (url: string) => Promise<ObjectStore>;
  urls?: { source: string; archive: string; control: string };
}

const limits: Limits = {
  imageTimeoutMs: 10_000,
  shardTimeoutMs: 120_000,
  runTimeoutMs: 600_000,
  maxObjectBytes: 64 * 2 ** 20,
  maxPixels: 100_000_000,
  workerMemoryBytes: 1024 * 2 ** 20,
  storageAttempts: 3,
  storageConcurrency: 64,
};

export async function openPlain(url: string): Promise<ObjectStore> {
  return openStore(url, { attempts: 3, concurrency: 64, log: silentLogger, clock: systemClock, random: seededRandom(1) });
}

/** What the partitioner and the driver leave for workers: a plan and its shards, over real objects. */
export async function planRun(options: RunOptions): Promise<PlannedRun> {
  const folder = await mkdtemp(join(tmpdir(), "imagemill-pool-"));
  const urls = {
    source: options.sourceUrl ?? join(folder, "source"),
    archive: join(folder, "archive"),
    control: join(folder, "control"),
    ...options.urls,
  };
  const open = options.open ?? openPlain;
  const [source, archive, control] = await Promise.all([open(urls.source), open(urls.archive), open(urls.control)]);
  for (const [name, bytes] of Object.entries(options.objects ?? {})) await source.write(name, bytes);
  const entries = (await listEntries(source)).map(options.entry ?? ((entry) => entry));
  const groups = split(entries, options.shardCount ?? 1);
  const jobs = await resolveJobs(options.jobs ?? [{ name: "thumbnails", params: { sizes: [64] } }], import.meta.dirname);
  const plan = planOf(groups, jobs, { ...urls, warehouse: "duckdb:///none" }, options);
  options.changePlan?.(plan);
  await control.write(controlNames.plan(runId), jsonBytes(plan), { ifGeneration: "0" });
  for (const [index, group] of groups.entries()) await createNdjson(control, controlNames.shard(runId, plan.shards[index]!.id), group);
  const commit = async (shard: string): Promise<Commit | undefined> => readJson<Commit>(control, controlNames.commit(runId, shard));
  return {
    folder,
    plan,
    shards: plan.shards.map(({ id }) => id),
    source,
    archive,
    control,
    commit,
    rows: async (shard) => {
      const file = (await commit(shard))!.rows;
      return decodeNdjson<ImageRow>((await control.read(file.name)).bytes, file.name);
    },
    [Symbol.asyncDispose]: async () => rm(folder, { recursive: true, force: true }),
  };
}

async function listEntries(source: ObjectStore): Promise<ShardEntry[]> {
  const entries: ShardEntry[] = [];
  for await (const page of source.list()) {
    for (const { name, generation, sizeBytes, crc32c } of page.objects) {
      entries.push({ name, generation, sizeBytes, ...(crc32c !== undefined && { crc32c }) });
    }
  }
  return entries;
}

function split<T>(values: T[], count: number): T[][] {
  const size = Math.ceil(values.length / count);
  return Array.from({ length: count }, (_, index) => values.slice(index * size, (index + 1) * size));
}

function planOf(groups: ShardEntry[][], jobs: PlannedJob[], stores: Plan["stores"], options: RunOptions): Plan {
  const objects = groups.flat().length;
  const bytes = groups.flat().reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const shards: ShardSummary[] = groups.map((group, index) => ({
    id: `0000${index}-test`,
    objects: group.length,
    bytes: 0,
    predictedMs: 0,
  }));
  return {
    format: 1,
    runId,
    planId: "test",
    runDate: "2026-11-23",
    requestDigest: "test",
    request: { source: stores.source, select: { include: [], exclude: [], reprocess: false }, jobs, rerun: 1 },
    policy: {
      limits: { ...limits, ...options.limits },
      archive: { days: 7, sources: options.archiveSources ?? true, onArchived: "keep", durable: false },
      gate: { maxQuarantinedRatio: 1 },
      packing: { shardSeconds: 60, minShards: 1, maxShardObjects: 10_000, maxShardBytes: 2 ** 40 },
    },
    stores,
    code: codeDigests(),
    manifest: { parts: [], objects, bytes, unchanged: 0 },
    shards,
    predictedMs: 0,
    ledgerBelow: 0,
  };
}
