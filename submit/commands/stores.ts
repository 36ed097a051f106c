import type { Config } from "../../configs/config.ts";
import type { Logger } from "../../core/log.ts";
import type { StoreContext } from "../../storage/open.ts";
import type { ObjectStore } from "../../storage/store.ts";
import type { Warehouse } from "../../warehouse/warehouse.ts";
import type { Shell } from "./verb.ts";

/** A store of the configuration, for verbs that need no driver. */
export async function openSessionStore(
  config: Config,
  place: "source" | "archive" | "control",
  shell: Shell,
  log: Logger,
): Promise<ObjectStore> {
  const { openSource } = await import("../../storage/open.ts");
  return place === "source" ? openSource(config.source, storeContext(config, shell, log)) : openStoreAt(config[place], config, shell, log);
}

/** A store that the configuration does not name, reached as those that it names. */
export async function openStoreAt(
  location: string,
  config: Config,
  shell: Shell,
  log: Logger,
  retrying: Partial<Pick<StoreContext, "attempts" | "budgetMs" | "onRetry">> = {},
): Promise<ObjectStore> {
  const { openStore } = await import("../../storage/open.ts");
  return openStore(location, { ...storeContext(config, shell, log), ...retrying });
}

function storeContext(config: Config, shell: Shell, log: Logger): StoreContext {
  const { storageAttempts, storageConcurrency } = config.policy.limits;
  const endpoint = config.google.endpoints.storage;
  return {
    attempts: storageAttempts,
    concurrency: storageConcurrency,
    ...(endpoint !== undefined && { endpoint }),
    log,
    clock: shell.clock,
    random: shell.random,
  };
}

/** How long a verb waits for a database file that another process has open. */
const lockTimeoutMs = 10_000;

/** The warehouse of the configuration, for verbs that need no driver. */
export async function openSessionWarehouse(config: Config, shell: Shell, log: Logger): Promise<Warehouse> {
  const { openWarehouse } = await import("../../warehouse/open.ts");
  const { location, endpoints } = config.google;
  return openWarehouse(config.warehouse, {
    lockTimeoutMs,
    onWait: (message) => log.warn("warehouse-busy", { message }),
    location,
    ...(endpoints.bigquery !== undefined && { endpoint: endpoints.bigquery }),
    log,
    clock: shell.clock,
    random: shell.random,
  });
}
