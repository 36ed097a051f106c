import type { LedgerTwin, PackingPolicy, ShardEntry, ShardSummary } from "../core/types.ts";
import type { KeySet } from "./content-keys.ts";
import type { Frozen } from "./freeze.ts";
import { createLines, digestOfLines, type Lines } from "./lines.ts";
import { createPacker, type Placement } from "./pack.ts";
import { createSorter } from "./sort.ts";
import type { Spool } from "./spool.ts";
import type { Twins } from "./twins.ts";
import { decodeWork, type WorkItem } from "./work.ts";

/** What a worker compares one object with, at most. */
const maxTwins = 8;

export interface PackedShard {
  summary: ShardSummary;
  lines: Lines;
}

/**
 * The shards of a frozen listing. Objects go by name, except those that may be duplicates of one another or of what an
 * earlier run did: these are set aside and packed last, equal ones side by side.
 */
export async function* packShards(
  frozen: Frozen,
  { packing, spool, twins }: { packing: PackingPolicy; spool: Spool; twins: Twins },
): AsyncGenerator<PackedShard> {
  const units = frozen.empty + frozen.keys.distinct();
  const pack = createPacker<WorkItem>({ predictedMs: frozen.predictedMs, units }, packing);
  const drafts = shardDrafts();
  for await (const batch of unitsOf(frozen, { packing, spool, twins })) {
    for (const unit of batch) {
      for (const placement of pack(unit)) yield* drafts.place(placement);
    }
  }
  yield* drafts.end();
}

async function* unitsOf(
  frozen: Frozen,
  { packing, spool, twins }: { packing: PackingPolicy; spool: Spool; twins: Twins },
): AsyncGenerator<WorkItem[][]> {
  const aside = createSorter<Keyed>({ spool, compare: (a, b) => a.key - b.key, encode: ({ text }) => text, decode: keyedOf });
  const isCandidate = candidateTest(frozen.keys.repeated(), twins.keys);
  for await (const lines of frozen.work.read()) {
    const units: WorkItem[][] = [];
    for (const text of lines) {
      const item = decodeWork(text);
      if (isCandidate(item)) await aside.add({ key: item.key, text });
      else units.push([item]);
    }
    yield units;
  }
  for await (const group of groups(aside.sorted(), packing.maxShardObjects)) {
    const own = await twins.of(group[0]!.key);
    yield [own.length === 0 ? group : group.map((item) => withTwins(item, own))];
  }
}

/** What sorting needs of an item: many are held at a time. */
interface Keyed {
  key: number;
  /** As `encodeWork` makes it. */
  text: string;
}

function keyedOf(text: string): Keyed {
  return { key: Number(text.slice(0, text.indexOf(" "))), text };
}

/** Shards are numbered in the order in which they are complete. */
function shardDrafts(): { place(placement: Placement<WorkItem>): Generator<PackedShard>; end(): Generator<PackedShard> } {
  let open: ShardDraft | undefined;
  let sequence = 0;
  function* end(): Generator<PackedShard> {
    if (open !== undefined) yield finish(open, sequence++);
    open = undefined;
  }
  function* place({ piece, into }: Placement<WorkItem>): Generator<PackedShard> {
    if (into === "new") yield* end();
    const draft = into === "own" || open === undefined ? { lines: createLines(), bytes: 0, predictedMs: 0 } : open;
    for (const item of piece) addTo(draft, item);
    if (into === "own") yield finish(draft, sequence++);
    else open = draft;
  }
  return { place, end };
}

interface ShardDraft {
  lines: Lines;
  bytes: number;
  predictedMs: number;
}

function addTo(draft: ShardDraft, item: WorkItem): void {
  draft.lines.add(item.line);
  draft.bytes += item.sizeBytes;
  draft.predictedMs += item.predictedMs;
}

function finish({ lines, bytes, predictedMs }: ShardDraft, sequence: number): PackedShard {
  const id = `${String(sequence).padStart(5, "0")}-${digestOfLines(lines)}`;
  return { summary: { id, objects: lines.count, bytes, predictedMs: Math.round(predictedMs) }, lines };
}

function candidateTest(repeated: KeySet, twins: KeySet): (item: WorkItem) => boolean {
  return ({ key }) => repeated.has(key) || twins.has(key);
}

/** Items of one key, at most `most` at a time: more never share a shard anyway. */
async function* groups(sorted: AsyncIterable<Keyed[]>, most: number): AsyncGenerator<WorkItem[]> {
  let group: WorkItem[] = [];
  for await (const batch of sorted) {
    for (const { key, text } of batch) {
      if (group.length > 0 && (group[0]!.key !== key || group.length >= most)) {
        yield group;
        group = [];
      }
      group.push(decodeWork(text));
    }
  }
  if (group.length > 0) yield group;
}

function withTwins(item: WorkItem, twins: (LedgerTwin & { sizeBytes: number; crc32c: string })[]): WorkItem {
  const entry = JSON.parse(item.line) as ShardEntry;
  const fitting = twins.filter(
    (twin) => twin.sizeBytes === entry.sizeBytes && (entry.crc32c === undefined || entry.crc32c === twin.crc32c),
  );
  const distinct = [...new Map(fitting.map((twin) => [twin.sha256, twin])).values()].slice(0, maxTwins);
  if (distinct.length === 0) return item;
  const plain = distinct.map(({ name, generation, sha256, runId }): LedgerTwin => ({ name, generation, sha256, runId }));
  return { ...item, line: JSON.stringify({ ...entry, twins: plain }) };
}
