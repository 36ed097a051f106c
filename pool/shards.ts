import type { Clock, Random } from "../core/clock.ts";
import { codeOf, exitCodes, ImagemillError } from "../core/errors.ts";
import type { WorkerEvent } from "../core/events.ts";
import type { Logger } from "../core/log.ts";
import { printable } from "../core/names.ts";
import type { CodeDigests, Plan } from "../core/types.ts";
import { openSource, openStore } from "../storage/open.ts";
import type { ObjectStore } from "../storage/store.ts";
import { beginAttempt, type Attempt } from "./attempt.ts";
import { toPlainError } from "./channel.ts";
import type { PoolChild, PoolShape } from "./child.ts";
import { keepHouse, type Rhythm } from "./housekeeping.ts";
import { readPlan } from "./preconditions.ts";
import { createSupervisor, type Supervisor } from "./supervisor.ts";

/** The next shard's read-ahead starts while the last images of the one before are in threads. */
const shardsAtOnce = 2;
/** Storage calls before the plan, and with it the policy, is known. */
const bootstrapLimits = { attempts: 5, concurrency: 16 };

export interface ShardsOptions {
  runId: string;
  /** Ends, at the latest, when the signal aborts. */
  shards(signal: AbortSignal, control: ObjectStore): Iterable<string> | AsyncIterable<string>;
  /** Aborts when nobody is there any more to give out shards: what is under way is then of no use here. */
  inputEnded?: AbortSignal;
  /** URL of the control store. */
  control: string;
  shape: PoolShape;
  engineAttempt: string;
  startChild(shape: PoolShape): PoolChild;
  clock: Clock;
  random: Random;
  log: Logger;
  emit(event: WorkerEvent): void;
  signal: AbortSignal;
  endpoint?: string;
  /** Digests of the code that runs here; default: read from this installation. */
  code?: CodeDigests;
  housekeeping?: Rhythm;
  /** Default: `openStore`. Tests put their own stores in place. */
  open?: (url: string) => Promise<ObjectStore>;
}

/** What the shards of one worker share. */
export interface Work {
  options: ShardsOptions;
  plan: Plan;
  stores: { source: ObjectStore; control: ObjectStore };
  supervisor: Supervisor;
  active: Set<Attempt>;
  /** Aborted with the error that ends all shards. */
  signal: AbortSignal;
  stopAll(error: ImagemillError): void;
}

/** Does the shards in the order in which they come; returns the exit code. Rejects when no shard can be done. */
export async function runShards(options: ShardsOptions): Promise<number> {
  const fatal = new AbortController();
  const signal = AbortSignal.any([options.signal, fatal.signal]);
  const active = new Set<Attempt>();
  const stopAll = (error: ImagemillError): void => fatal.abort(error);
  // Before anything else: the pool process loads its code while the plan is read.
  const supervisor = supervise(options, active, stopAll);
  try {
    const control = await open(options, options.control);
    const plan = await readPlan(control, options.runId, signal, options.code);
    const source = await open(options, plan.stores.source, "source");
    begin(supervisor, plan, options);
    return await allShards({ options, plan, stores: { source, control }, supervisor, active, signal, stopAll });
  } catch (error) {
    // What waited may have seen the stop as an error of its own: the reason tells why.
    throw signal.aborted ? (signal.reason as Error) : error;
  } finally {
    await supervisor.stop();
  }
}

async function open({ open: own, clock, log, random, endpoint }: ShardsOptions, url: string, as?: "source"): Promise<ObjectStore> {
  if (own !== undefined) return own(url);
  return (as === "source" ? openSource : openStore)(url, {
    ...bootstrapLimits,
    log,
    clock,
    random,
    ...(endpoint !== undefined && { endpoint }),
  });
}

function supervise(options: ShardsOptions, active: Set<Attempt>, stopAll: (error: ImagemillError) => void): Supervisor {
  const ownerOf = (seq: number): Attempt | undefined => active.values().find((attempt) => attempt.owns(seq));
  return createSupervisor({
    ...options,
    finished: (seq, result) => ownerOf(seq)?.record(seq, result),
    condemned: (seq, death) => {
      const owner = ownerOf(seq);
      owner?.condemn(seq, death).catch(owner.fail);
    },
    attemptFailed: (name, error) =>
      active
        .values()
        .find(({ attempt }) => attempt === name)
        ?.fail(error),
    gaveUp: stopAll,
    knownTwins: (names) => [...active].filter(({ attempt }) => names.has(attempt)).flatMap((attempt) => attempt.knownTwins()),
  });
}

function begin(supervisor: Supervisor, plan: Plan, { log, endpoint }: ShardsOptions): void {
  const { limits, archive } = plan.policy;
  supervisor.begin({
    runId: plan.runId,
    runDate: plan.runDate,
    stores: plan.stores,
    jobs: plan.request.jobs,
    limits,
    archiveSources: archive.sources,
    durable: archive.durable,
    logLevel: log.level,
    ...(endpoint !== undefined && { endpoint }),
  });
}

async function allShards(work: Work): Promise<number> {
  await using _house = keepHouse(work);
  const underWay = new Set<Promise<void>>();
  const failures: number[] = [];
  let nextSeq = 0;
  const takeSeqs = (count: number): number => (nextSeq += count) - count;
  const orphaned = (): void => {
    if (underWay.size > 0) work.stopAll(driverGone());
  };
  work.options.inputEnded?.addEventListener("abort", orphaned, { once: true });

  for await (const shard of work.options.shards(work.signal, work.stores.control)) {
    work.signal.throwIfAborted();
    const one = oneShard(work, shard, takeSeqs)
      .catch((error: unknown) => void failures.push(failed(work, shard, error)))
      .finally(() => underWay.delete(one));
    underWay.add(one);
    if (underWay.size >= shardsAtOnce) await Promise.race(underWay);
  }
  await Promise.all(underWay);
  work.signal.throwIfAborted();
  return failures[0] ?? exitCodes.done;
}

function driverGone(): ImagemillError {
  return new ImagemillError("STOPPED", "stdin closed while shards were under way: the driver has gone", {
    exitCode: exitCodes.terminated,
    hint: "Its next run does them.",
  });
}

async function oneShard(work: Work, shard: string, takeSeqs: (count: number) => number): Promise<void> {
  const { plan, stores, active, supervisor, options, signal } = work;
  const { engineAttempt, clock, random, log, emit } = options;
  const context = { plan, stores, engineAttempt, clock, random, log, emit, signal };
  const attempt = await beginAttempt(context, shard, takeSeqs);
  if (attempt === undefined) return;
  active.add(attempt);
  try {
    if (attempt.images.length > 0) supervisor.add(attempt.images, attempt.suspects);
    const ended = await abortable(attempt.done, signal);
    if (ended.kind === "complete") await attempt.commit();
    else emit({ type: "shard-superseded", shard, attempt: attempt.attempt, winner: ended.winner });
  } catch (error) {
    // Whoever died here, it was no image: the next attempt need not suspect any.
    if (codeOf(error) !== "POOL_UNSTABLE") await attempt.clearInFlight();
    throw error;
  } finally {
    active.delete(attempt);
    supervisor.drop(attempt.attempt, attempt.waiting());
  }
}

/** Returns the exit code that the failure means. */
function failed({ options, active, signal }: Work, shard: string, error: unknown): number {
  const { code, message, hint, exitCode } = toPlainError(signal.aborted ? signal.reason : error);
  options.log.debug("shard-failed-at", { shard, stack: error instanceof Error ? (error.stack ?? null) : null });
  if (options.signal.aborted) return exitCode;
  options.log.error("shard-failed", { shard, code, message, hint });
  const attempt = active.values().find((one) => one.shard === shard)?.attempt ?? "";
  options.emit({ type: "shard-failed", shard: printable(shard), attempt, code, message, ...(hint !== undefined && { hint }) });
  return exitCode;
}

async function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const listener = (): void => reject(signal.reason as Error);
  if (signal.aborted) listener();
  signal.addEventListener("abort", listener, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", listener);
  }
}
