import { usageError } from "../core/errors.ts";
import { parseRunId, runIdOf } from "../core/ids.ts";
import { controlNames } from "../core/layout.ts";
import { inParallel } from "../core/parallel.ts";
import type { ImageRow } from "../core/rows.ts";
import { quarantineReasons, type Commit, type Plan, type QuarantineReason, type RunRequest, type ShardEntry } from "../core/types.ts";
import { readNdjson } from "../storage/objects.ts";
import { againCommand } from "./again.ts";
import { driveRun } from "./drive.ts";
import { existing } from "./finish.ts";
import { planFor, subjectOf } from "./planning.ts";
import { readCommits, readRecords } from "./records.ts";
import { inSealOrder } from "./seal.ts";
import { nextCommand, stateOf } from "./state.ts";
import type { Driver } from "./driver.ts";
import type { ReplayOptions, RunSummary } from "./summary.ts";

const looksInFlight = 16;

/**
 * Takes up the quarantined objects of a finished run again, with the jobs and limits of today's configuration, as a run
 * of its own that names its parent. Its id follows from parent, reasons and jobs: asked again, it is the same run.
 * Reads each object at the generation that was quarantined, or the copy that was kept of it.
 */
export async function replayRun(driver: Driver, parentId: string, options: ReplayOptions): Promise<RunSummary> {
  parseRunId(parentId);
  const { control, host } = driver;
  const records = await readRecords(control, parentId, host.signal);
  const parent = existing(records, driver);
  const state = stateOf(records);
  if (records.seal === undefined) {
    throw usageError(
      `run ${parentId} is not finished (${state}): its quarantined objects are not known yet`,
      nextCommand(parentId, state, { live: false, again: await againCommand(driver, parent) }),
    );
  }
  const reasons = [...(options.reasons ?? quarantineReasons)].sort();
  const request = await replayRequest(driver, parent, reasons, options.number ?? 1);
  const wish = { request, runDate: parent.runDate, entries: () => quarantinedEntries(driver, parent, new Set(reasons)) };
  const { summary } = await driveRun(driver, runIdOf(parent.runDate, request), {
    makePlan: async (signal) => planFor(driver, wish, signal, { ready: true }),
    asked: subjectOf(driver, wish),
  });
  return summary;
}

/** Of the parent's date, whenever it is asked for: the id of a replay holds no wall-clock time. */
async function replayRequest(driver: Driver, parent: Plan, reasons: QuarantineReason[], number: number): Promise<RunRequest> {
  return {
    source: parent.request.source,
    select: { include: ["**"], exclude: [], reprocess: true },
    jobs: await driver.jobs(),
    rerun: 1,
    replay: { runId: parent.runId, reasons, number },
  };
}

async function* quarantinedEntries(driver: Driver, parent: Plan, reasons: ReadonlySet<QuarantineReason>): AsyncGenerator<ShardEntry[]> {
  const { control, host } = driver;
  const commits = new Map<string, Commit>();
  await readCommits(control, parent.runId, commits, host.signal);
  for (const commit of inSealOrder(commits.values())) {
    if (commit.counts.quarantined === 0) continue;
    const rows = await readNdjson<ImageRow>(control, commit.rows.name, host.signal);
    const entries = rows.filter((row) => row.outcome === "quarantined" && reasons.has(row.reason as QuarantineReason)).map(entryOf);
    await inParallel(entries, looksInFlight, async (entry) => nameCopy(driver, parent.runId, entry));
    yield entries;
  }
}

function entryOf(row: ImageRow): ShardEntry {
  return {
    name: row.name,
    generation: row.generation,
    sizeBytes: row.size_bytes,
    ...(row.crc32c !== null && { crc32c: row.crc32c }),
    ...(row.content_type !== null && { contentType: row.content_type }),
  };
}

/** An object that nobody could read, or that was too large, has none. */
async function nameCopy({ control, host }: Driver, runId: string, entry: ShardEntry): Promise<void> {
  const copy = controlNames.quarantine(runId, entry.name, entry.generation);
  if ((await control.stat(copy, { signal: host.signal })) !== undefined) entry.quarantineCopy = copy;
}
