import type { Clock } from "../core/clock.ts";
import type { FinishedTask, FromPool } from "./channel.ts";
import type { ReadImage } from "./image.ts";

/** Announced together, so that a message costs a fraction of an image. */
const announceTogether = 8;
const flushAtFinished = 16;
const reportIntervalMs = 200;

/**
 * Tells the supervisor what is in flight, always before it is, and what is finished. Messages are few: what started and
 * what finished travel together, at least every `reportIntervalMs` while there is work (which is the heartbeat, too).
 */
export interface Reporter {
  /** Before the image goes to a thread; `next` are those that follow it. */
  starting(image: ReadImage, next: ReadImage[]): void;
  leftThread(image: ReadImage): void;
  finished(task: FinishedTask): void;
  /** What is finished, now: nothing will follow it soon. */
  flush(): void;
  close(): void;
}

export function createReporter(send: (message: FromPool) => void, clock: Clock, isolated: boolean): Reporter {
  const together = isolated ? 1 : announceTogether;
  const announced = new Set<number>();
  const inThreads = new Map<number, number>();
  let finished: FinishedTask[] = [];

  const report = (started: number[]): void => {
    const slowest = slowestOf(inThreads, clock);
    send({ type: "report", started, finished, ...(slowest !== undefined && { slowest }) });
    finished = [];
  };

  const flush = (): void => report([]);
  const timer = setInterval(flush, reportIntervalMs);
  timer.unref();

  return {
    starting: (image, next) => {
      const { seq } = image.task;
      inThreads.set(seq, clock.monotonicMs());
      if (announced.delete(seq)) return;
      const following = next.slice(0, together - 1).map(({ task }) => task.seq);
      for (const follower of following) announced.add(follower);
      report([seq, ...following]);
    },
    leftThread: (image) => void inThreads.delete(image.task.seq),
    finished: (task) => {
      finished.push(task);
      if (isolated || finished.length >= flushAtFinished) flush();
    },
    flush: () => {
      if (finished.length > 0) flush();
    },
    close: () => clearInterval(timer),
  };
}

/** A map keeps the order of insertion: the first is the oldest. */
function slowestOf(inThreads: Map<number, number>, clock: Clock): { seq: number; ms: number } | undefined {
  for (const [seq, sinceMs] of inThreads) return { seq, ms: Math.round(clock.monotonicMs() - sinceMs) };
  return undefined;
}
