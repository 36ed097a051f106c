import type { ImageMessage } from "./message.ts";
import type { Commit, Place, Start, Term } from "./progress.ts";

/** What a member hears of its group. Called at any time until the member is closed. */
export interface MemberListener {
  assigned(generation: number, places: Place[]): void;
  /** The group gives out its partitions anew: the last moment at which a commit for the old ones counts. */
  rebalancing(): void;
  /** We are no member any more, for this reason. */
  failed(error: unknown): void;
}

export type Fetched =
  | { of: Term; from: bigint; messages: ImageMessage[]; next: bigint; end: bigint }
  /** Retention took what was to be fetched. */
  | { of: Term; from: bigint; start: bigint };

export interface FetchFrom extends Term {
  position: bigint;
}

/**
 * One member of a consumer group, joined. Nothing of it is retried: what rejects with KAFKA_UNAVAILABLE may be tried
 * again, by this member or the next one; all else needs a person. Disposing leaves the group, within a bounded time.
 */
export interface Member extends AsyncDisposable {
  /** Committed offsets, else where a new group begins. */
  locate(terms: Term[]): Promise<Start[]>;
  ends(): Promise<(Place & { end: bigint })[]>;
  /** By the broker that serves them. */
  leaders(terms: readonly FetchFrom[]): Promise<Map<number, FetchFrom[]>>;
  /** One fetch at a time from one broker. Resolves after a moment also when there is nothing new. */
  fetch(broker: number, from: FetchFrom[]): Promise<Fetched[]>;
  /** Sent before the call returns, for the generation of now: a rebalance in between makes it fail. */
  commit(commits: Commit[]): Promise<void>;
}

/** Joins the group; rejects like the calls of a member, and soon after the signal aborts. */
export type Join = (listener: MemberListener, signal: AbortSignal) => Promise<Member>;
