import { systemClock, utcDate } from "../core/clock.ts";
import { digestOf } from "../core/digest.ts";
import { usageError } from "../core/errors.ts";
import { requestDigestOf, runIdOf } from "../core/ids.ts";
import { controlNames } from "../core/layout.ts";
import { inParallel } from "../core/parallel.ts";
import type { Plan, Policy, ShardEntry, ShardSummary, SourceObject } from "../core/types.ts";
import type { ObjectInfo } from "../storage/store.ts";
import { predictWork } from "./cost.ts";
import { readCostModel } from "./cost-store.ts";
import { freeze, type Frozen, type FrozenEntry } from "./freeze.ts";
import { ledgerKeyOf, markUnchanged, readAlive, readLedger } from "./ledger.ts";
import { ledgerBelow } from "./ledger-segments.ts";
import { assertOrder, listSource } from "./list.ts";
import { listNamed } from "./named.ts";
import type { PlanInput } from "./plan.ts";
import type { PlanFiles } from "./plan-files.ts";
import { createSelector, firstOf, sourceObjectOf } from "./select.ts";
import { packShards } from "./shards.ts";
import { sortByName } from "./sort.ts";
import { openSpool, type Spool } from "./spool.ts";
import { findTwins, noTwins, type Twins } from "./twins.ts";

const shardsInFlight = 2;

/** Lists, freezes, marks, packs and writes everything but plan.json. */
export async function makePlan(input: PlanInput, files: PlanFiles): Promise<Plan> {
  const { request, runDate, policy, stores, code, control, signal } = input;
  assertMovable(input);
  await using spool = await openSpool(signal);
  const runId = runIdOf(runDate, request);
  const below = await ledgerBelow(control, ledgerKeyOf(input), signal);
  const model = await readCostModel(control, request.jobs, signal);
  const predict = (entry: ShardEntry): number => predictWork(entry, model, policy.limits);
  const frozen = await freeze(frozenEntries(input, below, spool), { runId, files, spool, predict });
  const shards = await writeShards(frozen, await twinsOf(input, frozen, below, spool), { runId, files, spool, policy });
  const content: Omit<Plan, "planId"> = {
    format: 1,
    runId,
    runDate,
    requestDigest: requestDigestOf(request, policy, stores),
    request,
    policy,
    stores,
    code,
    manifest: { parts: frozen.parts, objects: frozen.objects, bytes: frozen.bytes, unchanged: frozen.unchanged },
    shards,
    predictedMs: Math.round(frozen.predictedMs),
    ledgerBelow: below,
  };
  return { ...content, planId: digestOf(content) };
}

function assertMovable({ source, policy }: PlanInput): void {
  if (source.capabilities.listsNamesOnly !== true || policy.archive.onArchived === "keep") return;
  throw usageError(
    "onArchived: move deletes source objects, and those of a list of URIs are not ours to delete",
    "Write onArchived: keep.",
  );
}

/** A replay, and a run that reprocesses, do what the ledger has as done. */
function asksLedger({ request, entries }: PlanInput): boolean {
  return entries === undefined && !request.select.reprocess;
}

function frozenEntries(input: PlanInput, below: number, spool: Spool): AsyncIterable<FrozenEntry[]> {
  if (input.entries !== undefined) return assertOrder(sortByName(input.entries(), spool));
  const { control, request, signal } = input;
  const { limit } = request.select;
  const selected = selectedObjects(input, spool);
  const listed = assertOrder(limit === undefined ? selected : firstOf(selected, limit));
  return asksLedger(input) ? markUnchanged(listed, readLedger(control, ledgerKeyOf(input), { below, signal })) : listed;
}

function selectedObjects({ source, request, runDate, signal, onListing }: PlanInput, spool: Spool): AsyncIterable<SourceObject[]> {
  const options = { signal, spool, ...(onListing && { onListing }) };
  const { select } = request;
  if (source.capabilities.listsNamesOnly === true) return listNamed(source, { ...options, selection: select, runDate });
  const isSelected = createSelector(select, runDate, source.prefix);
  const take = (object: ObjectInfo): SourceObject | undefined => (isSelected(object) ? sourceObjectOf(object) : undefined);
  return listSource(source, { ...options, take, isCut: select.limit !== undefined });
}

async function twinsOf(input: PlanInput, frozen: Frozen, below: number, spool: Spool): Promise<Twins> {
  if (!asksLedger(input) || below === 0 || frozen.objects === frozen.unchanged) return noTwins;
  const alive = readAlive(input.control, ledgerKeyOf(input), { below, aliveOn: dayAfterRun(input), signal: input.signal });
  return await findTwins(alive, frozen.keys.all(), spool);
}

/** The outputs of a twin must outlive the run by a day, whenever a backfilled date is run. */
function dayAfterRun({ runDate, clock = systemClock }: PlanInput): string {
  const today = utcDate(clock.now());
  const day = runDate > today ? runDate : today;
  return utcDate(Date.parse(day) + 24 * 3600 * 1000);
}

async function writeShards(
  frozen: Frozen,
  twins: Twins,
  { runId, files, spool, policy }: { runId: string; files: PlanFiles; spool: Spool; policy: Policy },
): Promise<ShardSummary[]> {
  const shards: ShardSummary[] = [];
  const packed = packShards(frozen, { packing: policy.packing, spool, twins });
  await inParallel(packed, shardsInFlight, async ({ summary, lines }) => {
    using _freed = lines;
    shards.push(summary);
    await files.put(controlNames.shard(runId, summary.id), lines);
  });
  return shards.sort(longestFirst);
}

function longestFirst(a: ShardSummary, b: ShardSummary): number {
  return b.predictedMs - a.predictedMs || (a.id < b.id ? -1 : 1);
}
