import { controlNames } from "../../core/layout.ts";
import { ImagemillError } from "../../core/errors.ts";
import { inParallel } from "../../core/parallel.ts";
import type { ImageRow } from "../../core/rows.ts";
import type { Commit, LoadRecord, Plan, Seal } from "../../core/types.ts";
import { readJson, readNdjson } from "../../storage/objects.ts";
import type { ObjectStore } from "../../storage/store.ts";
import type { RunFiles } from "./summarise.ts";

const readsInFlight = 16;

/** Everything but the rows. Fails with RUN_ABSENT where there is no plan. */
export async function readRun(control: ObjectStore, runId: string, signal?: AbortSignal): Promise<RunFiles> {
  const plan = await readJson<Plan>(control, controlNames.plan(runId), signal);
  if (plan === undefined) {
    throw new ImagemillError("RUN_ABSENT", `there is no run ${runId} in ${control.url}`, {
      hint: "Check --control; `imagemill status` without a run id lists the runs that are there.",
    });
  }
  const seal = await readJson<Seal>(control, controlNames.seal(runId), signal);
  const names =
    seal?.commits.map(({ shard }) => controlNames.commit(runId, shard)) ?? (await namesUnder(control, controlNames.commits(runId), signal));
  const commits = (await readAll<Commit>(control, names, signal)).sort((a, b) => (a.shard < b.shard ? -1 : 1));
  const load = await readJson<LoadRecord>(control, controlNames.load(runId), signal);
  return { plan, commits, sealed: seal !== undefined, load };
}

/** The rows of the committed shards, one rows file in memory at a time. */
export async function* readRows(control: ObjectStore, commits: Commit[], signal?: AbortSignal): AsyncGenerator<ImageRow> {
  for (const { rows } of commits) yield* await readNdjson<ImageRow>(control, rows.name, signal);
}

async function namesUnder(control: ObjectStore, prefix: string, signal: AbortSignal | undefined): Promise<string[]> {
  const names: string[] = [];
  for await (const page of control.list({ prefix, ...(signal && { signal }) })) {
    names.push(...page.objects.map((object) => object.name).filter((name) => name.endsWith(".json")));
  }
  return names;
}

async function readAll<T>(control: ObjectStore, names: string[], signal: AbortSignal | undefined): Promise<T[]> {
  const values: T[] = [];
  await inParallel(names, readsInFlight, async (name) => {
    const value = await readJson<T>(control, name, signal);
    if (value !== undefined) values.push(value);
  });
  return values;
}
