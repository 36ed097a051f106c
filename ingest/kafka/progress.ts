/*
 * What a member of a consumer group knows of its partitions, as a pure state machine: (state, event) -> (state, commands).
 * It decides what is fetched, what is worked on and what may be committed; the shell (consume.ts) only carries it out.
 *
 * What it promises:
 * - An offset is committed only when everything fetched below it is durable.
 * - A partition that may have been another member's in between starts from what the group has committed.
 * - What is reported of an earlier assignment of a partition changes nothing.
 */

export interface Place {
  topic: string;
  partition: number;
}

/** One assignment of a partition to us; `term` tells it from an earlier one of the same partition. */
export interface Term extends Place {
  term: number;
}

export interface Pending {
  offset: bigint;
  durable: boolean;
}

export interface Partition extends Term {
  /** Next offset to fetch. */
  position: bigint;
  /** Fetched and not below `committable`: in the order of the log, the first of them not durable. */
  pending: readonly Pending[];
  /** As the broker has it; -1 where it has nothing of the group. */
  committed: bigint;
  /** Sent to the broker, answer outstanding. */
  committing: bigint | undefined;
  /** Of the log: the offset that its next message will have, as last heard. */
  end: bigint;
  /** What `end` was when the partition came to us. */
  firstEnd: bigint;
}

export interface Progress {
  /** Of the group, at our last assignment; undefined while we are no member. */
  generation: number | undefined;
  terms: number;
  /** By `keyOf`; a partition whose start is not known yet is in `starting`. */
  partitions: ReadonlyMap<string, Partition>;
  starting: ReadonlyMap<string, Term>;
}

export interface Start extends Term {
  offset: bigint;
  /** -1: the group has none, and `offset` is where it begins. */
  committed: bigint;
  end: bigint;
}

export interface Commit extends Term {
  offset: bigint;
}

export type ProgressEvent =
  /** The group has given us these, and takes all others away. */
  | { type: "assigned"; generation: number; places: Place[] }
  /** We are no member any more. */
  | { type: "lost" }
  /** Where the partitions of a `locate` start. */
  | { type: "located"; starts: Start[] }
  /** `next` is where the next fetch continues: offsets may be missing (compaction, transactions). */
  | { type: "fetched"; of: Term; from: bigint; offsets: bigint[]; next: bigint; end: bigint }
  /** What was to be fetched is not there: retention was faster, or the topic was made anew. `start` is the first that is. */
  | { type: "expired"; of: Term; from: bigint; start: bigint }
  | { type: "durable"; of: Term; offset: bigint }
  | { type: "ends"; ends: (Place & { end: bigint })[] }
  | { type: "commit-due" }
  | { type: "committed"; commits: Commit[] }
  | { type: "commit-failed"; commits: Commit[] };

export type Command =
  | { type: "locate"; terms: Term[] }
  /** Work on these, in this order. */
  | { type: "work"; of: Term; offsets: bigint[] }
  /** Forget what is not begun of any other term. */
  | { type: "keep"; terms: Term[] }
  | { type: "commit"; commits: Commit[] };

export interface Step {
  progress: Progress;
  commands: Command[];
}

export const noProgress: Progress = { generation: undefined, terms: 0, partitions: new Map(), starting: new Map() };

export function keyOf({ topic, partition }: Place): string {
  return `${topic}:${partition}`;
}

/** Tells also one assignment of a partition from the next. */
export function termKey(of: Term): string {
  return `${keyOf(of)}:${of.term}`;
}

export function advance(progress: Progress, event: ProgressEvent): Step {
  switch (event.type) {
    case "assigned":
      return assign(progress, event.generation, event.places);
    case "lost":
      return done({ ...noProgress, terms: progress.terms }, { type: "keep", terms: [] });
    case "located":
      return locate(progress, event.starts);
    case "fetched":
      return take(progress, event);
    case "expired":
      return skip(progress, event);
    case "durable":
      return done(change(progress, event.of, (partition) => settle(partition, event.offset)));
    case "ends":
      return done(event.ends.reduce(hearEnd, progress));
    case "commit-due":
      return commit(progress);
    case "committed":
      return done(event.commits.reduce((state, one) => change(state, one, (p) => acknowledge(p, one.offset)), progress));
    case "commit-failed":
    default:
      return done(event.commits.reduce((state, one) => change(state, one, (p) => ({ ...p, committing: undefined })), progress));
  }
}

function done(progress: Progress, ...commands: Command[]): Step {
  return { progress, commands };
}

/**
 * A partition that we keep from one generation to the very next goes on where it is: nobody else can have had it.
 */
function assign(progress: Progress, generation: number, places: Place[]): Step {
  const unbroken = progress.generation !== undefined && generation === progress.generation + 1;
  const kept = unbroken ? places.map((place) => progress.partitions.get(keyOf(place))).filter((found) => found !== undefined) : [];
  const partitions = new Map(kept.map((partition) => [keyOf(partition), { ...partition, committing: undefined }]));
  const fresh = places.filter((place) => !partitions.has(keyOf(place)));
  const terms = fresh.map(({ topic, partition }, index) => ({ topic, partition, term: progress.terms + index + 1 }));
  return done(
    { generation, terms: progress.terms + terms.length, partitions, starting: new Map(terms.map((term) => [keyOf(term), term])) },
    { type: "keep", terms: kept.map(({ topic, partition, term }) => ({ topic, partition, term })) },
    ...(terms.length === 0 ? [] : [{ type: "locate" as const, terms }]),
  );
}

function locate(progress: Progress, starts: Start[]): Step {
  const [partitions, starting] = [new Map(progress.partitions), new Map(progress.starting)];
  for (const { topic, partition, term, offset, committed, end } of starts) {
    const key = keyOf({ topic, partition });
    if (starting.get(key)?.term !== term) continue;
    starting.delete(key);
    const begun = { position: offset, pending: [], committed, committing: undefined, end, firstEnd: end };
    partitions.set(key, { topic, partition, term, ...begun });
  }
  return done({ ...progress, partitions, starting });
}

function take(progress: Progress, { of, from, offsets, next, end }: Extract<ProgressEvent, { type: "fetched" }>): Step {
  const partition = current(progress, of);
  if (partition?.position !== from) return done(progress);
  // A batch is fetched whole: its first messages may lie before what was asked for.
  const fresh = offsets.filter((offset) => offset >= from);
  const pending = [...partition.pending, ...fresh.map((offset) => ({ offset, durable: false }))];
  const position = next > from ? next : from;
  const after = change(progress, of, (p) => ({ ...p, position, pending, end: end > p.end ? end : p.end }));
  return done(after, ...(fresh.length === 0 ? [] : [{ type: "work" as const, of: termOf(partition), offsets: fresh }]));
}

function skip(progress: Progress, { of, from, start }: Extract<ProgressEvent, { type: "expired" }>): Step {
  if (current(progress, of)?.position !== from) return done(progress);
  // In a log made anew, what the group has committed means nothing.
  return done(change(progress, of, (p) => ({ ...p, position: start, committed: start < p.committed ? -1n : p.committed })));
}

function settle(partition: Partition, offset: bigint): Partition {
  const marked = partition.pending.map((one) => (one.offset === offset ? { offset, durable: true } : one));
  const open = marked.findIndex(({ durable }) => !durable);
  return { ...partition, pending: open === -1 ? [] : marked.slice(open) };
}

function hearEnd(progress: Progress, { end, ...place }: Place & { end: bigint }): Progress {
  const partition = progress.partitions.get(keyOf(place));
  return partition === undefined ? progress : change(progress, partition, (p) => ({ ...p, end: end > p.end ? end : p.end }));
}

/** The next offset to read after a restart: everything below it is durable. */
export function committable({ pending, position }: Partition): bigint {
  return pending[0]?.offset ?? position;
}

/** One commit of a partition is outstanding at a time, so that a lower one never arrives after a higher one. */
function commit(progress: Progress): Step {
  const commits = [...progress.partitions.values()].flatMap((partition): Commit[] => {
    const offset = committable(partition);
    return partition.committing === undefined && offset > partition.committed ? [{ ...termOf(partition), offset }] : [];
  });
  if (commits.length === 0) return done(progress);
  const sent = commits.reduce((state, one) => change(state, one, (p) => ({ ...p, committing: one.offset })), progress);
  return done(sent, { type: "commit", commits });
}

function acknowledge(partition: Partition, offset: bigint): Partition {
  return { ...partition, committing: undefined, committed: offset > partition.committed ? offset : partition.committed };
}

function termOf({ topic, partition, term }: Term): Term {
  return { topic, partition, term };
}

function current(progress: Progress, of: Term): Partition | undefined {
  const partition = progress.partitions.get(keyOf(of));
  return partition?.term === of.term ? partition : undefined;
}

function change(progress: Progress, of: Term, how: (partition: Partition) => Partition): Progress {
  const partition = current(progress, of);
  return partition === undefined ? progress : { ...progress, partitions: new Map(progress.partitions).set(keyOf(of), how(partition)) };
}

/** Messages of our partitions that are not known to be durable, those that are not fetched included. */
export function lagOf(partition: Partition): bigint {
  const lag = partition.end - committable(partition);
  return lag > 0n ? lag : 0n;
}

export function totalLag({ partitions }: Progress): number {
  return Number([...partitions.values()].reduce((sum, partition) => sum + lagOf(partition), 0n));
}

/** Everything that was there when its partition came to us is durable. */
export function isTaken(progress: Progress): boolean {
  return holdsForAll(progress, (partition) => committable(partition) >= partition.firstEnd);
}

/** The same, and the broker knows. */
export function isCaughtUp(progress: Progress): boolean {
  return holdsForAll(progress, ({ committed, firstEnd }) => committed >= firstEnd);
}

function holdsForAll({ generation, partitions, starting }: Progress, holds: (partition: Partition) => boolean): boolean {
  return generation !== undefined && starting.size === 0 && [...partitions.values()].every(holds);
}
