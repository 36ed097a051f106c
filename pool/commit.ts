import { ImagemillError, messageOf } from "../core/errors.ts";
import { controlNames } from "../core/layout.ts";
import type { ImageRow } from "../core/rows.ts";
import type { Commit } from "../core/types.ts";
import { createNdjson, jsonBytes, readJson } from "../storage/objects.ts";
import { isStoreError, StoreError, type ObjectStore } from "../storage/store.ts";

export type CommitOutcome = { kind: "committed" } | { kind: "superseded"; winner: string };

/** Tries after which a commit that is neither there nor refused is given up. */
const commitTries = 3;

/** Rows first, then the one object that makes this attempt the winner. Deletes nothing, whatever happens. */
export async function commitShard(
  control: ObjectStore,
  rows: Iterable<ImageRow>,
  commit: Omit<Commit, "rows">,
  signal: AbortSignal,
): Promise<CommitOutcome> {
  const file = await createNdjson(control, controlNames.rows(commit.runId, commit.shard, commit.attempt), rows, signal);
  return putCommit(control, { ...commit, rows: file }, signal);
}

async function putCommit(control: ObjectStore, commit: Commit, signal: AbortSignal): Promise<CommitOutcome> {
  const name = controlNames.commit(commit.runId, commit.shard);
  for (let tries = 1; ; tries += 1) {
    try {
      await control.write(name, jsonBytes(commit), { ifGeneration: "0", durable: true, contentType: "application/json", signal });
      return { kind: "committed" };
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      const there = await readBack(control, name, error, signal);
      if (there !== undefined) return verdictOn(there, commit);
      if (!isWorthAnotherTry(error) || tries === commitTries) throw error;
    }
  }
}

/** The winner may be the one that we see after our own write seemed to fail: then it is the truth, also about us. */
export async function readCommit(control: ObjectStore, runId: string, shard: string, signal: AbortSignal): Promise<Commit | undefined> {
  return readJson<Commit>(control, controlNames.commit(runId, shard), signal);
}

async function readBack(control: ObjectStore, name: string, cause: StoreError, signal: AbortSignal): Promise<Commit | undefined> {
  try {
    return await readJson<Commit>(control, name, signal);
  } catch (error) {
    throw new ImagemillError(
      "COMMIT_UNKNOWN",
      `whether ${control.uri(name)} was written is unknown: ${cause.message}; ${messageOf(error)}`,
      {
        hint: "Run again when the control store answers: the commit is then found, or the shard is done once more.",
        cause,
      },
    );
  }
}

function isWorthAnotherTry(error: StoreError): boolean {
  return isStoreError(error, "UNAVAILABLE") || isStoreError(error, "PRECONDITION_FAILED") || isStoreError(error, "CHECKSUM_MISMATCH");
}

function verdictOn(there: Commit, ours: Commit): CommitOutcome {
  return there.writeId === ours.writeId ? { kind: "committed" } : { kind: "superseded", winner: there.attempt };
}
