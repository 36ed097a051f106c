import type { ImageRow } from "../core/rows.ts";
import type { Commit } from "../core/types.ts";
import { readNdjson } from "../storage/objects.ts";
import type { ObjectStore } from "../storage/store.ts";

/** Rows of the committed shards, one rows file in memory at a time. */
export async function* rowsOf(control: ObjectStore, commits: Iterable<Commit>, signal: AbortSignal): AsyncGenerator<ImageRow> {
  for (const { rows } of commits) yield* await readNdjson<ImageRow>(control, rows.name, signal);
}
