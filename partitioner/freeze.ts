import { inParallel } from "../core/parallel.ts";
import type { ManifestEntry, ShardEntry } from "../core/types.ts";
import { contentKey, createKeyCollector, type KeyCollector } from "./content-keys.ts";
import { createLines, type Lines } from "./lines.ts";
import { manifestPartName, type PlanFiles } from "./plan-files.ts";
import type { Spool, SpoolFile } from "./spool.ts";
import { encodeWork } from "./work.ts";

const partEntries = 10_000;
const partsInFlight = 2;

/** An entry as the merge join with the ledger leaves it. */
export type FrozenEntry = ShardEntry & { unchanged?: true };

/** The listing, once and for all, and what packing needs to know of the whole before it starts. */
export interface Frozen {
  parts: string[];
  objects: number;
  bytes: number;
  unchanged: number;
  /** Entries that go into shards, encoded by `encodeWork`, in the order of names. */
  work: SpoolFile;
  predictedMs: number;
  /** Objects of work that are empty: never duplicates of anything. */
  empty: number;
  keys: KeyCollector;
}

/** Writes the manifest parts of a sorted stream of entries and sets aside what is to be packed. */
export async function freeze(
  entries: AsyncIterable<FrozenEntry[]>,
  target: { runId: string; files: PlanFiles; spool: Spool; predict: (entry: ShardEntry) => number },
): Promise<Frozen> {
  const frozen: Frozen = {
    parts: [],
    objects: 0,
    bytes: 0,
    unchanged: 0,
    work: target.spool.file(),
    predictedMs: 0,
    empty: 0,
    keys: createKeyCollector(),
  };
  await inParallel(manifestParts(entries, frozen, target.predict), partsInFlight, async ({ index, lines }) => {
    using _freed = lines;
    const name = manifestPartName(target.runId, index, lines);
    frozen.parts[index] = name;
    await target.files.put(name, lines);
  });
  return frozen;
}

async function* manifestParts(
  entries: AsyncIterable<FrozenEntry[]>,
  frozen: Frozen,
  predict: (entry: ShardEntry) => number,
): AsyncGenerator<{ index: number; lines: Lines }> {
  let index = 0;
  let lines = createLines();
  for await (const batch of entries) {
    for (const entry of batch) {
      const line = JSON.stringify(isPlain(entry) ? entry : manifestEntryOf(entry));
      lines.add(line);
      frozen.objects++;
      frozen.bytes += entry.sizeBytes;
      if (entry.unchanged === true) frozen.unchanged++;
      const pending = entry.unchanged === true ? undefined : setAside(entry, line, frozen, predict);
      if (pending !== undefined) await pending;
    }
    if (lines.count < partEntries) continue;
    yield { index: index++, lines };
    lines = createLines();
  }
  if (lines.count > 0) yield { index, lines };
}

/** Nothing in it is for the worker alone: one line serves manifest and shard. */
function isPlain(entry: FrozenEntry): boolean {
  return entry.quarantineCopy === undefined && entry.twins === undefined;
}

function manifestEntryOf({ quarantineCopy: _copy, twins: _twins, ...entry }: FrozenEntry): ManifestEntry {
  return entry;
}

function setAside(entry: FrozenEntry, line: string, frozen: Frozen, predict: (entry: ShardEntry) => number): Promise<void> | undefined {
  const predictedMs = predict(entry);
  const key = contentKey(entry.sizeBytes, entry.crc32c);
  if (entry.sizeBytes === 0) frozen.empty++;
  else frozen.keys.add(key);
  frozen.predictedMs += predictedMs;
  const shardLine = isPlain(entry) ? line : JSON.stringify(entry);
  return frozen.work.append(encodeWork({ key, predictedMs, sizeBytes: entry.sizeBytes, line: shardLine }));
}
