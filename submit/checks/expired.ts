import { pruneArchive, pruneControl } from "../../archive/prune.ts";
import type { Config } from "../../configs/config.ts";
import type { Clock } from "../../core/clock.ts";
import { isStoreError, type ObjectStore } from "../../storage/store.ts";
import { formatBytes, formatMany } from "../terminal/format.ts";
import { fail, ok, warn, type Finding } from "./finding.ts";

export interface ExpiredCheck {
  config: Config;
  open: (place: "archive" | "control") => Promise<ObjectStore>;
  clock: Clock;
  signal: AbortSignal;
}

/** Looking further would take long; that it is overdue is known by then. */
const enoughObjects = 10_000;

/** Folders delete nothing by themselves: is `archive prune` overdue. */
export async function checkExpired(check: ExpiredCheck): Promise<Finding[]> {
  return (await Promise.all([checkPlace(check, "archive"), checkPlace(check, "control")])).flat();
}

async function checkPlace({ config, open, clock, signal }: ExpiredCheck, place: "archive" | "control"): Promise<Finding[]> {
  const topic = `${place} age`;
  try {
    const store = await open(place);
    try {
      if (store.capabilities.lifecycle) return [];
      const options = { now: clock.now(), signal, dryRun: true, maxObjects: enoughObjects };
      const found = await (place === "archive"
        ? pruneArchive(store, { ...options, days: config.policy.archive.days })
        : pruneControl(store, options));
      if (found.objects === 0) return [ok(topic, "nothing is past its days")];
      const much = `${found.more ? "at least " : ""}${formatMany(found.objects, "object")} (${formatBytes(found.bytes)})`;
      return [warn(topic, `${much} past their days`, "imagemill archive prune")];
    } finally {
      await store.close();
    }
  } catch (error) {
    signal.throwIfAborted();
    return isStoreError(error, "NOT_FOUND") ? [] : [fail(topic, error)];
  }
}
