import { controlNames } from "../../core/layout.ts";
import type { LedgerEntry, Plan, Policy, ShardEntry } from "../../core/types.ts";
import { memoryStore } from "../../storage/memory.ts";
import { readNdjson } from "../../storage/objects.ts";
import type { ObjectStore } from "../../storage/store.ts";
import { appendLedger } from "../../partitioner/ledger-append.ts";
import { ledgerKeyOf } from "../../partitioner/ledger.ts";
import type { PlanInput } from "../../partitioner/plan.ts";
import { batchesOf } from "./streams.ts";

export const signal = new AbortController().signal;
const runDate = "2026-11-23";
export const clock = { now: () => Date.parse("2026-11-23T08:00:00Z"), monotonicMs: () => 0, sleep: async () => undefined };

export const policy: Policy = {
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
  packing: { shardSeconds: 1, minShards: 4, maxShardObjects: 50, maxShardBytes: 2 ** 30 },
};

export interface World {
  source: ObjectStore;
  control: ObjectStore;
}

type Change = Partial<Omit<PlanInput, "request">> & { select?: Partial<PlanInput["request"]["select"]>; rerun?: number };

export function inputOf({ source, control }: World, { select, rerun = 1, ...change }: Change = {}): PlanInput {
  const stores = { source: "memory://source", archive: "memory://archive", control: "memory://control", warehouse: "duckdb:///w.duckdb" };
  return {
    request: {
      source: stores.source,
      select: { include: ["**"], exclude: [], reprocess: false, ...select },
      jobs: [{ name: "facts", version: 1, params: {}, digest: "f1" }],
      rerun,
    },
    runDate,
    policy,
    stores,
    code: { imagemill: "1", sharp: "2", libvips: "3" },
    source,
    control,
    signal,
    clock,
    ...change,
  };
}

export async function worldWith(names: string[]): Promise<World> {
  const source = memoryStore({ url: "memory://source", pageSize: 7 });
  for (const [index, name] of names.entries()) await source.write(name, Buffer.from(`content ${index}`.repeat(100)));
  return { source, control: memoryStore({ url: "memory://control" }) };
}

export function imageNames(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `day/${index % 7}/image-${String(index).padStart(4, "0")}.jpg`);
}

export async function shardEntries(control: ObjectStore, plan: Plan): Promise<ShardEntry[][]> {
  return Promise.all(plan.shards.map(async ({ id }) => readNdjson<ShardEntry>(control, controlNames.shard(plan.runId, id))));
}

export async function stored(store: ObjectStore): Promise<string[]> {
  const names: string[] = [];
  for await (const { objects } of store.list()) names.push(...objects.map(({ name }) => name));
  return names;
}

/** As a finished run leaves it. */
export async function finish(world: World, plan: Plan, more: (entry: ShardEntry) => Partial<LedgerEntry> = () => ({})): Promise<void> {
  const done = (await shardEntries(world.control, plan)).flat().map((entry): LedgerEntry => {
    const { name, generation, sizeBytes, crc32c } = entry;
    const known = { name, generation, sizeBytes, crc32c: crc32c!, sha256: `sha-${sizeBytes}-${crc32c}`, runId: plan.runId };
    return Object.assign(known, { outcome: "ok" as const, outputsExpire: "2026-11-30" }, more(entry));
  });
  await appendLedger(world.control, ledgerKeyOf(plan), batchesOf(done, 10), { runId: plan.runId, from: plan.ledgerBelow, signal });
}
