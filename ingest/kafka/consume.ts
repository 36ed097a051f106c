import { waitAtMost, type Clock, type Random } from "../../core/clock.ts";
import { codeOf } from "../../core/errors.ts";
import type { Logger } from "../../core/log.ts";
import { createFlight } from "../flight.ts";
import { createBell } from "./bell.ts";
import { createCrew } from "./crew.ts";
import { fetchAll } from "./fetch-loop.ts";
import type { Fetched, Join, Member, MemberListener } from "./member.ts";
import type { ImageMessage } from "./message.ts";
import { createPatience } from "./patience.ts";
import {
  advance,
  isCaughtUp,
  isTaken,
  keyOf,
  noProgress,
  totalLag,
  type Commit,
  type Progress,
  type ProgressEvent,
  type Term,
} from "./progress.ts";
import type { Sink, Taken } from "./sink.ts";
import { createTotals, type Totals } from "./totals.ts";

export interface ConsumeOptions {
  join: Join;
  sink: Sink;
  /** Messages written at once. */
  concurrency: number;
  /** Of fetched messages in memory; a larger answer of a broker goes alone. */
  bufferBytes: number;
  /** Asked for at once from one broker. */
  fetchBytes: number;
  commitEveryMs: number;
  /** What is being written when the end is asked for may take this long. */
  stopTimeoutMs: number;
  /** End when what was there at the start is taken. */
  untilCaughtUp: boolean;
  /** How long the cluster may be out; absent: for ever. */
  giveUpAfterMs?: number;
  clock: Clock;
  random: Random;
  log: Logger;
  /** Asks for an orderly end. */
  signal: AbortSignal;
  say(text: string): void;
  onTaken?(message: ImageMessage, taken: Taken): void;
}

/** What is going on, for a display. */
export interface Consumption {
  readonly progress: Progress;
  readonly totals: Totals;
  /** Messages fetched and not done, and the memory they are granted. */
  readonly inFlight: { messages: number; bytes: number };
  /** Whether the cluster does not answer. */
  readonly clusterOut: boolean;
  /** Of the last membership, when it ended. */
  readonly lastLag: number;
}

/** Answers of brokers in memory at once, however small. */
const mostAnswers = 64;
const endsEveryMs = 5000;
const finalCommits = 3;
const finalCommitMs = 10_000;

/**
 * Consumes until the signal aborts (or all is taken, where that is asked for): every message ends in the sink, and its
 * offset is committed after that. Outages of the cluster are waited for; what the sink rejects with ends it. Whatever ends
 * it, what is being written may finish, what is durable is committed, and the group is left.
 */
export async function consume(options: ConsumeOptions, watch?: (consumption: Consumption) => void): Promise<Totals> {
  const { clock, signal } = options;
  const totals = createTotals();
  const flight = createFlight({ most: mostAnswers, mostBytes: options.bufferBytes });
  const cluster = createPatience({ what: "the Kafka cluster", ...options });
  const over = new AbortController();
  const changed = createBell();
  let progress = noProgress;
  let member: Member | undefined;
  let commits: Promise<void> = Promise.resolve();
  let lastLag = 0;
  let problem: { error: unknown } | undefined;

  const end = (): void => over.abort();
  const fail = (error: unknown): void => {
    problem ??= { error };
    end();
  };

  const crew = createCrew({
    sink: options.sink,
    concurrency: options.concurrency,
    clock,
    taken: ({ of, message }, taken, ms) => {
      totals.count(taken, message, ms);
      dispatch({ type: "durable", of, offset: message.offset });
      // The end need not wait for the next tick.
      if (options.untilCaughtUp && isTaken(progress)) dispatch({ type: "commit-due" });
      options.onTaken?.(message, taken);
    },
    failed: fail,
  });

  const dispatch = (event: ProgressEvent, work?: (of: Term, offsets: bigint[]) => void): void => {
    const step = advance(progress, event);
    progress = step.progress;
    for (const command of step.commands) {
      if (command.type === "work") work?.(command.of, command.offsets);
      else if (command.type === "keep") crew.keepOnly(command.terms);
      else if (command.type === "locate") void locate(command.terms);
      else commits = sendCommit(command.commits);
    }
  };

  /** Waits where waiting may help; ends everything where it does not. */
  const again = async (error: unknown): Promise<void> => {
    try {
      if (codeOf(error) !== "KAFKA_UNAVAILABLE") throw error;
      const waited = cluster.wait(error, over.signal);
      totals.outages = cluster.outages;
      await waited;
    } catch (final) {
      if (!over.signal.aborted) fail(final);
    }
  };

  const locate = async (terms: Term[]): Promise<void> => {
    const asked = member;
    for (;;) {
      const waiting = terms.filter((term) => progress.starting.get(keyOf(term))?.term === term.term);
      if (waiting.length === 0 || asked === undefined || asked !== member || over.signal.aborted) return;
      try {
        dispatch({ type: "located", starts: await asked.locate(waiting) });
        cluster.worked();
        changed.ring();
      } catch (error) {
        await again(error);
      }
    }
  };

  const endIfCaughtUp = (): void => {
    if (options.untilCaughtUp && isCaughtUp(progress)) end();
  };

  const sendCommit = async (sent: Commit[]): Promise<void> => {
    const earlier = commits;
    try {
      await member?.commit(sent);
      totals.commits += 1;
      dispatch({ type: "committed", commits: sent });
      endIfCaughtUp();
    } catch (error) {
      // Fetches tell of outages; the offset is still to be committed, and the next tick tries.
      if (codeOf(error) !== "KAFKA_UNAVAILABLE") fail(error);
      totals.commitsFailed += 1;
      dispatch({ type: "commit-failed", commits: sent });
    }
    await earlier;
  };

  const deliver = (fetched: Fetched, share: () => () => void): void => {
    const { of, from } = fetched;
    if ("start" in fetched) {
      const { start } = fetched;
      const gone = `messages ${from} to ${start - 1n} are gone from the cluster: they were deleted before they were read`;
      const anew = `the log ends before ${from}, where the group was: the topic was made anew; reading it from ${start}`;
      options.say(`${of.topic}/${of.partition}: ${start > from ? gone : anew}`);
      totals.expired += Math.max(0, Number(start - from));
      dispatch({ type: "expired", of, from, start });
      return;
    }
    const { messages, next, end: logEnd } = fetched;
    const byOffset = new Map(messages.map((message) => [message.offset, message]));
    dispatch({ type: "fetched", of, from, offsets: [...byOffset.keys()], next, end: logEnd }, (term, offsets) => {
      for (const offset of offsets) crew.add({ of: term, message: byOffset.get(offset)!, release: share() });
    });
  };

  const tick = async (from: Member, stop: AbortSignal): Promise<void> => {
    let endsMs = clock.monotonicMs();
    while (!stop.aborted) {
      await clock.sleep(options.commitEveryMs, stop).catch(() => undefined);
      if (stop.aborted) return;
      dispatch({ type: "commit-due" });
      endIfCaughtUp();
      if (clock.monotonicMs() - endsMs < endsEveryMs) continue;
      endsMs = clock.monotonicMs();
      await from.ends().then(
        (ends) => dispatch({ type: "ends", ends }),
        () => undefined, // Fetches tell of outages.
      );
    }
  };

  /** What is being written finishes, within bounds; what is durable is committed. */
  const land = async (): Promise<void> => {
    crew.keepOnly([]);
    await waitAtMost(clock, options.stopTimeoutMs, crew.idle());
    crew.abandon();
    const committing = async (): Promise<void> => {
      for (let round = 0; round < finalCommits; round += 1) {
        await commits;
        dispatch({ type: "commit-due" });
      }
      await commits;
    };
    await waitAtMost(clock, finalCommitMs, committing());
  };

  /** One membership: until the end, or until the group has lost us; rejects with why. */
  const belong = async (): Promise<void> => {
    const lost = Promise.withResolvers<never>();
    lost.promise.catch(() => undefined);
    const heard: (() => void)[] = [];
    const listener: MemberListener = {
      assigned: (generation, places) => {
        const hear = (): void => {
          totals.assignments += 1;
          dispatch({ type: "assigned", generation, places });
          changed.ring();
        };
        // What is heard while joining waits until there is a member to ask.
        if (member === undefined) heard.push(hear);
        else hear();
      },
      rebalancing: () => dispatch({ type: "commit-due" }),
      failed: (error) => {
        if (member !== undefined) totals.sessionsLost += 1;
        lost.reject(error);
      },
    };
    await using leaving = new AsyncDisposableStack();
    const joined = leaving.use(await options.join(listener, over.signal));
    using session = sessionOf(over.signal);
    leaving.defer(() => {
      member = undefined;
      lastLag = totalLag(progress);
      dispatch({ type: "lost" });
    });
    member = joined;
    cluster.worked();
    for (const hear of heard) hear();
    const loop = { positions: () => [...progress.partitions.values()], flight, fetchBytes: options.fetchBytes, changed, deliver };
    void fetchAll({ ...loop, member: joined, worked: cluster.worked, failed: again, stop: session.signal });
    void tick(joined, session.signal);
    await Promise.race([aborted(over.signal), lost.promise]);
    await land();
  };

  signal.addEventListener("abort", end, { once: true });
  if (signal.aborted) end();
  watch?.({
    get progress() {
      return progress;
    },
    totals,
    get clusterOut() {
      return cluster.out;
    },
    get lastLag() {
      return lastLag;
    },
    get inFlight() {
      return { messages: crew.size, bytes: flight.bytes };
    },
  });
  try {
    while (!over.signal.aborted) {
      try {
        await belong();
      } catch (error) {
        if (!over.signal.aborted) await again(error);
      }
    }
  } finally {
    signal.removeEventListener("abort", end);
    crew.abandon();
  }
  if (problem !== undefined) throw problem.error;
  return totals;
}

/** Ends with its block, and with everything. */
function sessionOf(over: AbortSignal): Disposable & { signal: AbortSignal } {
  const session = new AbortController();
  return { signal: AbortSignal.any([over, session.signal]), [Symbol.dispose]: () => session.abort() };
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
