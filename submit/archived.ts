import { archiveNames } from "../core/layout.ts";
import type { ImageRow, OutputRow } from "../core/rows.ts";
import type { Plan } from "../core/types.ts";
import type { ObjectStore } from "../storage/store.ts";

/**
 * The name in the archive of an output of a row, as the layout demands it; undefined where the row's uri is of no object
 * that this run may have written for this source object. Only the extension is taken from the uri.
 */
export function archivedName(plan: Plan, row: ImageRow, output: OutputRow, archive: ObjectStore): string | undefined {
  const extension = /\.([A-Za-z0-9.]+)$/.exec(output.uri.slice(output.uri.lastIndexOf("@") + 1))?.[1] ?? "";
  const name =
    output.member !== null
      ? archiveNames.shardOutput(plan, output.job, output.variant, row.shard, extension)
      : output.job === "source"
        ? archiveNames.source(plan, row, extension)
        : archiveNames.output(plan, output.job, output.variant, row, extension);
  return archive.uri(name) === output.uri ? name : undefined;
}
