import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { compute } from "../../../configs/engines/compute.ts";
import { systemClock, systemRandom } from "../../../core/clock.ts";
import { controlNames } from "../../../core/layout.ts";
import { silentLogger } from "../../../core/log.ts";
import { createNdjson, jsonBytes } from "../../../storage/objects.ts";
import { openStore } from "../../../storage/open.ts";
import type { ObjectStore } from "../../../storage/store.ts";
import { writeArchive } from "../../../submit/bundle/archive.ts";
import { uploadArchive } from "../../../submit/bundle/upload.ts";
import { createComputeEngine } from "../../../submit/engines/compute.ts";
import { openBatch } from "../../../submit/engines/compute/client.ts";
import { engineContract, type EngineBench, type EngineBenchOptions } from "../../contracts/engine.ts";
import { type BatchServer, startBatch } from "../../servers/batch.ts";
import { type GcsProxy, startGcsProxy } from "../../servers/gcs-proxy.ts";
import { orSkip } from "../../servers/install.ts";
import { planOf } from "../../submit/plans.ts";

const fakeWorker = fileURLToPath(new URL("../../submit/fake-worker.ts", import.meta.url));

describe("the compute engine on a loopback Batch", function () {
  this.timeout(5 * 60_000);
  let gcs: GcsProxy;
  let batch: BatchServer;
  before(async function () {
    gcs = await orSkip(this, "Cloud Storage", async () => startGcsProxy());
    batch = await startBatch();
  });
  after(async () => {
    await batch?.[Symbol.asyncDispose]();
    await gcs?.[Symbol.asyncDispose]();
  });

  engineContract("compute", async (options) => makeBench(gcs, batch, options), { patienceMs: 60_000 });
});

let benches = 0;

async function makeBench(gcs: GcsProxy, server: BatchServer, { shards, shardMs, poison = [] }: EngineBenchOptions): Promise<EngineBench> {
  benches += 1;
  const bucket = `bench-${benches}`;
  await gcs.createBucket(bucket);
  const url = (name: string): string => `gs://${bucket}/${name}`;
  const stores = { source: url("source"), archive: url("archive"), control: url("control"), warehouse: "duckdb:///none" };
  const context = { attempts: 3, concurrency: 8, log: silentLogger, clock: systemClock, random: systemRandom, endpoint: gcs.endpoint };
  const [source, control] = [await openStore(stores.source, context), await openStore(stores.control, context)];
  const { plan, entries } = planOf(shards, 3, stores);
  for (const [shard, own] of entries) {
    for (const entry of own) entry.generation = (await source.write(entry.name, Buffer.from(entry.name))).generation;
    await createNdjson(control, controlNames.shard(plan.runId, shard), own);
  }
  await control.write(controlNames.plan(plan.runId), jsonBytes(plan));
  const environment = { FAKE_WORK_MS: String(shardMs), FAKE_POISON: poison.map((index) => plan.shards[index]!.id).join(",") };
  const engine = createComputeEngine({
    config: compute.parse({ region: "europe-west4", attempts: 2 }),
    control: await openStore(stores.control, context),
    batch: openBatch({ endpoint: server.endpoint, clock: systemClock, random: systemRandom }),
    runtime: async (signal) => ({ kind: "archive", ...(await fakeRuntime(control, environment, signal)) }),
    storageEndpoint: gcs.endpoint,
    logLevel: "warn",
    clock: systemClock,
  });
  const names = async (prefix: string): Promise<string[]> => namesBelow(control, prefix);
  return {
    engine,
    plan,
    committed: async () => (await names(controlNames.commits(plan.runId))).map((name) => name.replace(/\.json$/, "")),
    attempts: async () => {
      const all = await Promise.all(plan.shards.map(async ({ id }) => names(controlNames.attempts(plan.runId, id))));
      return [...new Set(all.flat().map((name) => name.split("/")[0]!))];
    },
    [Symbol.asyncDispose]: async () => {
      await engine.close();
      await source.close();
      await control.close();
    },
  };
}

async function namesBelow(store: ObjectStore, prefix: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { objects } of store.list({ prefix })) found.push(...objects.map(({ name }) => name.slice(prefix.length)));
  return found;
}

/** A runtime archive with the fake worker in it, and what is to be in its environment. */
async function fakeRuntime(control: ObjectStore, environment: Record<string, string>, signal: AbortSignal) {
  const folder = await mkdtemp(join(tmpdir(), "imagemill-runtime-"));
  try {
    const variables = Object.entries(environment).map(([name, value]) => `export ${name}=${value}\n`);
    const text = `#!/bin/sh\n${variables.join("")}exec ${process.execPath} ${fakeWorker} "$@"\n`;
    const file = join(folder, "runtime.tar.gz");
    await writeArchive([{ name: "bin/imagemill", text, executable: true }], file, signal);
    return await uploadArchive(control, { name: "runtime.tar.gz", file }, signal);
  } finally {
    await rm(folder, { recursive: true });
  }
}
