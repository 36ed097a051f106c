import { controlNames } from "../../core/layout.ts";
import { addCounts, emptyCounts } from "../../core/events.ts";
import type { ImageRow } from "../../core/rows.ts";
import type { Commit, Counts, LoadRecord, Plan, Seal } from "../../core/types.ts";
import { createNdjson, createOrReadJson } from "../../storage/objects.ts";
import type { ObjectStore } from "../../storage/store.ts";

export const runDate = "2026-11-23";
export const runId = `${runDate}-0123456789ab`;
const startMs = Date.parse(`${runDate}T02:00:00Z`);

/** A row of an image that is ok; `change` is laid over it. */
export function imageRow(name: string, change: Partial<ImageRow> = {}): ImageRow {
  return {
    run_id: runId,
    run_date: runDate,
    jobs: "facts@1,thumbnails@1",
    bucket: "photos",
    name,
    generation: "1700000000000001",
    crc32c: "AAAAAA==",
    sha256: "0".repeat(64),
    size_bytes: 100_000,
    content_type: "image/jpeg",
    format: "jpeg",
    width: 1000,
    height: 1000,
    megapixels: 1,
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
    shard: "00000-aa",
    attempt: "1-00",
    processed_at: new Date(startMs + 500).toISOString(),
    timings: { read_ms: 1, queue_ms: 2, process_ms: 10, write_ms: 3 },
    outputs: [],
    ...change,
  };
}

export function planOf(shards: { id: string; objects: number; predictedMs?: number }[]): Plan {
  const objects = shards.reduce((sum, shard) => sum + shard.objects, 0);
  return {
    format: 1,
    runId,
    planId: "0123456789abcdef01234567",
    runDate,
    requestDigest: "d".repeat(24),
    request: {
      source: "file:///photos",
      select: { include: [], exclude: [], reprocess: false },
      jobs: [
        { name: "facts", version: 1, params: {}, digest: "f" },
        { name: "thumbnails", version: 1, params: {}, digest: "t" },
      ],
      rerun: 0,
    },
    policy: {
      limits: {
        imageTimeoutMs: 30_000,
        shardTimeoutMs: 600_000,
        runTimeoutMs: 3_600_000,
        maxObjectBytes: 1e8,
        maxPixels: 1e8,
        workerMemoryBytes: 1e9,
        storageAttempts: 5,
        storageConcurrency: 16,
      },
      archive: { days: 7, sources: true, onArchived: "keep", durable: false },
      gate: { maxQuarantinedRatio: 0.5 },
      packing: { shardSeconds: 90, minShards: 2, maxShardObjects: 1000, maxShardBytes: 1e9 },
    },
    stores: {
      source: "file:///photos",
      archive: "memory://archive",
      control: "memory://control",
      warehouse: "duckdb:///data/imagemill.duckdb",
    },
    code: { imagemill: "1", sharp: "1", libvips: "1" },
    manifest: { parts: [], objects, bytes: objects * 100_000, unchanged: 0 },
    shards: shards.map(({ id, objects: own, predictedMs = own * 10 }) => ({ id, objects: own, bytes: own * 100_000, predictedMs })),
    predictedMs: objects * 10,
    ledgerBelow: 0,
  };
}

function countsOf(rows: ImageRow[]): Counts {
  const counts = emptyCounts();
  for (const row of rows) {
    counts.objects += 1;
    counts[row.outcome] += 1;
    counts.outputs += row.outputs.length;
    counts.bytesIn += row.size_bytes;
    counts.bytesOut += row.outputs.reduce((sum, output) => sum + output.size_bytes, 0);
  }
  return counts;
}

/** The commit of a shard that ran from `fromMs` to `toMs` after the start of the run. */
export function commitOf(shard: string, rows: ImageRow[], [fromMs, toMs]: [number, number] = [0, 1000]): Commit {
  const counts = countsOf(rows);
  return {
    format: 1,
    runId,
    planId: "0123456789abcdef01234567",
    shard,
    attempt: "1-00",
    writeId: "w",
    counts,
    rows: { name: controlNames.rows(runId, shard, "1-00"), generation: "1", sizeBytes: 1, crc32c: "AAAAAA==" },
    shardOutputs: [],
    startedAt: new Date(startMs + fromMs).toISOString(),
    endedAt: new Date(startMs + toMs).toISOString(),
  };
}

export function at(ms: number): string {
  return new Date(startMs + ms).toISOString();
}

/** Stores a run as the driver and its workers would have. */
export async function storeRun(
  control: ObjectStore,
  plan: Plan,
  shards: { commit: Commit; rows: ImageRow[] }[],
  until: "committed" | "sealed" | "loaded" = "loaded",
): Promise<void> {
  await createOrReadJson(control, controlNames.plan(runId), plan);
  for (const { commit, rows } of shards) {
    commit.rows = await createNdjson(control, commit.rows.name, rows);
    await createOrReadJson(control, controlNames.commit(runId, commit.shard), commit);
  }
  if (until === "committed") return;
  const counts = shards.map(({ commit }) => commit.counts).reduce(addCounts, emptyCounts());
  const seal: Seal = {
    format: 1,
    runId,
    planId: plan.planId,
    runDate,
    counts,
    unchanged: plan.manifest.unchanged,
    commits: shards.map(({ commit }) => ({ shard: commit.shard, attempt: commit.attempt, rows: commit.rows })),
    acceptedQuarantined: false,
    load: { warehouse: plan.stores.warehouse, table: "images", rows: counts.objects },
  };
  await createOrReadJson(control, controlNames.seal(runId), seal);
  if (until === "sealed") return;
  const load: LoadRecord = { format: 1, runId, sealDigest: "s", loadIds: ["l"], rows: counts.objects, adopted: false, loadedAt: at(5000) };
  await createOrReadJson(control, controlNames.load(runId), load);
}
