import { ImagemillError, messageOf } from "../core/errors.ts";
import { printable } from "../core/names.ts";
import type { Attempt } from "./attempt.ts";
import { readCommit } from "./commit.ts";
import { refuseCancelled } from "./preconditions.ts";
import type { Work } from "./shards.ts";

export interface Rhythm {
  progressIntervalMs: number;
  /** Soon: what kills a machine may do so early. */
  firstLookMs: number;
  lookIntervalMs: number;
}

const usualRhythm: Rhythm = { progressIntervalMs: 300, firstLookMs: 700, lookIntervalMs: 3000 };

/**
 * What goes on beside the images: progress events; what is in flight is stored for the next attempt; a shard that takes
 * too long, a cancelled run and a commit of another attempt end the work that nobody waits for any more.
 */
export function keepHouse(work: Work): AsyncDisposable {
  let looking: Promise<void> = Promise.resolve();
  const look = (): void => {
    looking = looking.then(async () => lookAround(work));
  };
  const { progressIntervalMs, firstLookMs, lookIntervalMs } = work.options.housekeeping ?? usualRhythm;
  const progress = setInterval(() => tellProgress(work), progressIntervalMs);
  const first = setTimeout(look, firstLookMs);
  const later = setInterval(look, lookIntervalMs);
  return {
    [Symbol.asyncDispose]: async () => {
      clearInterval(progress);
      clearTimeout(first);
      clearInterval(later);
      await looking;
    },
  };
}

function tellProgress({ active, supervisor, options }: Work): void {
  const slowest = supervisor.slowest();
  for (const attempt of active) {
    const named =
      slowest !== undefined && attempt.owns(slowest.seq) ? { name: printable(attempt.nameOf(slowest.seq)), ms: slowest.ms } : undefined;
    options.emit({
      type: "progress",
      shard: attempt.shard,
      attempt: attempt.attempt,
      counts: attempt.counts(),
      ...(named !== undefined && { slowest: named }),
    });
  }
}

async function lookAround(work: Work): Promise<void> {
  if (work.signal.aborted) return;
  try {
    await refuseCancelled(work.stores.control, work.plan.runId, work.signal);
    for (const attempt of work.active) await lookAt(work, attempt);
  } catch (error) {
    if (error instanceof ImagemillError && error.code === "CANCELLED") work.stopAll(error);
    // The control store's answer is not needed now; when it is, its failure counts.
    else work.options.log.debug("look-failed", { message: messageOf(error) });
  }
}

async function lookAt({ plan, stores, supervisor, options, signal }: Work, attempt: Attempt): Promise<void> {
  const { shardTimeoutMs } = plan.policy.limits;
  if (options.clock.monotonicMs() - attempt.startedAtMs > shardTimeoutMs) {
    attempt.fail(
      new ImagemillError("SHARD_TIMEOUT", `the shard was not done after ${shardTimeoutMs} ms (limits.shardTimeoutMs)`, {
        hint: "Raise limits.shardTimeoutMs, or cut smaller shards with packing.shardSeconds, in a new run.",
      }),
    );
    return;
  }
  const winner = await readCommit(stores.control, plan.runId, attempt.shard, signal);
  if (winner !== undefined && winner.attempt !== attempt.attempt) attempt.superseded(winner.attempt);
  else await attempt.storeInFlight(supervisor.inFlight());
}
