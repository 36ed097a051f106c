import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { BatchServiceClient } from "@google-cloud/batch";
import { credentials } from "@grpc/grpc-js";
import { compute } from "../../../configs/engines/compute.ts";
import { systemClock, systemRandom } from "../../../core/clock.ts";
import { controlNames } from "../../../core/layout.ts";
import { silentLogger } from "../../../core/log.ts";
import { createNdjson, jsonBytes } from "../../../storage/objects.ts";
import { openStore } from "../../../storage/open.ts";
import type { ObjectStore } from "../../../storage/store.ts";
import { writeArchive } from "../../../submit/bundle/archive.ts";
import { uploadArchive, type UploadedArchive } from "../../../submit/bundle/upload.ts";
import { type ComputeHandle, createComputeEngine } from "../../../submit/engines/compute.ts";
import { openBatch } from "../../../submit/engines/compute/client.ts";
import type { Engine, EngineStatus } from "../../../submit/engines/engine.ts";
import { engineContract, type EngineBench, type EngineBenchOptions } from "../../contracts/engine.ts";
import { type BatchFault, type BatchServer, startBatch } from "../../servers/batch.ts";
import { type GcsProxy, startGcsProxy } from "../../servers/gcs-proxy.ts";
import { orSkip } from "../../servers/install.ts";
import { planOf } from "../../submit/plans.ts";

const fakeWorker = fileURLToPath(new URL("../../submit/fake-worker.ts", import.meta.url));
const never = new AbortController().signal;

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

  afterEach(() => {
    batch.faults = () => undefined;
  });

  engineContract("compute", async (options) => makeBench(gcs, batch, options), { patienceMs: 60_000 });

  const submitted = async ({ engine, plan }: ComputeBench): Promise<unknown> =>
    engine.submit({ plan, shards: plan.shards, submission: 1 }, never);
  const settled = async ({ engine }: ComputeBench, handle: unknown): Promise<EngineStatus> => {
    for (;;) {
      const status = await engine.poll(handle, never);
      if (status.state !== "pending" && status.state !== "running") return status;
      await delay(50);
    }
  };

  const faults: BatchFault[] = [
    { when: "before", code: "UNAVAILABLE" },
    { when: "after", code: "UNAVAILABLE" },
    { when: "before", code: "DEADLINE_EXCEEDED" },
    { when: "after", code: "DEADLINE_EXCEEDED" },
  ];
  for (const fault of faults) {
    it(`asks again with the same request id when create says ${fault.code} ${fault.when} it was taken`, async () => {
      await using bench = await makeBench(gcs, batch, { shards: 3, shardMs: 0 });
      const [jobs, called] = [batch.jobs.size, batch.calls.length];
      let left = 2;
      batch.faults = ({ method }) => (method === "CreateJob" && left-- > 0 ? fault : undefined);
      const handle = await submitted(bench);
      const creates = batch.calls.slice(called).filter(({ method }) => method === "CreateJob");
      assert.equal(creates.length, 3);
      assert.equal(new Set(creates.map(({ request }) => request.requestId)).size, 1);
      assert.equal(batch.jobs.size, jobs + 1);
      assert.equal((await settled(bench, handle)).state, "succeeded");
      assert.equal((await bench.attempts()).length, 3);
    });
  }

  it("says which role is missing", async () => {
    await using bench = await makeBench(gcs, batch, { shards: 1, shardMs: 0 });
    batch.faults = ({ method }) => (method === "CreateJob" ? { when: "before", code: "PERMISSION_DENIED" } : undefined);
    await assert.rejects(submitted(bench), { exitCode: 4, message: /Batch could not create the job/, hint: /roles\/batch\.jobsEditor/ });
  });

  it("adopts a job of its id that another driver made for other shards", async () => {
    await using bench = await makeBench(gcs, batch, { shards: 3, shardMs: 50 });
    const { engine, plan } = bench;
    const first = await engine.submit({ plan, shards: plan.shards.slice(1), submission: 1 }, never);
    assert.deepEqual(await submitted(bench), first);
    assert.equal((await settled(bench, first)).state, "succeeded");
    assert.equal((await bench.committed()).length, 2);
  });

  it("refuses a job of its id that is other work", async () => {
    await using bench = await makeBench(gcs, batch, { shards: 1, shardMs: 0 });
    await submitted(bench);
    const plan = { ...bench.plan, planId: "another" };
    await assert.rejects(bench.engine.submit({ plan, shards: plan.shards, submission: 1 }, never), { code: "JOB_ID_TAKEN", exitCode: 4 });
  });

  it("does not try again what another attempt would only repeat, and passes on its last words", async () => {
    const worker = `echo '{"level":"error","event":"worker-failed","code":"CODE_DIFFERS","message":"other code","hint":"Take the same."}'\nexit 4`;
    await using bench = await makeBench(gcs, batch, { shards: 1, shardMs: 0 }, { worker });
    const status = await settled(bench, await submitted(bench));
    assert.equal(status.state, "failed");
    assert.equal(status.message, "Batch task 0 failed with exit code 4: other code (CODE_DIFFERS)");
    assert.equal(status.hint, "Take the same.");
    assert.equal(status.retried, 0);
  });

  it("does not run a runtime that is not what was uploaded", async () => {
    await using bench = await makeBench(gcs, batch, { shards: 2, shardMs: 0 }, { sha256: "0".repeat(64) });
    const status = await settled(bench, await submitted(bench));
    assert.match(status.message!, /failed after 2 attempts with exit code 75: the machine could not fetch the runtime archive/);
    assert.deepEqual(await bench.attempts(), []);
  });

  it("fetches the runtime once for all tasks of a machine", async () => {
    await using bench = await makeBench(gcs, batch, { shards: 6, shardMs: 0 });
    const called = gcs.calls.length;
    assert.equal((await settled(bench, await submitted(bench))).state, "succeeded");
    const fetched = gcs.calls.slice(called).filter(({ path, op }) => op === "read" && path.includes("runtime%2F"));
    assert.equal(fetched.length, 1);
    assert.equal(fetched[0]!.headers.authorization, "Bearer of-the-machine");
  });

  it("runs the same script in an image that has imagemill", async () => {
    const folder = await mkdtemp(join(tmpdir(), "imagemill-image-"));
    await using server = await startBatch({ imagePath: folder });
    try {
      await using bench = await makeBench(gcs, server, { shards: 2, shardMs: 0 }, { image: "europe-docker.pkg.dev/p/r/imagemill:1" });
      await writeFile(join(folder, "imagemill"), launcher({}), { mode: 0o755 });
      const status = await settled(bench, await submitted(bench));
      assert.equal(status.state, "succeeded", JSON.stringify(status) + server.printed());
      assert.equal((await bench.committed()).length, 2);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("is lost when somebody deletes the job, and takes the rest in a new submission", async () => {
    await using bench = await makeBench(gcs, batch, { shards: 8, shardMs: 300 });
    const { engine, plan } = bench;
    const handle = (await submitted(bench)) as ComputeHandle;
    const [host, port] = batch.endpoint.split(":");
    const somebody = new BatchServiceClient({
      apiEndpoint: host!,
      port: Number(port),
      sslCreds: credentials.createInsecure(),
      credentials: { client_email: "somebody", private_key: "none" },
    });
    await somebody.deleteJob({ name: `projects/${handle.project}/locations/${handle.region}/jobs/${handle.jobId}` });
    await somebody.close();
    const status = await settled(bench, handle);
    assert.deepEqual([status.state, status.message], ["lost", "Batch has no such job any more: it was deleted"]);
    await engine.cancel(handle, never);

    const done = new Set(await bench.committed());
    const shards = plan.shards.filter((shard) => !done.has(shard.id));
    const again = await engine.submit({ plan, shards, submission: 2 }, never);
    assert.equal((await settled(bench, again)).state, "succeeded");
    assert.equal((await bench.committed()).length, 8);
  });

  it("takes 100,000 shards", async () => {
    await using bench = await makeBench(gcs, batch, { shards: 1, shardMs: 0 }, { worker: "sleep 60" });
    const { engine, plan } = bench;
    const [shard] = plan.shards;
    const shards = Array.from({ length: 100_000 }, (_, index) => ({
      ...shard!,
      id: `${String(index).padStart(6, "0")}-x`,
      predictedMs: 60_000,
    }));
    const handle = (await engine.submit({ plan, shards, submission: 1 }, never)) as ComputeHandle;
    const job = batch.jobs.get(`projects/${handle.project}/locations/${handle.region}/jobs/${handle.jobId}`)!.describe();
    // 16 machines with 4 places each; 100,000 minutes of one core in tasks of five minutes on two.
    assert.deepEqual([job.taskGroups![0]!.taskCount, Number(job.taskGroups![0]!.parallelism)], [10_000, 64]);
    await engine.cancel(handle, never);
    assert.equal((await engine.poll(handle, never)).state, "cancelled");
  });
});

interface ComputeBench extends EngineBench {
  engine: Engine;
}

/** What differs from a bench of the contract. */
interface Own {
  /** Instead of the fake worker: shell commands. */
  worker?: string;
  /** Of the runtime, as machines are told it. */
  sha256?: string;
  image?: string;
}

let benches = 0;

async function makeBench(
  gcs: GcsProxy,
  server: BatchServer,
  { shards, shardMs, poison = [] }: EngineBenchOptions,
  own: Own = {},
): Promise<ComputeBench> {
  benches += 1;
  const bucket = `bench-${benches}`;
  await gcs.createBucket(bucket);
  const url = (name: string): string => `gs://${bucket}/${name}`;
  const stores = { source: url("source"), archive: url("archive"), control: url("control"), warehouse: "duckdb:///none" };
  const context = { attempts: 3, concurrency: 8, log: silentLogger, clock: systemClock, random: systemRandom, endpoint: gcs.endpoint };
  const [source, control] = [await openStore(stores.source, context), await openStore(stores.control, context)];
  const { plan, entries } = planOf(shards, 3, stores);
  for (const [shard, objects] of entries) {
    for (const entry of objects) entry.generation = (await source.write(entry.name, Buffer.from(entry.name))).generation;
    await createNdjson(control, controlNames.shard(plan.runId, shard), objects);
  }
  await control.write(controlNames.plan(plan.runId), jsonBytes(plan));
  const environment = { FAKE_WORK_MS: String(shardMs), FAKE_POISON: poison.map((index) => plan.shards[index]!.id).join(",") };
  const engine = createComputeEngine({
    config: compute.parse({ region: "europe-west4", attempts: 2, ...(own.image !== undefined && { image: own.image }) }),
    control: await openStore(stores.control, context),
    batch: openBatch({ endpoint: server.endpoint, clock: systemClock, random: systemRandom }),
    runtime: async (signal) => {
      if (own.image !== undefined) return { kind: "image" };
      const uploaded = await fakeRuntime(control, own.worker === undefined ? launcher(environment) : `#!/bin/sh\n${own.worker}\n`, signal);
      return { kind: "archive", ...uploaded, ...(own.sha256 !== undefined && { sha256: own.sha256 }) };
    },
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

/** The fake worker as `imagemill`, with variables in its environment. */
function launcher(environment: Record<string, string>): string {
  const variables = Object.entries(environment).map(([name, value]) => `export ${name}=${value}\n`);
  return `#!/bin/sh\n${variables.join("")}exec ${process.execPath} ${fakeWorker} "$@"\n`;
}

async function fakeRuntime(control: ObjectStore, imagemill: string, signal: AbortSignal): Promise<UploadedArchive> {
  const folder = await mkdtemp(join(tmpdir(), "imagemill-runtime-"));
  try {
    const file = join(folder, "runtime.tar.gz");
    await writeArchive([{ name: "bin/imagemill", text: imagemill, executable: true }], file, signal);
    return await uploadArchive(control, { name: "runtime.tar.gz", file }, signal);
  } finally {
    await rm(folder, { recursive: true });
  }
}
