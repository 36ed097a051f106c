import type { Clock } from "../../core/clock.ts";
import { createBell } from "../../core/bell.ts";
import type { ImageMessage } from "./message.ts";
import { termKey, type Term } from "./progress.ts";
import type { Sink, Taken } from "./sink.ts";

/** One message to bring to the sink. */
export interface Work {
  of: Term;
  message: ImageMessage;
  /** Called once: it is done, has failed or was dropped. */
  release(): void;
}

export interface CrewOptions {
  sink: Sink;
  /** Messages at once. */
  concurrency: number;
  clock: Clock;
  taken(work: Work, taken: Taken, ms: number): void;
  failed(error: unknown): void;
}

/** Brings messages to the sink, in their order, some at once. */
export interface Crew {
  add(work: Work): void;
  /** Drops what is not begun of other terms. */
  keepOnly(terms: Term[]): void;
  /** In work and waiting. */
  readonly size: number;
  /** Resolves when nothing is in work or waiting. */
  idle(): Promise<void>;
  /** Begins nothing more, and gives up what is in work. */
  abandon(): void;
}

export function createCrew({ sink, concurrency, clock, taken, failed }: CrewOptions): Crew {
  let waiting: Work[] = [];
  let active = 0;
  const writing = new AbortController();
  const changed = createBell();

  const drop = (works: Work[]): void => {
    for (const { release } of works) release();
  };
  const hasHand = (): boolean => active < concurrency && !writing.signal.aborted;
  const startNext = (): void => {
    while (hasHand() && waiting.length > 0) void carry(waiting.shift()!);
  };
  const carry = async (work: Work): Promise<void> => {
    active += 1;
    const startedMs = clock.monotonicMs();
    try {
      taken(work, await sink.take(work.message, writing.signal), clock.monotonicMs() - startedMs);
    } catch (error) {
      if (!writing.signal.aborted) failed(error);
    } finally {
      active -= 1;
      work.release();
      startNext();
      changed.ring();
    }
  };

  return {
    get size() {
      return active + waiting.length;
    },
    add: (work) => {
      waiting.push(work);
      startNext();
    },
    keepOnly: (terms) => {
      const kept = new Set(terms.map(termKey));
      const { stay = [], leave = [] } = Object.groupBy(waiting, ({ of }) => (kept.has(termKey(of)) ? "stay" : "leave"));
      waiting = stay;
      drop(leave);
      changed.ring();
    },
    idle: async () => {
      while (active + waiting.length > 0) await changed.next();
    },
    abandon: () => {
      writing.abort();
      drop(waiting);
      waiting = [];
      changed.ring();
    },
  };
}
