import { inParallel } from "../core/parallel.ts";
import type { Commit, Reason } from "../core/types.ts";
import type { ObjectStore } from "../storage/store.ts";
import { rowsOf } from "./rows.ts";
import { inSealOrder } from "./seal.ts";
import type { RunSummary } from "./summary.ts";

type ReasonCount = RunSummary["reasons"][number];

export const examplesKept = 3;
const readsInFlight = 4;
/** Enough to see what is wrong, and seconds in a bucket. */
const mostRowsFiles = 200;

/** Why objects of these commits are not `ok`, by their rows; of a large run by the first files that hold such rows. */
export async function reasonsOf(control: ObjectStore, commits: Iterable<Commit>, signal: AbortSignal): Promise<ReasonCount[]> {
  const telling = inSealOrder(commits)
    .filter(({ counts }) => counts.quarantined + counts.skipped > 0)
    .slice(0, mostRowsFiles);
  const found = new Map<Commit, Map<Reason, ReasonCount>>();
  await inParallel(telling, readsInFlight, async (commit) => void found.set(commit, await reasonsIn(control, commit, signal)));
  const whole = new Map<Reason, ReasonCount>();
  for (const commit of telling) for (const one of found.get(commit)!.values()) add(whole, one);
  return [...whole.values()].sort((a, b) => b.count - a.count || (a.reason < b.reason ? -1 : 1));
}

async function reasonsIn(control: ObjectStore, commit: Commit, signal: AbortSignal): Promise<Map<Reason, ReasonCount>> {
  const reasons = new Map<Reason, ReasonCount>();
  for await (const { reason, name } of rowsOf(control, [commit], signal)) {
    if (reason !== null) add(reasons, { reason, count: 1, examples: [name] });
  }
  return reasons;
}

function add(reasons: Map<Reason, ReasonCount>, { reason, count, examples }: ReasonCount): void {
  const known = reasons.get(reason) ?? { reason, count: 0, examples: [] };
  const named = [...known.examples, ...examples].slice(0, examplesKept);
  reasons.set(reason, { reason, count: known.count + count, examples: named });
}
