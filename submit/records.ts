import { controlNames } from "../core/layout.ts";
import { inParallel } from "../core/parallel.ts";
import type { Commit, LoadRecord, Plan, Seal, SubmitRecord } from "../core/types.ts";
import { readJson } from "../storage/objects.ts";
import type { ObjectStore } from "../storage/store.ts";
import type { DoneRecord } from "./done.ts";
import type { AcceptedRecord, CancelRecord, RunRecords } from "./state.ts";

const readsInFlight = 32;

/** The few single files of a run; `commits` is empty. */
export async function readRecords(control: ObjectStore, runId: string, signal: AbortSignal): Promise<RunRecords> {
  const [plan, submit, cancel, accepted, seal, load, done] = await Promise.all([
    readJson<Plan>(control, controlNames.plan(runId), signal),
    readJson<SubmitRecord>(control, controlNames.submit(runId), signal),
    readJson<CancelRecord>(control, controlNames.cancel(runId), signal),
    readJson<AcceptedRecord>(control, controlNames.accepted(runId), signal),
    readJson<Seal>(control, controlNames.seal(runId), signal),
    readJson<LoadRecord>(control, controlNames.load(runId), signal),
    readJson<DoneRecord>(control, controlNames.done(runId), signal),
  ]);
  return { runId, plan, submit, cancel, accepted, seal, load, done, commits: new Map() };
}

/** Adds to `known` the commits that it has not; lists names and reads only new ones. */
export async function readCommits(control: ObjectStore, runId: string, known: Map<string, Commit>, signal: AbortSignal): Promise<void> {
  await inParallel(newCommits(control, runId, known, signal), readsInFlight, async (shard) => {
    const commit = await readJson<Commit>(control, controlNames.commit(runId, shard), signal);
    if (commit !== undefined) known.set(shard, commit);
  });
}

async function* newCommits(
  control: ObjectStore,
  runId: string,
  known: ReadonlyMap<string, Commit>,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const prefix = controlNames.commits(runId);
  for await (const page of control.list({ prefix, signal })) {
    for (const { name } of page.objects) {
      const shard = name.slice(prefix.length, -".json".length);
      if (name.endsWith(".json") && !known.has(shard)) yield shard;
    }
  }
}
