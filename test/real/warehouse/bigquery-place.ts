import assert from "node:assert/strict";
import { join } from "node:path";
import { systemClock, systemRandom, type Clock } from "../../../core/clock.ts";
import { codeOf } from "../../../core/errors.ts";
import { silentLogger } from "../../../core/log.ts";
import { fileStore } from "../../../storage/file.ts";
import type { ObjectStore } from "../../../storage/store.ts";
import { bigqueryAccess } from "../../../warehouse/bigquery-client.ts";
import { bigqueryWarehouse, type BigqueryOptions } from "../../../warehouse/bigquery.ts";
import type { Warehouse } from "../../../warehouse/warehouse.ts";
import type { WarehousePlace } from "../../contracts/warehouse.ts";
import type { BigqueryServer } from "../../servers/bigquery.ts";

let datasets = 0;

export interface BigqueryTestPlace extends WarehousePlace {
  open(changes?: Partial<BigqueryOptions>): Promise<Warehouse>;
  project: string;
  dataset: string;
}

/** A dataset of its own on the server, not yet made, and a bucket that the server reads from. */
export function bigqueryPlace(server: BigqueryServer, changes: Partial<BigqueryOptions> & { store?: ObjectStore } = {}): BigqueryTestPlace {
  const { endpoint, project } = server;
  const dataset = `d${datasets++}`;
  const { store = bucket(server, dataset), ...options } = changes;
  const place: BigqueryOptions = {
    url: `bigquery://${project}/${dataset}`,
    project,
    dataset,
    endpoint,
    log: silentLogger,
    clock: systemClock,
    random: systemRandom,
    ...options,
  };
  const execute = async (sql: string): Promise<void> => {
    const { client } = bigqueryAccess(place);
    await client.createDataset(dataset).catch((error: unknown) => assert.equal(codeOf(error), "409"));
    await client.query({ query: sql, defaultDataset: { projectId: project, datasetId: dataset } });
  };
  return {
    open: (more = {}) => Promise.resolve(bigqueryWarehouse({ ...place, ...more })),
    project,
    dataset,
    store,
    execute,
    pretendNewer: () => execute("ALTER TABLE images SET OPTIONS (description = 'Rows. (imagemill schema 999)')"),
    [Symbol.asyncDispose]: () => store.close(),
  };
}

function bucket(server: BigqueryServer, name: string): ObjectStore {
  const store = fileStore(join(server.bucketsFolder, name));
  return { ...store, uri: (object) => `gs://${name}/${object}` };
}

/** Waits a hundredth of what it is asked to. */
export const hurriedClock: Clock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(ms / 100, signal) };
