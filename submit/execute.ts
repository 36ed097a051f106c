import { codeDifferences } from "../core/code.ts";
import { preconditionError } from "../core/errors.ts";
import { controlNames } from "../core/layout.ts";
import type { Commit, Plan, ShardSummary, SubmitRecord } from "../core/types.ts";
import { jsonBytes } from "../storage/objects.ts";
import { isStoreError } from "../storage/store.ts";
import { newProgress, noteCommits, noteWorkerEvent, progressEvent, type Progress } from "./progress.ts";
import { paceOf } from "./pace.ts";
import { readCommits } from "./records.ts";
import type { Driver } from "./driver.ts";
import type { Engine, EngineStatus } from "./engines/engine.ts";
import type { Problem } from "./summary.ts";

const firstPollMs = 10;
const localPollMs = 250;
const remotePollMs = 2000;
/**
 * How often commits of workers that say nothing to this process are looked for, and a cancel from elsewhere. Of very many
 * shards the listing alone takes seconds: at most a tenth of the time goes into looking.
 */
const lookMs = 2000;
const lookShare = 0.1;
const farewellMs = 60_000;

/** Past the deadline remote work is stopped, too: nobody waits for it, and it costs. Ctrl-C only stops watching it. */
function isPastDeadline(driver: Driver, signal: AbortSignal): boolean {
  return signal.aborted && !driver.host.signal.aborted;
}

/** Shards of the plan that have no commit, in the plan's order. */
export function uncommitted(plan: Plan, commits: ReadonlyMap<string, Commit>): ShardSummary[] {
  return plan.shards.filter((shard) => !commits.has(shard.id));
}

/**
 * Has an engine work on every shard without a commit until all are tried to the end; adds to `commits` what came of it.
 * Resolves with what is in the way, if anything. When `signal` aborts, local work is stopped and remote work goes on.
 */
export async function executeShards(
  driver: Driver,
  plan: Plan,
  commits: Map<string, Commit>,
  signal: AbortSignal,
): Promise<Problem | undefined> {
  if (uncommitted(plan, commits).length === 0) return undefined;
  assertSameCode(driver, plan);
  const progress = newProgress(plan, commits);
  await using work = await beginWork(driver, plan, commits, (event) => noteWorkerEvent(progress, event), signal);
  const status = await watch(driver, work, plan, commits, progress, signal).catch(async (error: unknown) => {
    if (isPastDeadline(driver, signal)) await work.engine.cancel(work.handle, AbortSignal.timeout(farewellMs));
    throw error;
  });
  await readCommits(driver.control, plan.runId, commits, signal);
  noteCommits(progress, commits);
  driver.host.emit(progressEvent(progress, status));
  return problemOf(plan, commits, status);
}

export function assertSameCode(driver: Driver, plan: Plan): void {
  const differences = codeDifferences(driver.code(), plan.code);
  if (differences.length === 0) return;
  throw preconditionError(
    "CODE_DIFFERS",
    `run ${plan.runId} was planned by another version: ${differences.join(", ")}`,
    `Continue it with that version, or start over with this one: --rerun ${plan.request.rerun + 1}. \`imagemill cancel ${plan.runId}\` gives it up.`,
  );
}

interface Work extends AsyncDisposable {
  engine: Engine;
  handle: unknown;
}

/** Submits, or attaches to remote work that still goes on. Disposing it stops local work and only lets go of remote work. */
export async function beginWork(
  driver: Driver,
  plan: Plan,
  commits: ReadonlyMap<string, Commit>,
  onEvent: Parameters<Driver["createEngine"]>[0],
  signal: AbortSignal,
): Promise<Work> {
  const engine = await driver.createEngine(onEvent);
  try {
    const shards = uncommitted(plan, commits);
    const handle = engine.remote
      ? await submitOrAttach(driver, engine, plan, shards, signal)
      : await engine.submit({ plan, shards, submission: 1 }, signal);
    driver.host.emit({ type: "submitted", engine: engine.name, links: engine.links(handle) });
    return { engine, handle, [Symbol.asyncDispose]: async () => engine.close() };
  } catch (error) {
    await engine.close();
    throw error;
  }
}

async function submitOrAttach(driver: Driver, engine: Engine, plan: Plan, shards: ShardSummary[], signal: AbortSignal): Promise<unknown> {
  const earlier = await readSubmit(driver, plan.runId, signal);
  if (earlier !== undefined && (await isLive(driver, engine, earlier.record, plan, signal))) return earlier.record.handle;
  const submission = (earlier?.record.submission ?? 0) + 1;
  const handle = await engine.submit({ plan, shards, submission }, signal);
  const record: SubmitRecord = { format: 1, runId: plan.runId, engine: engine.name, submission, handle };
  try {
    const ifGeneration = earlier?.generation ?? "0";
    await driver.control.write(controlNames.submit(plan.runId), jsonBytes(record), { ifGeneration, durable: true, signal });
    return handle;
  } catch (error) {
    if (!isStoreError(error, "PRECONDITION_FAILED")) throw error;
    // Another driver submitted the same submission, which is the same work: its handle is as good.
    return (await readSubmit(driver, plan.runId, signal))?.record.handle ?? handle;
  }
}

async function isLive(driver: Driver, engine: Engine, record: SubmitRecord, plan: Plan, signal: AbortSignal): Promise<boolean> {
  if (record.engine !== engine.name) {
    throw preconditionError(
      "OTHER_ENGINE",
      `run ${plan.runId} was submitted to the engine ${record.engine}`,
      `Go on with --engine ${record.engine}, or stop it first: imagemill cancel ${plan.runId} --engine ${record.engine}`,
    );
  }
  const { state, message = "its work is lost" } = await engine.poll(record.handle, signal);
  if (state === "lost") driver.host.emit({ type: "notice", level: "warn", text: `${message}. What has no commit is submitted again.` });
  return state === "pending" || state === "running";
}

async function readSubmit(
  driver: Driver,
  runId: string,
  signal: AbortSignal,
): Promise<{ record: SubmitRecord; generation: string } | undefined> {
  try {
    const { info, bytes } = await driver.control.read(controlNames.submit(runId), { signal });
    return { record: JSON.parse(Buffer.from(bytes).toString("utf8")) as SubmitRecord, generation: info.generation };
  } catch (error) {
    if (isStoreError(error, "NOT_FOUND")) return undefined;
    throw error;
  }
}

async function watch(
  driver: Driver,
  { engine, handle }: Work,
  plan: Plan,
  commits: Map<string, Commit>,
  progress: Progress,
  signal: AbortSignal,
): Promise<EngineStatus> {
  const { clock, emit } = driver.host;
  const longestMs = engine.remote ? remotePollMs : localPollMs;
  let waitMs = firstPollMs;
  let lookedMs = clock.monotonicMs();
  let restMs = lookMs;
  for (;;) {
    const status = await engine.poll(handle, signal);
    emit(progressEvent(progress, status, engine.remote ? paceOf(plan, commits, clock.now()) : undefined));
    if (status.state !== "pending" && status.state !== "running") return status;
    await clock.sleep(waitMs, signal);
    waitMs = Math.min(longestMs, waitMs * 2);
    if (clock.monotonicMs() - lookedMs < restMs) continue;
    const lookingMs = clock.monotonicMs();
    if (engine.remote) await readCommits(driver.control, plan.runId, commits, signal);
    lookedMs = clock.monotonicMs();
    restMs = Math.max(lookMs, (lookedMs - lookingMs) / lookShare);
    noteCommits(progress, commits);
    // Commits are the truth: whatever the engine still does after the last one changes nothing.
    if (engine.remote && uncommitted(plan, commits).length === 0) {
      await engine.release?.(handle, signal);
      return { ...status, state: "succeeded", running: 0 };
    }
    if ((await driver.control.stat(controlNames.cancel(plan.runId), { signal })) !== undefined) await engine.cancel(handle, signal);
  }
}

function problemOf(plan: Plan, commits: ReadonlyMap<string, Commit>, status: EngineStatus): Problem | undefined {
  const left = uncommitted(plan, commits);
  if (left.length === 0) return undefined;
  if (status.state === "cancelled") {
    return { code: "CANCELLED", message: "the run was cancelled", hint: "The same command continues it." };
  }
  const why = status.message === undefined ? "" : `; the last one: ${status.message}`;
  return {
    code: "SHARDS_FAILED",
    message: `${left.length} of ${plan.shards.length} shards could not be done (${left[0]!.id}${left.length > 1 ? ", …" : ""})${why}`,
    hint: status.hint ?? "What is committed is kept: once the cause is gone, the same command does only the rest.",
  };
}
