import { inParallel } from "../core/parallel.ts";
import { ImagemillError } from "../core/errors.ts";
import type { ImageRow, OutputRow } from "../core/rows.ts";
import type { Commit, Plan } from "../core/types.ts";
import { archivedName } from "./archived.ts";
import { isStoreError, type ObjectStore } from "../storage/store.ts";
import { rowsOf } from "./rows.ts";
import type { Driver } from "./driver.ts";

const deletesInFlight = 8;
const promisedDays = 7;

export interface Moved {
  /** No longer in the source; an earlier try may have deleted them. */
  deleted: number;
  /** Not processed, or their own archived copy is missing or differs, or they changed since they were processed. */
  kept: number;
}

/**
 * `onArchived: move`: deletes each source object whose own copy in the archive is, byte for byte by size and crc32c, what
 * was processed. Only after the load, only the pinned generation, only where the configuration accepts the loss.
 */
export async function moveSources(driver: Driver, plan: Plan, commits: Commit[], signal: AbortSignal): Promise<Moved> {
  const moved: Moved = { deleted: 0, kept: 0 };
  if (plan.policy.archive.onArchived !== "move") return moved;
  if (driver.config.iAcceptLossAfterDays !== promisedDays) throw notAccepted(plan);
  const source = await driver.source(plan.stores.source);
  const archive = await driver.store(plan.stores.archive);
  await inParallel(rowsOf(driver.control, commits, signal), deletesInFlight, async (row) => {
    const gone = await moveOne(plan, row, source, archive, signal);
    moved[gone ? "deleted" : "kept"] += 1;
  });
  return moved;
}

function notAccepted(plan: Plan): ImagemillError {
  return new ImagemillError(
    "MOVE_NOT_ACCEPTED",
    `run ${plan.runId} was planned with onArchived: move; nothing is deleted without consent`,
    {
      hint: `Write iAcceptLossAfterDays: ${promisedDays} in the configuration, then: imagemill finish ${plan.runId}`,
    },
  );
}

async function moveOne(plan: Plan, row: ImageRow, source: ObjectStore, archive: ObjectStore, signal: AbortSignal): Promise<boolean> {
  const copy = row.outputs.find((output) => output.job === "source");
  if (row.outcome !== "ok" || copy === undefined || !(await isWhole(plan, row, copy, archive, signal))) return false;
  try {
    await source.delete(row.name, { ifGeneration: row.generation, signal });
    return true;
  } catch (error) {
    // Another generation is there now: it was never processed.
    if (isStoreError(error, "PRECONDITION_FAILED")) return false;
    throw error;
  }
}

async function isWhole(plan: Plan, row: ImageRow, copy: OutputRow, archive: ObjectStore, signal: AbortSignal): Promise<boolean> {
  const name = archivedName(plan, row, copy, archive);
  if (name === undefined || row.crc32c === null) return false;
  const found = await archive.stat(name, { signal });
  if (found === undefined || found.generation !== copy.generation || found.sizeBytes !== row.size_bytes) return false;
  const crc32c = found.crc32c ?? (await readCrc32c(archive, name, found.generation, signal));
  return crc32c === row.crc32c;
}

/** What the bytes themselves say; for stores whose listings do not. */
async function readCrc32c(store: ObjectStore, name: string, generation: string, signal: AbortSignal): Promise<string | undefined> {
  const { info } = await store.read(name, { generation, signal });
  return info.crc32c;
}
