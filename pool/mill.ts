import { messageOf } from "../core/errors.ts";
import type { TwinRef } from "../core/rows.ts";
import { emptyFailure } from "../jobs/classify.ts";
import type { Budgets } from "./budget.ts";
import type { ImageTask, KnownTwin, TaskResult } from "./channel.ts";
import { createGate } from "./gate.ts";
import { decodedBytesOf } from "./header.ts";
import { elapsedMs, ledgerTwin, settled, sha256Of, skipped, twinRef, type ImageContext, type ReadImage } from "./image.ts";
import { cut, noTimings, quarantined } from "./quarantine.ts";
import { readSource, type ReadOutcome, type ReadSource } from "./read.ts";
import type { Reporter } from "./reporter.ts";
import type { Computed } from "./thread.ts";
import { createTwins, type Turn } from "./twins.ts";

/** Reads that failed in a row because the store would not answer: from here on it is the store, not the object. */
const maxUnavailableInARow = 8;

export interface MillOptions {
  context: ImageContext;
  budgets: Budgets;
  /** Images in threads at once. */
  slots: number;
  /** In a thread. Rejects only when the thread itself is gone. */
  compute(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<Computed>;
  reporter: Reporter;
  attemptFailed(attempt: string, error: unknown): void;
  /** A thread is gone, and this process with it. */
  fatal(error: unknown): void;
}

/** Takes images through read, thread and write, each as far ahead of the next step as the budgets allow. */
export interface Mill {
  add(images: ImageTask[], twins: KnownTwin[]): void;
  drop(attempt: string): void;
  /** Takes no image any more; resolves when no write is under way. */
  stop(): Promise<void>;
}

export function createMill(options: MillOptions): Mill {
  const { context, budgets, slots, reporter } = options;
  const { clock, setup, stores, signal } = context;
  const readGate = createGate(budgets.readAheadBytes);
  const decodeGate = createGate(budgets.decodeBytes);
  const twins = createTwins();
  const dropped = new Set<string>();
  let queue: ImageTask[] = [];
  let next = 0;
  const ready: ReadImage[] = [];
  let ahead = 0;
  let inThreads = 0;
  let writing = 0;
  let unavailableInARow = 0;
  let stopping = false;
  let drained: (() => void) | undefined;

  const fill = (): void => {
    if (stopping) return;
    while (next < queue.length && ahead < budgets.readAheadObjects) {
      const task = queue[next]!;
      if (!readGate.tryTake(task.entry.sizeBytes)) return;
      next += 1;
      ahead += 1;
      void prepare(task, task.candidate ? twins.queue(groupOf(task)) : undefined);
    }
    if (next < queue.length) return;
    queue = [];
    next = 0;
    if (ahead + inThreads + writing === 0) reporter.flush();
  };

  /** To the thread's door, or, where no thread is needed, to the end. */
  const prepare = async (task: ImageTask, turn: Turn | undefined): Promise<void> => {
    try {
      const found = await beforeThread(task, turn);
      if ("source" in found) {
        ready.push(found);
        pump();
        return;
      }
      reporter.finished({ seq: task.seq, result: found });
    } catch (error) {
      failed(task.attempt, error);
    } finally {
      turn?.pass();
    }
    ahead -= 1;
    readGate.give(task.entry.sizeBytes);
    fill();
  };

  const beforeThread = async (task: ImageTask, turn: Turn | undefined): Promise<ReadImage | TaskResult> => {
    const startedMs = clock.monotonicMs();
    const outcome = await readSource(stores, task.entry, setup.limits, signal);
    const readMs = elapsedMs(clock, startedMs);
    unavailableInARow = outcome.kind === "unreadable" && outcome.transient ? unavailableInARow + 1 : 0;
    return outcome.kind === "read" ? judge(task, outcome.source, readMs, turn) : withoutBytes(task, outcome);
  };

  const withoutBytes = async ({ entry }: ImageTask, outcome: Exclude<ReadOutcome, { kind: "read" }>): Promise<TaskResult> => {
    if (outcome.kind === "gone") return skipped(context, "source_changed", {});
    if (outcome.kind === "empty") return quarantined(context, entry, emptyFailure);
    if (outcome.kind === "too_large") return quarantined(context, entry, { reason: "too_large", message: outcome.message });
    if (unavailableInARow >= maxUnavailableInARow) throw outcome.error;
    return quarantined(context, entry, { reason: "unreadable", message: outcome.error.message });
  };

  const judge = async (task: ImageTask, source: ReadSource, readMs: number, turn: Turn | undefined): Promise<ReadImage | TaskResult> => {
    const timings = { ...noTimings, read_ms: readMs };
    const decodedBytes = decodedBytesOf(source.bytes);
    if (turn === undefined && task.entry.twins === undefined) {
      return { task, source, decodedBytes, timings, readyAtMs: clock.monotonicMs() };
    }
    const sha256 = sha256Of(source.bytes);
    const twin = ledgerTwin(task, sha256) ?? (turn && (await claim(task, sha256, turn)));
    if (twin !== undefined) return skipped(context, "duplicate", { sha256, crc32c: source.crc32c, timings, twin });
    return { task, source, sha256, decodedBytes, timings, readyAtMs: clock.monotonicMs() };
  };

  const claim = async (task: ImageTask, sha256: string, turn: Turn): Promise<TwinRef | undefined> => {
    await turn.mine;
    const claiming = twins.claim(task.attempt, sha256);
    turn.pass();
    return claiming;
  };

  const pump = (): void => {
    while (ready.length > 0 && inThreads < slots && writing < budgets.readAheadObjects) {
      const image = ready[0]!;
      if (stopping || dropped.has(image.task.attempt)) {
        ready.shift();
        ahead -= 1;
        done(image, undefined);
        continue;
      }
      if (!decodeGate.tryTake(image.decodedBytes)) return;
      ready.shift();
      ahead -= 1;
      inThreads += 1;
      reporter.starting(image, ready);
      void process(image);
    }
    fill();
  };

  const process = async (image: ReadImage): Promise<void> => {
    const startedMs = clock.monotonicMs();
    image.timings.queue_ms = Math.round((startedMs - image.readyAtMs) * 100) / 100;
    let found: Computed;
    try {
      found = await options.compute(image.task.entry.name, image.source.bytes);
    } catch (error) {
      options.fatal(error);
      return;
    }
    image.timings.process_ms = elapsedMs(clock, startedMs);
    reporter.leftThread(image);
    inThreads -= 1;
    decodeGate.give(image.decodedBytes);
    writing += 1;
    pump();
    await write(image, found);
    writing -= 1;
    pump();
    if (stopping && writing === 0) drained?.();
  };

  const write = async (image: ReadImage, found: Computed): Promise<void> => {
    try {
      const result = await settled(context, image, found);
      done(image, result.outcome === "ok" ? twinRef(context, image.task) : undefined);
      reporter.finished({ seq: image.task.seq, result });
    } catch (error) {
      done(image, undefined);
      failed(image.task.attempt, error);
    }
  };

  const done = (image: ReadImage, twin: TwinRef | undefined): void => {
    readGate.give(image.task.entry.sizeBytes);
    if (image.sha256 !== undefined) twins.settle(image.task.attempt, image.sha256, twin);
  };

  const failed = (attempt: string, error: unknown): void => {
    if (stopping || dropped.has(attempt)) {
      context.log.debug("after-drop", { attempt, message: cut(messageOf(error)) });
      return;
    }
    options.attemptFailed(attempt, error);
    drop(attempt);
  };

  const drop = (attempt: string): void => {
    dropped.add(attempt);
    twins.forget(attempt);
    queue = queue.slice(next).filter((task) => task.attempt !== attempt);
    next = 0;
    pump();
  };

  return {
    add: (images, known) => {
      for (const twin of known) twins.know(twin);
      for (const image of images) if (!dropped.has(image.attempt)) queue.push(image);
      fill();
    },
    drop,
    stop: async () => {
      stopping = true;
      if (writing === 0) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      drained = resolve;
      await promise;
    },
  };
}

/** Where listings have no crc32c, size alone makes candidates; SHA-256 decides. */
function groupOf({ attempt, entry }: ImageTask): string {
  return `${attempt} ${entry.sizeBytes} ${entry.crc32c ?? ""}`;
}
