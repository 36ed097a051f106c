import type { Config } from "../../configs/config.ts";
import type { Logger } from "../../core/log.ts";
import { openStore } from "../../storage/open.ts";
import type { ObjectStore } from "../../storage/store.ts";
import type { Shell } from "./verb.ts";

/** A store of the configuration, for verbs that need no driver. */
export async function openSessionStore(
  config: Config,
  place: "source" | "archive" | "control",
  shell: Shell,
  log: Logger,
): Promise<ObjectStore> {
  const { storageAttempts, storageConcurrency } = config.policy.limits;
  const endpoint = config.google.endpoints.storage;
  return openStore(config[place], {
    attempts: storageAttempts,
    concurrency: storageConcurrency,
    ...(endpoint !== undefined && { endpoint }),
    log,
    clock: shell.clock,
    random: shell.random,
  });
}
