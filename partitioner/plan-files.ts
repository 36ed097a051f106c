import { controlNames } from "../core/layout.ts";
import { gzipNdjson } from "../core/ndjson.ts";
import type { ManifestEntry, Plan } from "../core/types.ts";
import { createOnce, readNdjson } from "../storage/objects.ts";
import type { ObjectStore } from "../storage/store.ts";
import { digestOfLines, type Lines } from "./lines.ts";

/** Where the manifest parts and shards of a plan go. */
export interface PlanFiles {
  put(name: string, lines: Lines): Promise<void>;
}

export function storedPlanFiles(control: ObjectStore, signal: AbortSignal): PlanFiles {
  return {
    put: async (name, lines) => {
      await createOnce(control, name, await gzipNdjson(lines.bytes()), signal);
    },
  };
}

/** For a preview: everything is computed, nothing is stored. */
export const noPlanFiles: PlanFiles = { put: async () => undefined };

/** The manifest of a stored plan, part by part, in the order of names. */
export async function* readManifest(control: ObjectStore, plan: Plan, signal: AbortSignal): AsyncGenerator<ManifestEntry[]> {
  for (const part of plan.manifest.parts) yield await readNdjson<ManifestEntry>(control, part, signal);
}

export function manifestPartName(runId: string, index: number, lines: Lines): string {
  return controlNames.manifestPart(runId, index, digestOfLines(lines));
}
