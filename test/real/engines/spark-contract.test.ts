import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import { systemClock } from "../../../core/clock.ts";
import { controlNames } from "../../../core/layout.ts";
import { silentLogger } from "../../../core/log.ts";
import { fileStore } from "../../../storage/file.ts";
import { createNdjson, jsonBytes } from "../../../storage/objects.ts";
import { createSparkEngine } from "../../../submit/engines/spark.ts";
import { engineContract, type EngineBench, type EngineBenchOptions } from "../../contracts/engine.ts";
import { orSkip } from "../../servers/install.ts";
import { startSpark, type SparkCluster } from "../../servers/spark.ts";
import { planOf } from "../../submit/plans.ts";

const fakeWorker = fileURLToPath(new URL("../../submit/fake-worker.ts", import.meta.url));

const never = new AbortController().signal;

describe("the spark engine on a real cluster", function () {
  this.timeout(15 * 60_000);
  let cluster: SparkCluster;
  before(async function () {
    cluster = await orSkip(this, "Spark", async () => startSpark(2));
  });
  after(async () => cluster?.[Symbol.asyncDispose]());

  // In one JVM: what differs on a cluster is tested in spark-run.test.ts.
  engineContract("spark", async (options) => makeBench({ ...cluster, master: "local[2]" }, options), { patienceMs: 90_000 });

  it("takes 100,000 shards in a driver of half a gigabyte", async () => {
    await using bench = await makeBench(cluster, { shards: 1, shardMs: 0 }, ["true"]);
    const [shard] = bench.plan.shards;
    const shards = Array.from({ length: 100_000 }, (_, index) => ({ ...shard!, id: `${String(index).padStart(6, "0")}-${shard!.id}` }));
    const handle = await bench.engine.submit({ plan: bench.plan, shards, submission: 1 }, never);
    for (const deadline = Date.now() + 180_000; ; await delay(200)) {
      const status = await bench.engine.poll(handle, never);
      assert.match(status.state, /^(pending|running)$/, JSON.stringify(status));
      if ((status.running ?? 0) > 0) break;
      assert.ok(Date.now() < deadline, "it has not begun");
    }
    await bench.engine.cancel(handle, never);
    assert.equal((await bench.engine.poll(handle, never)).state, "cancelled");
  });

  it("says why when Spark cannot be started, or ends before it begins", async () => {
    await using absent = await makeBench({ ...cluster, submitCommand: "no-such-spark-submit" }, { shards: 1, shardMs: 0 });
    const request = { plan: absent.plan, shards: absent.plan.shards, submission: 1 };
    await assert.rejects(absent.engine.submit(request, never), { code: "SPARK_SUBMIT_FAILED", message: /no-such-spark-submit/ });

    await using broken = await makeBench({ ...cluster, master: "k8s://nothing" }, { shards: 1, shardMs: 0 });
    const handle = await broken.engine.submit({ plan: broken.plan, shards: broken.plan.shards, submission: 1 }, never);
    for (;;) {
      const status = await broken.engine.poll(handle, never);
      if (status.state === "pending") {
        await delay(200);
        continue;
      }
      assert.equal(status.state, "failed");
      assert.match(status.message!, /ended before it began; the end of its log:\n.*Exception/s);
      break;
    }
  });

  it("says so where the work was started on another machine", async () => {
    await using bench = await makeBench(cluster, { shards: 1, shardMs: 0 });
    const elsewhere = { runId: "r", master: "yarn", host: "another-machine", folder: "/nowhere", pid: 1, started: "1" };
    const status = await bench.engine.poll(elsewhere, never);
    assert.equal(status.state, "lost");
    assert.match(status.message!, /started on another-machine .*cannot be seen from here/);
    await bench.engine.cancel(elsewhere, never);
    assert.deepEqual(bench.engine.links(elsewhere), []);
  });
});

type Where = Pick<SparkCluster, "master" | "submitCommand" | "environment">;

async function makeBench(
  cluster: Where,
  { shards, shardMs, poison = [] }: EngineBenchOptions,
  command = [process.execPath, fakeWorker],
): Promise<EngineBench> {
  const folder = await mkdtemp(join(tmpdir(), "imagemill-spark-"));
  const [source, control] = [fileStore(join(folder, "source")), fileStore(join(folder, "control"))];
  const url = (name: string): string => pathToFileURL(join(folder, name)).href;
  const stores = { source: url("source"), archive: url("archive"), control: url("control"), warehouse: "duckdb:///none" };
  const { plan, entries } = planOf(shards, 3, stores);
  for (const [shard, own] of entries) {
    for (const entry of own) entry.generation = (await source.write(entry.name, Buffer.from(entry.name))).generation;
    await createNdjson(control, controlNames.shard(plan.runId, shard), own);
  }
  await control.write(controlNames.plan(plan.runId), jsonBytes(plan));
  const engine = createSparkEngine({
    config: {
      master: cluster.master,
      submitCommand: cluster.submitCommand,
      conf: { "spark.driver.memory": "512m", "spark.executor.memory": "512m", "spark.ui.enabled": "false" },
      taskCpus: 1,
      shardAttempts: 2,
      // So that attempts can be counted.
      speculation: false,
      worker: "here",
    },
    control: url("control"),
    stateFolder: join(folder, "state"),
    runtime: async () => Promise.resolve({ kind: "here", command }),
    environment: { ...process.env, ...cluster.environment },
    workerEnvironment: { FAKE_WORK_MS: String(shardMs), FAKE_POISON: poison.map((index) => plan.shards[index]!.id).join(",") },
    logLevel: "warn",
    log: silentLogger,
    clock: systemClock,
  });
  const names = async (path: string): Promise<string[]> => readdir(join(folder, "control", path)).catch(() => []);
  return {
    engine,
    plan,
    committed: async () => (await names(controlNames.commits(plan.runId))).map((name) => name.replace(/\.json$/, "")),
    attempts: async () => (await Promise.all(plan.shards.map(async ({ id }) => names(controlNames.attempts(plan.runId, id))))).flat(),
    [Symbol.asyncDispose]: async () => {
      await engine.close();
      await rm(folder, { recursive: true });
    },
  };
}
