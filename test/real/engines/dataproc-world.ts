import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import { systemClock, systemRandom } from "../../../core/clock.ts";
import { controlNames } from "../../../core/layout.ts";
import { silentLogger } from "../../../core/log.ts";
import { dataproc as dataprocSection } from "../../../configs/engines/dataproc.ts";
import { createNdjson, jsonBytes } from "../../../storage/objects.ts";
import { openStore } from "../../../storage/open.ts";
import type { ObjectStore } from "../../../storage/store.ts";
import { uploadDriver } from "../../../submit/bundle/upload.ts";
import { createDataprocEngine } from "../../../submit/engines/dataproc.ts";
import { dataprocService } from "../../../submit/engines/dataproc/service.ts";
import type { Engine } from "../../../submit/engines/engine.ts";
import type { EngineBench, EngineBenchOptions } from "../../contracts/engine.ts";
import { type DataprocServer, startDataproc } from "../../servers/dataproc.ts";
import { type GcsProxy, startGcsProxy } from "../../servers/gcs-proxy.ts";
import { planOf } from "../../submit/plans.ts";

const fakeWorker = fileURLToPath(new URL("../../submit/fake-worker.ts", import.meta.url));
export const project = "imagemill-test";
export const region = "europe-west4";

/** Dataproc and the buckets that its nodes see. */
export interface DataprocWorld extends AsyncDisposable {
  gcs: GcsProxy;
  dataproc: DataprocServer;
}

export async function startDataprocWorld(): Promise<DataprocWorld> {
  await using started = new AsyncDisposableStack();
  const gcs = started.use(await startGcsProxy());
  const dataproc = started.use(await startDataproc({ storage: gcs.endpoint }));
  const stack = started.move();
  return { gcs, dataproc, [Symbol.asyncDispose]: async () => stack.disposeAsync() };
}

export interface DataprocBench extends EngineBench {
  control: ObjectStore;
  /** Another driver's, on another machine. */
  anotherEngine(): Engine;
}

/** A stored plan in buckets of its own, and an engine whose nodes start the fake worker. */
export async function makeDataprocBench(
  { gcs, dataproc }: DataprocWorld,
  { shards, shardMs, poison = [] }: EngineBenchOptions,
  section: object = {},
): Promise<DataprocBench> {
  const bucket = `bench-${randomUUID()}`;
  await gcs.createBucket(bucket);
  const context = { attempts: 3, concurrency: 8, log: silentLogger, clock: systemClock, random: systemRandom, endpoint: gcs.endpoint };
  const open = async (url: string): Promise<ObjectStore> => openStore(url, context);
  const at = (name: string): string => `gs://${bucket}/${name}`;
  const stores = { source: at("source"), archive: at("archive"), control: at("control"), warehouse: "duckdb:///none" };
  const [source, control] = [await open(stores.source), await open(stores.control)];
  const { plan, entries } = planOf(shards, 3, stores);
  for (const [shard, own] of entries) {
    for (const entry of own) entry.generation = (await source.write(entry.name, Buffer.from(entry.name))).generation;
    await createNdjson(control, controlNames.shard(plan.runId, shard), own);
  }
  await control.write(controlNames.plan(plan.runId), jsonBytes(plan));

  const opened: Engine[] = [];
  const anotherEngine = (): Engine => {
    const engine = createDataprocEngine({
      // So that attempts can be counted.
      config: dataprocSection.parse({ region, shardAttempts: 2, speculation: false, ...section }),
      service: dataprocService({ project, endpoint: dataproc.endpoint, clock: systemClock, random: systemRandom }),
      control: stores.control,
      openStore: open,
      runtime: async (store, signal) => ({ driver: await uploadDriver(store, signal), command: [process.execPath, fakeWorker] }),
      workerEnvironment: {
        IMAGEMILL_STORAGE_ENDPOINT: gcs.endpoint,
        FAKE_WORK_MS: String(shardMs),
        FAKE_POISON: poison.map((index) => plan.shards[index]!.id).join(","),
      },
      logLevel: "warn",
      clock: systemClock,
    });
    opened.push(engine);
    return engine;
  };
  const names = async (prefix: string): Promise<string[]> => {
    const found: string[] = [];
    for await (const { objects } of control.list({ prefix })) found.push(...objects.map(({ name }) => name.slice(prefix.length)));
    return found;
  };
  return {
    engine: anotherEngine(),
    plan,
    control,
    anotherEngine,
    committed: async () => (await names(controlNames.commits(plan.runId))).map((name) => name.replace(/\.json$/, "")),
    attempts: async () => {
      const begun = await Promise.all(plan.shards.map(async ({ id }) => names(controlNames.attempts(plan.runId, id))));
      return [...new Set(begun.flatMap((files, index) => files.map((file) => `${index}/${file.split("/")[0]}`)))];
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(opened.map(async (engine) => engine.close()));
      await Promise.all([source.close(), control.close()]);
    },
  };
}
