import { controlNames } from "../core/layout.ts";
import { inParallel } from "../core/parallel.ts";
import type { Commit, Plan } from "../core/types.ts";
import type { InFlightFile } from "../pool/suspects.ts";
import { readJson } from "../storage/objects.ts";
import type { ObjectInfo, ObjectStore } from "../storage/store.ts";

/** A shard without a commit that some attempt has begun, as the attempt's own note of what is in flight tells. */
export interface ShardInWork {
  shard: string;
  /** Attempts that left a trace. */
  attempts: number;
  /** Images that were in flight at the newest note. */
  images: number;
  /** The first of them, and for how long the note stands. */
  slowest?: { name: string; ms: number };
  /** The note is older than any image may take: its worker is gone, and nobody has begun the shard again. */
  lost: boolean;
}

/** Shards without a commit that are looked at, in the plan's order, which is that of submission: a look costs a listing. */
const maxLooked = 16;
const readsInFlight = 8;
/** Beyond an image's own deadline: read, write, a trial alone. */
const noteGraceMs = 60_000;

/** What goes on in the shards that come next; any machine can ask, whatever engine works on them. */
export async function readInWork(
  control: ObjectStore,
  plan: Plan,
  commits: ReadonlyMap<string, Commit>,
  nowMs: number,
  signal: AbortSignal,
): Promise<ShardInWork[]> {
  const missing = plan.shards.filter((shard) => !commits.has(shard.id)).slice(0, maxLooked);
  const found: ShardInWork[] = [];
  await inParallel(missing, readsInFlight, async ({ id }) => {
    const inWork = await lookAt(control, plan, id, nowMs, signal);
    if (inWork !== undefined) found.push(inWork);
  });
  return found.sort((a, b) => (b.slowest?.ms ?? 0) - (a.slowest?.ms ?? 0));
}

async function lookAt(
  control: ObjectStore,
  plan: Plan,
  shard: string,
  nowMs: number,
  signal: AbortSignal,
): Promise<ShardInWork | undefined> {
  const prefix = controlNames.attempts(plan.runId, shard);
  const attempts = new Set<string>();
  let newest: ObjectInfo | undefined;
  for await (const page of control.list({ prefix, signal })) {
    for (const object of page.objects) {
      attempts.add(object.name.slice(prefix.length).split("/")[0]!);
      if (object.name.endsWith("/in-flight.json") && writtenMs(object) >= writtenMs(newest)) newest = object;
    }
  }
  if (attempts.size === 0) return undefined;
  const note = newest && (await readJson<InFlightFile>(control, newest.name, signal));
  const images = note?.images ?? [];
  const ms = Math.max(0, nowMs - writtenMs(newest));
  return {
    shard,
    attempts: attempts.size,
    images: images.length,
    ...(images[0] !== undefined && { slowest: { name: images[0].name, ms } }),
    lost: images.length > 0 && ms > plan.policy.limits.imageTimeoutMs + noteGraceMs,
  };
}

function writtenMs(object: ObjectInfo | undefined): number {
  return object?.createdAt === undefined ? -Infinity : Date.parse(object.createdAt);
}
