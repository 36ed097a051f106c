import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { status } from "@grpc/grpc-js";
import type { protos } from "@google-cloud/dataproc";
import { controlNames } from "../../../core/layout.ts";
import type { Engine, EngineStatus } from "../../../submit/engines/engine.ts";
import type { DataprocHandle } from "../../../submit/engines/dataproc/handle.ts";
import { submissionId } from "../../../submit/engines/dataproc/names.ts";
import type { DataprocCall } from "../../servers/dataproc.ts";
import { orSkip } from "../../servers/install.ts";
import { makeDataprocBench, startDataprocWorld, type DataprocBench, type DataprocWorld } from "./dataproc-world.ts";

const never = new AbortController().signal;
type CreateBatch = protos.google.cloud.dataproc.v1.CreateBatchRequest;

describe("the dataproc engine when things go wrong", function () {
  this.timeout(10 * 60_000);
  let world: DataprocWorld;
  before(async function () {
    world = await orSkip(this, "Spark and Cloud Storage", startDataprocWorld);
  });
  beforeEach(() => {
    world.dataproc.faults = () => undefined;
    world.dataproc.calls.length = 0;
  });
  after(async () => world?.[Symbol.asyncDispose]());

  const submit = async (engine: Engine, { plan }: DataprocBench, submission = 1): Promise<DataprocHandle> =>
    (await engine.submit({ plan, shards: plan.shards, submission }, never)) as DataprocHandle;
  const idOf = async ({ plan, control }: DataprocBench): Promise<string> =>
    submissionId(plan.runId, 1, control.url, (await control.stat(controlNames.plan(plan.runId)))!.generation);
  const called = (method: string): DataprocCall[] => world.dataproc.calls.filter((call) => call.method === method);
  const settled = async (engine: Engine, handle: unknown): Promise<EngineStatus> => {
    for (;;) {
      const now = await engine.poll(handle, never);
      if (now.state !== "pending" && now.state !== "running") return now;
      await delay(100);
    }
  };

  const lost = [
    [status.UNAVAILABLE, "before"],
    [status.UNAVAILABLE, "after"],
    [status.DEADLINE_EXCEEDED, "before"],
    [status.DEADLINE_EXCEEDED, "after"],
  ] as const;
  it("creates one batch, whatever becomes of the answers to its requests, which all have the same id", async () => {
    await using bench = await makeDataprocBench(world, { shards: 2, shardMs: 10 });
    world.dataproc.faults = ({ method, index }) => {
      const fault = method === "CreateBatch" ? lost[index - 1] : undefined;
      return fault && { code: fault[0], when: fault[1] };
    };
    const handle = await submit(bench.engine, bench);
    const requests = called("CreateBatch").map(({ request }) => request as CreateBatch);
    assert.equal(requests.length, lost.length + 1);
    assert.equal(new Set(requests.map(({ requestId }) => requestId)).size, 1);
    assert.deepEqual(await settled(bench.engine, handle), { state: "succeeded" });
    assert.equal((await bench.attempts()).length, 2);
  });

  it("adopts its own batch where one of the name is there, and refuses another's", async () => {
    await using bench = await makeDataprocBench(world, { shards: 1, shardMs: 10 });
    world.dataproc.faults = ({ method }) => (method === "CreateBatch" ? { code: status.ALREADY_EXISTS, when: "after" } : undefined);
    const handle = await submit(bench.engine, bench);
    await bench.engine.cancel(handle, never);

    world.dataproc.faults = ({ method, request }) => {
      const asked = request as CreateBatch;
      if (method === "CreateBatch") asked.batch!.labels = { "imagemill-run": "another" };
      return undefined;
    };
    await using other = await makeDataprocBench(world, { shards: 1, shardMs: 10 });
    const stranger = await submit(other.engine, other);
    world.dataproc.faults = ({ method }) => (method === "CreateBatch" ? { code: status.ALREADY_EXISTS, when: "before" } : undefined);
    await assert.rejects(submit(other.anotherEngine(), other), { code: "DATAPROC_NAME_TAKEN", message: /is not of this run/ });
    await other.engine.cancel(stranger, never);
  });

  it("goes on polling through 503s, and finds the operation to cancel by the batch, again if need be", async () => {
    await using bench = await makeDataprocBench(world, { shards: 8, shardMs: 2000 });
    const handle = await submit(bench.engine, bench);
    world.dataproc.faults = ({ method, index }) => {
      if (method === "GetBatch" && index % 2 === 1) return { code: status.UNAVAILABLE, when: "before" };
      return method === "CancelOperation" && index === 1 ? { code: status.NOT_FOUND, when: "before" } : undefined;
    };
    const another = bench.anotherEngine();
    assert.match((await another.poll(handle, never)).state, /pending|running/);
    await another.cancel(handle, never);
    assert.deepEqual(await another.poll(handle, never), { state: "cancelled" });
    assert.ok(called("CancelOperation").length >= 2);
    assert.ok((await bench.committed()).length < 8);
  });

  it("a driver that lost the answer and its memory finds the batch by its name", async () => {
    await using bench = await makeDataprocBench(world, { shards: 2, shardMs: 10 });
    const handle = await submit(bench.engine, bench);
    assert.equal(handle.mode === "serverless" && handle.batchId, await idOf(bench));
    const again = await submit(bench.anotherEngine(), { ...bench, plan: { ...bench.plan, shards: bench.plan.shards.slice(1) } });
    assert.deepEqual(again, handle);
    assert.deepEqual(await settled(bench.anotherEngine(), again), { state: "succeeded" });
    assert.equal((await bench.attempts()).length, 2);
  });

  it("says what the driver said last when a batch fails", async () => {
    await using bench = await makeDataprocBench(world, { shards: 2, shardMs: 10 });
    const name = controlNames.runtime("broken.py");
    await bench.control.write(name, Buffer.from('print("some words")\nraise ValueError("the disk of the driver is made of cheese")\n'));
    world.dataproc.faults = ({ method, request }) => {
      if (method === "CreateBatch") (request as CreateBatch).batch!.pysparkBatch!.mainPythonFileUri = bench.control.uri(name);
      return undefined;
    };
    const failed = await settled(bench.engine, await submit(bench.engine, bench));
    assert.equal(failed.state, "failed");
    assert.match(failed.message!, /exit code 1.*the end of the driver's log:.*some words.*made of cheese/s);
    assert.match(failed.hint!, /console\.cloud\.google\.com\/logs/);
  });

  it("says what the service says when there is no log, and that a batch is gone", async () => {
    await using bench = await makeDataprocBench(world, { shards: 1, shardMs: 10 });
    world.dataproc.faults = ({ method, request }) => {
      if (method === "CreateBatch") (request as CreateBatch).batch!.pysparkBatch!.archiveUris = ["gs://nowhere/x.tar.gz#imagemill-runtime"];
      return undefined;
    };
    const failed = await settled(bench.engine, await submit(bench.engine, bench));
    assert.match(failed.message!, /Job failed with message \[.*nowhere.*404/s);
    const gone = { mode: "serverless", project: "p", region: "europe-west4", runId: "r", batchId: "gone" };
    assert.deepEqual(await bench.engine.poll(gone, never), { state: "lost", message: "the batch gone is not there any more" });
  });

  it("explains what the service refuses", async () => {
    await using bench = await makeDataprocBench(world, { shards: 1, shardMs: 10 }, { runtimeVersion: "0.9" });
    await assert.rejects(submit(bench.engine, bench), {
      code: "DATAPROC_FAILED",
      message: /could not create the batch: runtime version "0.9"/,
    });
    world.dataproc.faults = () => ({ code: status.PERMISSION_DENIED, when: "before" });
    await assert.rejects(submit(bench.engine, bench), { code: "PERMISSION_DENIED", exitCode: 4, hint: /roles\/dataproc\.editor/ });
  });

  it("deletes an ephemeral cluster that cannot be made, and says why", async () => {
    await using bench = await makeDataprocBench(world, { shards: 1, shardMs: 10 }, { mode: "ephemeral" });
    const name = await idOf(bench);
    world.dataproc.brokenClusters.add(name);
    await assert.rejects(submit(bench.engine, bench), { code: "DATAPROC_CLUSTER_FAILED", message: /Insufficient 'CPUS' quota/ });
    world.dataproc.brokenClusters.delete(name);
    const handle = await submit(bench.anotherEngine(), bench);
    const [cluster] = world.dataproc.clusters();
    assert.ok(cluster?.config?.lifecycleConfig?.idleDeleteTtl && cluster.config.lifecycleConfig.autoDeleteTtl);
    assert.deepEqual(await settled(bench.engine, handle), { state: "succeeded" });
    for (const deadline = Date.now() + 30_000; world.dataproc.clusters().length > 0; await delay(100)) assert.ok(Date.now() < deadline);
  });
});
