import type { Clock, Random } from "../core/clock.ts";
import { ImagemillError, preconditionError } from "../core/errors.ts";
import { addCounts, emptyCounts, type WorkerEvent } from "../core/events.ts";
import { attemptName, jobsLabel } from "../core/ids.ts";
import { controlNames } from "../core/layout.ts";
import type { Logger } from "../core/log.ts";
import { printable } from "../core/names.ts";
import type { ImageRow } from "../core/rows.ts";
import type { Counts, Plan, ShardEntry } from "../core/types.ts";
import { readNdjson } from "../storage/objects.ts";
import { isStoreError, type ObjectStore } from "../storage/store.ts";
import type { ImageTask, KnownTwin, TaskResult } from "./channel.ts";
import { commitShard, readCommit } from "./commit.ts";
import type { Death } from "./flight.ts";
import { quarantined, type Verdict } from "./quarantine.ts";
import { countsOf, rowOf, type RowPlace } from "./rows.ts";
import { createInFlightWriter, suspectsOf } from "./suspects.ts";

export interface AttemptContext {
  plan: Plan;
  stores: { source: ObjectStore; control: ObjectStore };
  engineAttempt: string;
  clock: Clock;
  random: Random;
  log: Logger;
  emit(event: WorkerEvent): void;
  signal: AbortSignal;
}

/** One try at a shard: its entries, the rows made so far, and the commit. */
export interface Attempt {
  readonly shard: string;
  readonly attempt: string;
  readonly images: ImageTask[];
  /** Numbers of the images that were in flight when an earlier attempt died. */
  readonly suspects: number[];
  readonly startedAtMs: number;
  /** Resolves when every image has its row, or another attempt has won; rejects when this one has failed. */
  readonly done: Promise<Ended>;
  /** Another attempt has the commit. */
  superseded(winner: string): void;
  fail(error: unknown): void;
  owns(seq: number): boolean;
  nameOf(seq: number): string;
  record(seq: number, result: TaskResult): void;
  /** Alone in a process, this image ended it. */
  condemn(seq: number, death: Death): Promise<void>;
  /** Images without a row. */
  waiting(): number[];
  counts(): Counts;
  /** `ok` objects that later ones of the shard may be duplicates of. */
  knownTwins(): KnownTwin[];
  storeInFlight(seqs: ReadonlySet<number>): Promise<void>;
  /** The attempt ends without a commit, and no image is the reason. */
  clearInFlight(): Promise<void>;
  /** Once all rows are there. */
  commit(): Promise<void>;
}

export type Ended = { kind: "complete" } | { kind: "superseded"; winner: string };

/**
 * Undefined when the shard has a commit already: nothing is left to do. `takeSeqs` gives so many numbers in a row and
 * returns the first.
 */
export async function beginAttempt(
  context: AttemptContext,
  shard: string,
  takeSeqs: (count: number) => number,
): Promise<Attempt | undefined> {
  const { plan, stores, random, clock, log, emit, signal } = context;
  const { runId, runDate, planId } = plan;
  const attempt = attemptName(context.engineAttempt, random);
  const startedAtMs = clock.monotonicMs();
  const startedAt = instant(clock);
  const [winner, entries] = await Promise.all([readCommit(stores.control, runId, shard, signal), readEntries(context, shard)]);
  if (winner !== undefined) {
    emit({ type: "shard-superseded", shard, attempt, winner: winner.attempt });
    return undefined;
  }
  const suspects = await suspectsOf(stores.control, runId, shard, entries, log, signal);
  if (suspects.length > 0) log.warn("suspects-of-earlier-attempts", { shard, images: suspects.length });
  emit({ type: "shard-started", shard, attempt, objects: entries.length });

  const { bucket } = stores.source;
  const place: RowPlace = { runId, runDate, jobs: jobsLabel(plan.request.jobs), bucket, shard, attempt };
  const rows = new Map<number, ImageRow>();
  const inFlight = createInFlightWriter(stores.control, controlNames.inFlight(runId, shard, attempt), log, signal);
  let counts = emptyCounts();

  const { promise: done, resolve: end, reject: fail } = Promise.withResolvers<Ended>();
  // Whoever waits for it may come late.
  done.catch(() => undefined);
  if (entries.length === 0) end({ kind: "complete" });
  const firstSeq = takeSeqs(entries.length);

  const entryOf = (seq: number): ShardEntry => entries[seq - firstSeq]!;

  const record = (seq: number, result: TaskResult): void => {
    const index = seq - firstSeq;
    if (rows.has(index)) throw new ImagemillError("DOUBLE_ROW", `${entryOf(seq).name} has a row already`);
    rows.set(index, rowOf(place, entryOf(seq), result));
    counts = addCounts(counts, countsOf(entryOf(seq), result));
    const { outcome, reason = "", message = "" } = result;
    if (outcome === "quarantined") emit({ type: "quarantined", shard, name: printable(entryOf(seq).name), reason, message });
    if (rows.size === entries.length) end({ kind: "complete" });
  };

  const commit = async (): Promise<void> => {
    const inOrder = entries.map((_entry, index) => rows.get(index)!);
    const writeId = random.hex(16);
    const base = {
      format: 1,
      runId,
      planId,
      shard,
      attempt,
      writeId,
      counts,
      shardOutputs: [],
      startedAt,
      endedAt: instant(clock),
    } as const;
    const outcome = await commitShard(stores.control, inOrder, { ...base, shardOutputs: [] }, signal);
    if (outcome.kind === "superseded") emit({ type: "shard-superseded", shard, attempt, winner: outcome.winner });
    else emit({ type: "shard-committed", shard, attempt, counts, wallMs: Math.round(clock.monotonicMs() - startedAtMs) });
  };

  return {
    shard,
    attempt,
    images: tasksOf(attempt, entries, firstSeq),
    suspects: suspects.map((index) => firstSeq + index),
    startedAtMs,
    done,
    superseded: (by) => end({ kind: "superseded", winner: by }),
    fail,
    owns: (seq) => seq >= firstSeq && seq < firstSeq + entries.length,
    nameOf: (seq) => entryOf(seq).name,
    record,
    condemn: async (seq, death) => record(seq, await quarantined({ ...context, runId }, entryOf(seq), condemnation(death))),
    waiting: () => entries.flatMap((_entry, index) => (rows.has(index) ? [] : firstSeq + index)),
    counts: () => counts,
    knownTwins: () =>
      rows
        .values()
        .filter((row) => row.outcome === "ok" && row.sha256 !== null)
        .map((row) => ({ attempt, sha256: row.sha256!, twin: { run_id: runId, name: row.name, generation: row.generation } }))
        .toArray(),
    storeInFlight: async (seqs) =>
      inFlight.store([...seqs].filter((seq) => seq >= firstSeq && seq < firstSeq + entries.length).map(entryOf)),
    clearInFlight: async () => inFlight.clear(),
    commit,
  };
}

async function readEntries({ plan, stores, signal }: AttemptContext, shard: string): Promise<ShardEntry[]> {
  try {
    return await readNdjson<ShardEntry>(stores.control, controlNames.shard(plan.runId, shard), signal);
  } catch (error) {
    if (!isStoreError(error, "NOT_FOUND")) throw error;
    throw preconditionError("NO_SUCH_SHARD", `run ${plan.runId} has no shard "${printable(shard)}"`, `imagemill status ${plan.runId}`);
  }
}

function condemnation(death: Death): Verdict {
  return { reason: death.kind === "timeout" ? "timeout" : "crashed", message: `alone in a process: ${death.message}` };
}

/** Objects of one size (and crc32c, where listed) may be equal: only their SHA-256 is worth computing before the thread. */
function tasksOf(attempt: string, entries: ShardEntry[], firstSeq: number): ImageTask[] {
  const seen = new Map<string, number>();
  const keyOf = ({ sizeBytes, crc32c = "" }: ShardEntry): string => `${sizeBytes} ${crc32c}`;
  for (const entry of entries) seen.set(keyOf(entry), (seen.get(keyOf(entry)) ?? 0) + 1);
  return entries.map((entry, index) => ({
    seq: firstSeq + index,
    attempt,
    entry,
    candidate: entry.sizeBytes > 0 && seen.get(keyOf(entry))! > 1,
  }));
}

function instant(clock: Clock): string {
  return new Date(clock.now()).toISOString();
}
