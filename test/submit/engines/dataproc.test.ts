import assert from "node:assert/strict";
import fc from "fast-check";
import { systemClock, systemRandom } from "../../../core/clock.ts";
import { loadConfig } from "../../../configs/load.ts";
import { dataproc } from "../../../configs/engines/dataproc.ts";
import { memoryStore } from "../../../storage/memory.ts";
import { readJson } from "../../../storage/objects.ts";
import type { ObjectStore } from "../../../storage/store.ts";
import { createDataprocEngine } from "../../../submit/engines/dataproc.ts";
import { parseDriverLog } from "../../../submit/engines/dataproc/driver-log.ts";
import { fleetOf, fleetProperties, spotWorkersOf, wholeRunProperties } from "../../../submit/engines/dataproc/fleet.ts";
import { linksOf, ownLabels, submissionId } from "../../../submit/engines/dataproc/names.ts";
import { batchRequest, clusterRequest, jobRequest, lifeSeconds, type Submission } from "../../../submit/engines/dataproc/requests.ts";
import { type Batch, dataprocService, type DataprocService } from "../../../submit/engines/dataproc/service.ts";
import { standingOfBatch, standingOfJob } from "../../../submit/engines/dataproc/states.ts";
import type { SparkSpec } from "../../../submit/engines/spark/submission.ts";
import { checkBatch, checkBatchId, checkCluster, checkJob, checkLabels, checkRequestId } from "../../servers/dataproc/rules.ts";
import { planOf } from "../plans.ts";

const stores = { source: "gs://s", archive: "gs://a", control: "gs://c", warehouse: "bigquery://p/d" };
const { plan } = planOf(4, 1, stores);
const place = { project: "p", region: "europe-west4" };
const [shard] = plan.shards;
const shardsOf = (count: number, predictedMs: number) =>
  Array.from({ length: count }, (_, index) => ({ ...shard!, id: `${index}`, predictedMs }));
const submission: Submission = {
  id: submissionId(plan.runId, 1, stores.control, "7"),
  labels: ownLabels(plan.runId, stores.control),
  program: { driver: "gs://c/driver.py", specification: "gs://c/spec.json", archive: "gs://c/runtime.tar.gz#imagemill-runtime" },
  properties: {},
  timeoutMs: plan.policy.limits.runTimeoutMs,
  spotWorkers: 3,
};

describe("what Dataproc is asked for", () => {
  const minute = 60_000;
  const executors = (config: object, count: number, predictedMs: number): number =>
    fleetOf(dataproc.parse(config), plan, shardsOf(count, predictedMs)).executors;

  it("as many executors as the work takes in the time, at most one slot a shard, within bounds", () => {
    // 400 minutes of work on 4 cores each, in 30 minutes.
    assert.equal(executors({}, 400, minute), 4);
    assert.equal(executors({ targetDurationMs: "5m" }, 400, minute), 20);
    assert.equal(executors({ executorCores: 8 }, 400, minute), 2);
    // One very long shard is done by one core, however many there are.
    assert.equal(executors({}, 9, 1000 * minute), 3);
    assert.equal(executors({ maxExecutors: 5 }, 10_000, minute), 5);
    assert.equal(executors({}, 1, 1), 2);
  });

  it("executors that the service takes, whatever the configuration", () => {
    const { limits } = plan.policy;
    fc.assert(
      fc.property(
        fc.constantFrom(4, 8, 16),
        fc.constantFrom(1, 2, 4),
        fc.integer({ min: 256, max: 7000 }),
        fc.integer({ min: 1, max: 5000 }),
        fc.integer({ min: 1, max: 3_600_000 }),
        (executorCores, taskCpus, workerMiB, count, predictedMs) => {
          const config = dataproc.parse({ region: "europe-west4", executorCores, taskCpus });
          const sized = { ...plan, policy: { ...plan.policy, limits: { ...limits, workerMemoryBytes: workerMiB * 2 ** 20 } } };
          const fleet = fleetOf(config, sized, shardsOf(count, predictedMs));
          checkBatch(batchRequest(config, { ...submission, properties: fleetProperties(config, fleet) }));
          checkBatch(batchRequest(config, { ...submission, properties: wholeRunProperties(config, workerMiB * 2 ** 20) }));
        },
      ),
      { numRuns: 200 },
    );
  });

  it("says what to do where workers do not fit an executor", () => {
    const large = { ...plan, policy: { ...plan.policy, limits: { ...plan.policy.limits, workerMemoryBytes: 8 * 2 ** 30 } } };
    const config = dataproc.parse({});
    assert.throws(() => fleetOf(config, large, shardsOf(9, 1)), { code: "USAGE", hint: /dataproc\.taskCpus=2/ });
    assert.throws(() => fleetOf(dataproc.parse({ taskCpus: 8 }), plan, []), { code: "USAGE", hint: /executorCores=16/ });
  });

  it("a user's properties have the last word, and a shard's attempts end before Spark's", () => {
    const config = dataproc.parse({ shardAttempts: 3, properties: { "spark.driver.memory": "9g" } });
    const properties = fleetProperties(config, fleetOf(config, plan, plan.shards));
    assert.equal(properties["spark.driver.memory"], "9g");
    assert.equal(properties["spark.task.maxFailures"], "4");
  });

  it("spot machines for what the primary workers cannot take", () => {
    const fleet = { executors: 20, slots: 4, heapMiB: 1, overheadMiB: 1 };
    const spot = (ephemeral: object): number => spotWorkersOf(dataproc.parse({ ephemeral }), fleet);
    assert.equal(spot({}), 8);
    assert.equal(spot({ machineType: "n2-standard-16" }), 3);
    assert.equal(spot({ machineType: "n2-standard-64" }), 0);
    assert.equal(spot({ spotWorkers: 1 }), 1);
  });

  it("names that the service takes and that are the same for every driver, another for another control store", () => {
    const { id } = submission;
    checkBatchId(id);
    assert.equal(id, submissionId(plan.runId, 1, stores.control, "7"));
    assert.notEqual(id, submissionId(plan.runId, 2, stores.control, "7"));
    assert.notEqual(id, submissionId(plan.runId, 1, "gs://other", "7"));
    assert.notEqual(id, submissionId(plan.runId, 1, stores.control, "8"));
    checkLabels(submission.labels);
    checkRequestId(id.slice(0, 40));
  });

  it("a batch, a job and a cluster as the reference has them, with an end of their own", () => {
    const config = dataproc.parse({
      region: "europe-west4",
      subnetwork: "sub",
      serviceAccount: "w@p",
      networkTags: ["t"],
      stagingBucket: "stage",
    });
    const batch = batchRequest(config, submission);
    checkBatch(batch);
    assert.deepEqual(batch.runtimeConfig?.version, "2.3");
    assert.deepEqual(batch.environmentConfig?.executionConfig, {
      ttl: { seconds: 3600 },
      networkTags: ["t"],
      serviceAccount: "w@p",
      subnetworkUri: "sub",
      stagingBucket: "stage",
    });
    assert.deepEqual(batch.pysparkBatch, {
      mainPythonFileUri: "gs://c/driver.py",
      args: ["gs://c/spec.json"],
      fileUris: ["gs://c/spec.json"],
      archiveUris: ["gs://c/runtime.tar.gz#imagemill-runtime"],
    });
    checkJob(jobRequest(place, "standing", submission));
    const cluster = clusterRequest(place, config, submission);
    checkCluster(cluster);
    assert.equal(cluster.config?.secondaryWorkerConfig?.preemptibility, "SPOT");
    assert.deepEqual(cluster.config?.lifecycleConfig, { idleDeleteTtl: { seconds: 600 }, autoDeleteTtl: { seconds: 3600 } });
    assert.equal(clusterRequest(place, config, { ...submission, spotWorkers: 0 }).config?.secondaryWorkerConfig, undefined);
    assert.deepEqual([1, 3_600_000, 30 * 86_400_000].map(lifeSeconds), [600, 3600, 14 * 86_400]);
  });

  it("an image in the place of the archive", () => {
    const config = dataproc.parse({ image: "europe-docker.pkg.dev/p/r/imagemill:1" });
    const { driver, specification } = submission.program;
    const batch = batchRequest(config, { ...submission, program: { driver, specification } });
    checkBatch(batch);
    assert.deepEqual([batch.runtimeConfig?.containerImage, batch.pysparkBatch?.archiveUris], ["europe-docker.pkg.dev/p/r/imagemill:1", []]);
  });
});

describe("what Dataproc says", () => {
  it("each state of a batch and of a job", () => {
    const batch = ["PENDING", "RUNNING", "CANCELLING", "CANCELLED", "SUCCEEDED", "FAILED", "STATE_UNSPECIFIED"] as const;
    assert.deepEqual(
      batch.map((state) => standingOfBatch({ state }).state),
      ["pending", "running", "running", "cancelled", "succeeded", "failed", "pending"],
    );
    const job = [
      "PENDING",
      "SETUP_DONE",
      "RUNNING",
      "ATTEMPT_FAILURE",
      "CANCEL_PENDING",
      "CANCEL_STARTED",
      "CANCELLED",
      "DONE",
      "ERROR",
    ] as const;
    assert.deepEqual(
      job.map((state) => standingOfJob({ status: { state } }).state),
      ["pending", "pending", "running", "running", "running", "running", "cancelled", "succeeded", "failed"],
    );
  });

  it("links to its pages", () => {
    const handle = { mode: "serverless", ...place, runId: plan.runId, batchId: "b-1" } as const;
    assert.deepEqual(
      linksOf(handle).map(({ url }) => url),
      [
        "https://console.cloud.google.com/dataproc/batches/europe-west4/b-1/summary?project=p",
        "https://console.cloud.google.com/logs/query;query=resource.type%3D%22cloud_dataproc_batch%22%0Aresource.labels.batch_id%3D%22b-1%22?project=p",
      ],
    );
    const job = linksOf({ mode: "cluster", ...place, runId: plan.runId, jobId: "j", cluster: "k" });
    assert.deepEqual(job[1]!.url, "https://console.cloud.google.com/dataproc/clusters/k/monitoring?region=europe-west4&project=p");
    assert.deepEqual(
      job.map(({ label }) => label),
      ["job", "cluster", "logs"],
    );
  });

  it("the driver's own ending before anything else, whatever stands around it", () => {
    const ending = { state: "failed", message: "shard 7: the disk is full", hint: null };
    const log = `some INFO\n${JSON.stringify({ imagemill: ending })}\nException\n\tat org.apache.Spark\n`;
    assert.deepEqual(parseDriverLog(log), {
      tail: "some INFO\nException",
      ending: { state: "failed", message: "shard 7: the disk is full" },
    });
    assert.deepEqual(parseDriverLog('{"imagemill": {"state": "fai'), { tail: '{"imagemill": {"state": "fai' });
    assert.deepEqual(parseDriverLog('{"imagemill": null}\n{"imagemill": {"state": 3}}'), {
      tail: '{"imagemill": null}\n{"imagemill": {"state": 3}}',
    });
    assert.deepEqual(parseDriverLog(""), { tail: "" });
  });
});

describe("a submission to Dataproc", () => {
  /** Takes batches and says nothing. */
  const silent = (created: Batch[]): DataprocService => ({
    project: async () => Promise.resolve("p"),
    createBatch: async (_place, _id, batch) => Promise.resolve(created.push(batch) > 0),
    batch: async () => Promise.resolve(undefined),
    cancelOperation: unexpected,
    submitJob: unexpected,
    job: unexpected,
    cancelJob: unexpected,
    createCluster: unexpected,
    cluster: unexpected,
    deleteCluster: unexpected,
    close: async () => Promise.resolve(),
  });
  const unexpected = async (): Promise<never> => Promise.reject(new Error("not expected"));

  it("of 100,000 shards is a small request: their ids are in a file, once", async () => {
    const control: ObjectStore = memoryStore();
    const created: Batch[] = [];
    const engine = createDataprocEngine({
      config: dataproc.parse({ region: "europe-west4" }),
      service: silent(created),
      control: "gs://c",
      openStore: async () => Promise.resolve(control),
      runtime: async () => Promise.resolve({ driver: "gs://c/driver.py", archive: "gs://c/r.tar.gz#imagemill-runtime" }),
      workerEnvironment: {},
      logLevel: "warn",
      clock: systemClock,
    });
    const shards = shardsOf(100_000, 60_000);
    for (const [index, one] of shards.entries()) one.id = `${String(index).padStart(6, "0")}-0123456789abcdef`;
    const signal = new AbortController().signal;
    await engine.submit({ plan, shards, submission: 1 }, signal);
    await engine.submit({ plan, shards, submission: 1 }, signal);
    const [uri] = created[0]!.pysparkBatch!.args!;
    assert.ok(JSON.stringify(created[0]).length < 5000);
    assert.deepEqual(created[0]!.pysparkBatch!.fileUris, [uri]);
    const name = uri!.slice(control.url.length + 1);
    const spec = await readJson<SparkSpec>(control, name);
    assert.equal(spec!.shards.length, 100_000);
    assert.deepEqual([spec!.status, spec!.archive, spec!.command], [null, "imagemill-runtime", []]);
    assert.ok((await control.stat(name))!.sizeBytes < 5 << 20);
  });

  it("says in words that there are no credentials, or no project", async () => {
    const nowhere = { CLOUDSDK_CONFIG: "/nowhere", METADATA_SERVER_DETECTION: "none", GOOGLE_APPLICATION_CREDENTIALS: "" };
    const before = { ...process.env };
    Object.assign(process.env, nowhere);
    const signal = new AbortController().signal;
    const service = dataprocService({ clock: systemClock, random: systemRandom });
    try {
      const wanted = { code: "NO_CREDENTIALS", exitCode: 4, hint: /gcloud auth application-default login/ };
      await assert.rejects(service.project(signal), wanted);
      await assert.rejects(service.batch(place, "b", signal), wanted);
      assert.equal(await dataprocService({ project: "p", clock: systemClock, random: systemRandom }).project(signal), "p");
    } finally {
      await service.close();
      for (const key of Object.keys(nowhere)) {
        if (before[key] === undefined) delete process.env[key];
        else process.env[key] = before[key];
      }
    }
  });

  it("is refused where the configuration cannot work", async () => {
    const load = async (set: string[], source = "gs://photos") =>
      loadConfig({
        flags: { source, archive: "gs://archive", control: "gs://control", engine: "dataproc", set },
        env: {},
        cwd: "/nowhere",
      });
    await assert.rejects(load([]), { exitCode: 2, message: /dataproc\.region is missing: where/ });
    await assert.rejects(load(["dataproc.region=Europe"]), /must be a region like europe-west4/);
    const here = ["dataproc.region=europe-west4"];
    await assert.rejects(
      load(here, "photos"),
      /source \(file:.*\) is a folder of this machine, and those of the engine dataproc see only buckets/s,
    );
    await assert.rejects(load([...here, "dataproc.mode=cluster"]), /dataproc\.cluster is missing: on which cluster/);
    await assert.rejects(load([...here, "dataproc.network=a", "dataproc.subnetwork=b"]), /exclude each other/);
    await assert.rejects(load([...here, "dataproc.ephemeral.idleDeleteMs=1m"]), /idleDeleteMs must be a duration/);
    assert.equal((await load(here)).dataproc.mode, "serverless");
    const looking = await loadConfig({ flags: { engine: "dataproc" }, env: {}, cwd: "/nowhere", needsSource: false });
    assert.equal(looking.dataproc.region, undefined);
  });
});
