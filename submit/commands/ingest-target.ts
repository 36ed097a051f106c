import type { Config } from "../../configs/config.ts";
import { usageError } from "../../core/errors.ts";

/** Where images are brought to: what was asked for, else the source of the configuration. */
export async function ingestTarget(to: string | undefined, config: Config, cwd: string): Promise<string> {
  const { storeLocation } = await import("../../configs/locations.ts");
  const target = to === undefined ? config.source : storeLocation(to, cwd);
  if (target === "")
    throw usageError("it is not said where the images go", "Add --to gs://bucket/prefix, or a configuration with a source.");
  if (target.includes("{run_date}")) {
    throw usageError(`the source ${target} has a folder a date`, `Say which: --to ${target.replaceAll("{run_date}", "2026-11-23")}`);
  }
  return target;
}

/**
 * Where messages go that are no image: where it is said, else in the control store. Throws USAGE where images go to a bucket
 * and dead letters would stay on this machine.
 */
export function deadLetterPlace({ kafka, control }: Config, target: string): string {
  if (kafka.deadLetters !== undefined) return kafka.deadLetters;
  if (target.startsWith("gs:") && !control.startsWith("gs:")) {
    throw usageError("it is not said where messages go that are no image", "Add --dead-letters gs://bucket/prefix, or --control gs://….");
  }
  return `${control}/dead-letters`;
}
