import { createHash } from "node:crypto";
import { utcInstant, type Clock, type Random } from "../../core/clock.ts";
import { addCounts, emptyCounts, type WorkerEvent } from "../../core/events.ts";
import { attemptName, jobsLabel } from "../../core/ids.ts";
import { archiveNames, controlNames } from "../../core/layout.ts";
import type { ImageRow, OutputRow } from "../../core/rows.ts";
import type { Commit, Counts, Plan, ShardEntry } from "../../core/types.ts";
import { createNdjson, createOrReadJson, readJson, readNdjson } from "../../storage/objects.ts";
import { isStoreError, type ObjectInfo, type ObjectStore } from "../../storage/store.ts";

export interface FakePlace {
  control: ObjectStore;
  source: ObjectStore;
  archive: ObjectStore;
  clock: Clock;
  random: Random;
}

/**
 * Does to a shard what a worker does, by the same protocol, but to any bytes: an object is quarantined when it says
 * "bad", else it is `ok` with one small output.
 */
export async function workShard(place: FakePlace, runId: string, shard: string, emit: (event: WorkerEvent) => void): Promise<void> {
  const { control, clock, random } = place;
  const attempt = attemptName("fake", random);
  const startedAt = utcInstant(clock.now());
  const plan = (await readJson<Plan>(control, controlNames.plan(runId)))!;
  const entries = await readNdjson<ShardEntry>(control, controlNames.shard(runId, shard));
  emit({ type: "shard-started", shard, attempt, objects: entries.length });
  const rows: ImageRow[] = [];
  for (const entry of entries) rows.push(await workObject(place, plan, { shard, attempt }, entry));
  const file = await createNdjson(control, controlNames.rows(runId, shard, attempt), rows);
  const counts = rows.map(countsOf).reduce(addCounts, emptyCounts());
  const commit: Commit = {
    format: 1,
    runId,
    planId: plan.planId,
    shard,
    attempt,
    writeId: random.hex(8),
    counts,
    rows: file,
    shardOutputs: [],
    startedAt,
    endedAt: utcInstant(clock.now()),
  };
  const { value } = await createOrReadJson(control, controlNames.commit(runId, shard), commit);
  if (value.writeId === commit.writeId) emit({ type: "shard-committed", shard, attempt, counts, wallMs: 1 });
  else emit({ type: "shard-superseded", shard, attempt, winner: value.attempt });
}

async function workObject(place: FakePlace, plan: Plan, who: { shard: string; attempt: string }, entry: ShardEntry): Promise<ImageRow> {
  const read = await readEntry(place, entry);
  const row = { ...emptyRow(place, plan, entry), ...who };
  if (read === undefined) return { ...row, outcome: "skipped", reason: "source_changed" };
  const { bytes, info } = read;
  const known: ImageRow = {
    ...row,
    crc32c: info.crc32c ?? null,
    sha256: createHash("sha256").update(bytes).digest("hex"),
    size_bytes: bytes.length,
  };
  if (Buffer.from(bytes).includes("bad")) {
    await keep(place, plan, entry, read.from, info);
    return { ...known, outcome: "quarantined", reason: "corrupt", message: "it says so itself" };
  }
  return { ...known, format: "text", width: 2, height: 1, megapixels: 0.000002, outputs: await writeOutputs(place, plan, entry, read) };
}

interface ReadEntry {
  bytes: Uint8Array;
  info: ObjectInfo;
  from: ObjectStore;
}

async function readEntry({ source, control }: FakePlace, entry: ShardEntry): Promise<ReadEntry | undefined> {
  const pinned = await readIfThere(source, entry.name, entry.generation);
  if (pinned !== undefined || entry.quarantineCopy === undefined) return pinned;
  return readIfThere(control, entry.quarantineCopy);
}

async function readIfThere(store: ObjectStore, name: string, generation?: string): Promise<ReadEntry | undefined> {
  try {
    return { ...(await store.read(name, generation === undefined ? {} : { generation })), from: store };
  } catch (error) {
    if (isStoreError(error, "NOT_FOUND")) return undefined;
    throw error;
  }
}

async function keep({ control }: FakePlace, plan: Plan, entry: ShardEntry, store: ObjectStore, info: ObjectInfo): Promise<void> {
  const name = controlNames.quarantine(plan.runId, entry.name, entry.generation);
  await adopting(async () => control.copy({ store, name: info.name, generation: info.generation }, name, { ifGeneration: "0" }));
}

async function writeOutputs(place: FakePlace, plan: Plan, entry: ShardEntry, { bytes, info, from }: ReadEntry): Promise<OutputRow[]> {
  const { archive } = place;
  const outputs: OutputRow[] = [];
  const thumbnail = archiveNames.output(plan, "thumbnails", "256", entry, "txt");
  await adopting(async () => archive.write(thumbnail, bytes.subarray(0, 2), { ifGeneration: "0" }));
  outputs.push({ ...(await described(archive, thumbnail)), job: "thumbnails", variant: "256", width: 2, height: 1, format: "txt" });
  if (!plan.policy.archive.sources) return outputs;
  const copy = archiveNames.source(plan, entry, "txt");
  await adopting(async () => archive.copy({ store: from, name: info.name, generation: info.generation }, copy, { ifGeneration: "0" }));
  outputs.push({ ...(await described(archive, copy)), job: "source", variant: "original", width: 2, height: 1, format: "txt" });
  return outputs;
}

async function adopting(act: () => Promise<unknown>): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (!isStoreError(error, "PRECONDITION_FAILED")) throw error;
  }
}

async function described(
  archive: ObjectStore,
  name: string,
): Promise<Pick<OutputRow, "uri" | "member" | "generation" | "crc32c" | "size_bytes">> {
  const { info } = await archive.read(name);
  return { uri: archive.uri(name), member: null, generation: info.generation, crc32c: info.crc32c!, size_bytes: info.sizeBytes };
}

function countsOf(row: ImageRow): Counts {
  return {
    objects: 1,
    ok: row.outcome === "ok" ? 1 : 0,
    skipped: row.outcome === "skipped" ? 1 : 0,
    quarantined: row.outcome === "quarantined" ? 1 : 0,
    outputs: row.outputs.length,
    bytesIn: row.sha256 === null ? 0 : row.size_bytes,
    bytesOut: row.outputs.reduce((sum, output) => sum + output.size_bytes, 0),
  };
}

function emptyRow({ source, clock }: FakePlace, plan: Plan, entry: ShardEntry): ImageRow {
  return {
    run_id: plan.runId,
    run_date: plan.runDate,
    jobs: jobsLabel(plan.request.jobs),
    bucket: source.bucket,
    name: entry.name,
    generation: entry.generation,
    crc32c: null,
    sha256: null,
    size_bytes: entry.sizeBytes,
    content_type: null,
    format: null,
    width: null,
    height: null,
    megapixels: null,
    color_space: null,
    channels: null,
    bit_depth: null,
    has_alpha: null,
    orientation: null,
    pages: null,
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
    shard: "",
    attempt: "",
    processed_at: utcInstant(clock.now()),
    timings: { read_ms: 1, queue_ms: 0, process_ms: 2, write_ms: 1 },
    outputs: [],
  };
}
