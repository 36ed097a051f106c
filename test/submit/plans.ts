import { digestOf } from "../../core/digest.ts";
import type { Plan, Policy, RunRequest, ShardEntry, StoreUrls } from "../../core/types.ts";

export const policy: Policy = {
  limits: {
    imageTimeoutMs: 10_000,
    shardTimeoutMs: 600_000,
    runTimeoutMs: 3_600_000,
    maxObjectBytes: 1 << 28,
    maxPixels: 1 << 28,
    workerMemoryBytes: 1 << 30,
    storageAttempts: 3,
    storageConcurrency: 8,
  },
  archive: { days: 7, sources: true, onArchived: "keep", durable: false },
  gate: { maxQuarantinedRatio: 0.5 },
  packing: { shardSeconds: 90, minShards: 4, maxShardObjects: 1000, maxShardBytes: 1 << 30 },
};

const request: RunRequest = {
  source: "memory://source",
  select: { include: ["**"], exclude: [], reprocess: false },
  jobs: [{ name: "thumbnails", version: 1, params: {}, digest: "00" }],
  rerun: 1,
};

/** A plan made by hand: `shards` shards of `objects` objects each, whose generations are still to be filled in. */
export function planOf(shards: number, objects: number, stores: StoreUrls): { plan: Plan; entries: Map<string, ShardEntry[]> } {
  const entries = new Map<string, ShardEntry[]>();
  for (let shard = 0; shard < shards; shard += 1) {
    const own = Array.from({ length: objects }, (_, index) => ({ name: `s${shard}/o${index}`, generation: "1", sizeBytes: 5 }));
    entries.set(`${String(shard).padStart(6, "0")}-${digestOf(own, 8)}`, own);
  }
  const plan: Plan = {
    format: 1,
    runId: "2026-11-23-0123456789ab",
    planId: "plan",
    runDate: "2026-11-23",
    requestDigest: "request",
    request,
    policy,
    stores,
    code: { imagemill: "1", sharp: "1", libvips: "1" },
    manifest: { parts: [], objects: shards * objects, bytes: shards * objects * 5, unchanged: 0 },
    shards: [...entries].map(([id, own]) => ({ id, objects: own.length, bytes: own.length * 5, predictedMs: 10 })),
    predictedMs: shards * 10,
    ledgerBelow: 0,
  };
  return { plan, entries };
}
