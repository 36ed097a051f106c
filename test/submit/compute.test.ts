import assert from "node:assert/strict";
import fc from "fast-check";
import type { ComputeEngineConfig } from "../../configs/config.ts";
import { compute } from "../../configs/engines/compute.ts";
import { loadConfig } from "../../configs/load.ts";
import type { ShardSummary } from "../../core/types.ts";
import { batchLimits, computeFleet, machineOf, spreadOf } from "../../submit/engines/compute/fleet.ts";
import { groupLines, groupShards } from "../../submit/engines/compute/groups.ts";
import { isSameWork, jobIdOf, jobOf, type JobRequest } from "../../submit/engines/compute/job.ts";
import { requestIdOf } from "../../submit/engines/grpc-call.ts";
import { failedStatus, lastWordsOf, statusOf, taskFailure, type Task } from "../../submit/engines/compute/status.ts";
import { violations, requestIdViolations } from "../servers/batch/validate.ts";
import { planOf } from "./plans.ts";

const config: ComputeEngineConfig = compute.parse({ region: "europe-west4" });
const memoryBytes = 2 * 2 ** 30;

const shardsOf = (predictedMs: number[]): ShardSummary[] =>
  predictedMs.map((ms, index) => ({ id: `${String(index).padStart(6, "0")}-${index}`, objects: 1, bytes: 1, predictedMs: ms }));
const anyShards = fc.array(fc.nat(120_000), { minLength: 1, maxLength: 200 }).map(shardsOf);
const workOf = (group: ShardSummary[]): number => group.reduce((sum, shard) => sum + shard.predictedMs, 0);

describe("groups of shards", () => {
  it("hold each shard once, none empty, as many as asked for", () => {
    fc.assert(
      fc.property(anyShards, fc.integer({ min: 1, max: 250 }), (shards, count) => {
        const groups = groupShards(shards, count);
        assert.equal(groups.length, Math.min(count, shards.length));
        assert.ok(groups.every((group) => group.length > 0));
        assert.deepEqual(
          groups
            .flat()
            .map(({ id }) => id)
            .sort(),
          shards.map(({ id }) => id).sort(),
        );
      }),
    );
  });

  it("are the same whatever order shards come in", () => {
    const shuffled = anyShards.chain((shards) => fc.shuffledSubarray(shards, { minLength: shards.length }).map((other) => [shards, other]));
    fc.assert(
      fc.property(shuffled, fc.integer({ min: 1, max: 20 }), ([shards, other], count) => {
        assert.deepEqual(groupShards(other!, count), groupShards(shards!, count));
      }),
    );
  });

  it("differ by no more than one shard's work, the longest first", () => {
    fc.assert(
      fc.property(anyShards, fc.integer({ min: 1, max: 20 }), (shards, count) => {
        const works = groupShards(shards, count).map(workOf);
        const longest = Math.max(...shards.map(({ predictedMs }) => predictedMs));
        // Each shard counts for at least a millisecond.
        assert.ok(works[0]! - works.at(-1)! <= longest + shards.length);
      }),
    );
  });

  it("are a line each", () => {
    assert.equal(groupLines(groupShards(shardsOf([5, 1, 3]), 2)), "000000-0\n000002-2 000001-1\n");
  });

  it("of 200,000 shards are made at once", () => {
    const startedMs = performance.now();
    assert.equal(groupShards(shardsOf(Array.from({ length: 200_000 }, (_, index) => index % 977)), 100_000).length, 100_000);
    assert.ok(performance.now() - startedMs < 10_000);
  });
});

describe("the machines of a submission", () => {
  const minutes = (count: number): number => count * 60_000;
  const hours = (count: number): ShardSummary[] => shardsOf(Array.from({ length: count * 60 }, () => minutes(1)));
  const spread = (shards: ShardSummary[], own: Partial<ComputeEngineConfig> = {}) => spreadOf(shards, { ...config, ...own }, memoryBytes);

  it("is as large as the target needs, and no larger than allowed", () => {
    assert.equal(spread(hours(1)).machines, 1);
    // 40 hours of one core, in half an hour, on 8 cores each.
    assert.deepEqual(spread(hours(40)), { machines: 10, tasksPerMachine: 4, tasks: 240, parallelism: 40, taskMemoryMib: 2560 });
    assert.equal(spread(hours(4000)).machines, config.maxMachines);
    assert.equal(spread(hours(40), { targetDurationMs: minutes(60) }).machines, 5);
    const { parallelism, machines } = spread(hours(40), { parallelism: 7 });
    assert.deepEqual([parallelism, machines], [7, 2]);
  });

  it("have a price where their name tells what they are", () => {
    const fleet = computeFleet(hours(40), config, memoryBytes);
    assert.deepEqual(fleet.machines, [{ count: 10, vcpus: 8, memoryBytes: 32 * 2 ** 30, spot: true }]);
    assert.deepEqual([fleet.workers, fleet.threads], [40, 2]);
    assert.deepEqual(computeFleet(hours(40), { ...config, machineType: "a2-highgpu-1g" }, memoryBytes).machines, []);
  });

  it("gives a small run a task a shard", () => {
    const { tasks, parallelism } = spread(shardsOf([10, 10, 10, 10, 10]));
    assert.deepEqual([tasks, parallelism], [5, 4]);
  });

  it("keeps Batch's limits", () => {
    const many = Array.from({ length: 300_000 }, (_, index) => ({ id: String(index), objects: 1, bytes: 1, predictedMs: minutes(20) }));
    const { tasks, parallelism } = spread(many, { maxMachines: 2000 });
    assert.equal(tasks, batchLimits.tasks);
    assert.equal(parallelism, batchLimits.parallelTasks);
  });

  it("packs a machine by cores and by memory, and says when it holds no task", () => {
    assert.equal(spread(shardsOf([1]), { machineType: "e2-highcpu-8" }).tasksPerMachine, 2);
    assert.equal(spread(shardsOf([1]), { machineType: "c4d-highmem-16" }).tasksPerMachine, 8);
    assert.throws(() => spread(shardsOf([1]), { machineType: "e2-standard-2", taskCpus: 4 }), {
      exitCode: 2,
      message: /e2-standard-2 holds no Batch task of 4 cores/,
    });
  });

  it("reads cores and memory out of names", () => {
    assert.deepEqual(machineOf("n2-custom-6-12288"), { cpus: 6, memoryMib: 12_288 });
    assert.deepEqual(machineOf("custom-2-4096-ext"), { cpus: 2, memoryMib: 4096 });
    assert.deepEqual(machineOf("e2-standard-8"), { cpus: 8, memoryMib: 32_768 });
    assert.deepEqual(machineOf("c3-standard-4-lssd"), { cpus: 4, memoryMib: 16_384 });
    assert.deepEqual(machineOf("e2-medium"), { cpus: 2, memoryMib: 4096 });
    assert.equal(machineOf("a2-highgpu-1g"), undefined);
  });
});

describe("the Batch job", () => {
  const control = "gs://control/a b";
  const { plan } = planOf(3, 1, { source: "", archive: "", control, warehouse: "" });
  const request: JobRequest = {
    plan,
    submission: 2,
    control,
    shards: "runs/r/tasks/0123.txt",
    jobId: jobIdOf(plan.runId, 2, control),
    spread: { machines: 1, tasksPerMachine: 4, tasks: 3, parallelism: 3, taskMemoryMib: 2560 },
    runtime: { kind: "archive", uri: "gs://control/a b/runtime/x.tar.gz", sha256: "ff" },
    script: "#!/bin/sh\n",
    logLevel: "warn",
  };
  const parent = "projects/night/locations/europe-west4";
  const allowed = (own: Partial<ComputeEngineConfig>, other: Partial<JobRequest> = {}): string[] => {
    const job = jobOf({ ...request, ...other }, { ...config, ...own });
    const interfaces = job.allocationPolicy?.network?.networkInterfaces?.map((one) => ({ network: "", subnetwork: "", ...one }));
    const network = interfaces === undefined ? null : { networkInterfaces: interfaces };
    const filled = { ...job, allocationPolicy: { ...job.allocationPolicy, network } };
    return violations({ parent, jobId: request.jobId, job: filled, requestId: requestIdOf("x") });
  };

  it("is one that the API takes, whatever is configured", () => {
    assert.deepEqual(allowed({}), []);
    assert.deepEqual(allowed({ provisioning: "standard", attempts: 1, image: "europe-docker.pkg.dev/p/r/imagemill:1" }), []);
    assert.deepEqual(
      allowed({
        noExternalIp: true,
        serviceAccount: "worker@p.iam.gserviceaccount.com",
        allowedLocations: ["zones/europe-west4-a"],
        labels: { team: "photos" },
      }),
      [],
    );
    assert.deepEqual(allowed({ network: "n", subnetwork: "projects/p/regions/europe-west4/subnetworks/s" }), []);
  });

  it("retries what Batch does to tasks, but not what another attempt would only repeat", () => {
    const { taskSpec } = jobOf(request, config).taskGroups![0]!;
    assert.equal(taskSpec!.maxRetryCount, 5);
    assert.deepEqual(taskSpec!.lifecyclePolicies, [{ action: "FAIL_TASK", actionCondition: { exitCodes: [2, 4, 130] } }]);
  });

  it("tells tasks all they need, with names escaped for addresses", () => {
    const { variables } = jobOf({ ...request, storageEndpoint: "http://127.0.0.1:1" }, config).taskGroups![0]!.taskSpec!.environment!;
    assert.deepEqual(variables, {
      IMAGEMILL_RUN: plan.runId,
      IMAGEMILL_CONTROL: control,
      IMAGEMILL_SHARDS: request.shards,
      IMAGEMILL_THREADS: "2",
      IMAGEMILL_LOG_LEVEL: "warn",
      IMAGEMILL_LAST_WORDS: `/upload/storage/v1/b/control/o?uploadType=media&ifGenerationMatch=0&name=a%20b%2Fruns%2F${plan.runId}%2Ftasks%2F${request.jobId}%2F`,
      IMAGEMILL_RUNTIME: "/storage/v1/b/control/o/a%20b%2Fruntime%2Fx.tar.gz?alt=media",
      IMAGEMILL_RUNTIME_SHA256: "ff",
      IMAGEMILL_STORAGE_ENDPOINT: "http://127.0.0.1:1",
    });
  });

  it("runs the same script in an image that holds imagemill", () => {
    const job = jobOf({ ...request, runtime: { kind: "image" } }, { ...config, image: "i" });
    const { runnables, environment } = job.taskGroups![0]!.taskSpec!;
    assert.deepEqual(runnables![0]!.container, { imageUri: "i", entrypoint: "/bin/sh", commands: ["-c", request.script] });
    assert.equal(environment!.variables!["IMAGEMILL_RUNTIME"], undefined);
    assert.equal(job.allocationPolicy!.instances![0]!.policy!.bootDisk!.image, "batch-cos");
  });

  it("has an id that is the same for the same work, and a request id that is a UUID", () => {
    assert.equal(jobIdOf(plan.runId, 2, control), request.jobId);
    assert.notEqual(jobIdOf(plan.runId, 3, control), request.jobId);
    assert.notEqual(jobIdOf(plan.runId, 2, "gs://elsewhere"), request.jobId);
    assert.match(requestIdOf("a"), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    fc.assert(fc.property(fc.string(), (text) => assert.deepEqual(requestIdViolations(requestIdOf(text)), [])));
  });

  it("is told from other work of its id", () => {
    const job = jobOf(request, config);
    assert.equal(isSameWork(job, request), true);
    assert.equal(isSameWork(job, { ...request, shards: "other groups" }), true);
    assert.equal(isSameWork(job, { ...request, plan: { ...plan, planId: "other" } }), false);
    assert.equal(isSameWork({}, request), false);
  });
});

describe("the status of a Batch job", () => {
  type State = "QUEUED" | "RUNNING" | "SUCCEEDED" | "FAILED" | "CANCELLED" | "CANCELLATION_IN_PROGRESS" | "DELETION_IN_PROGRESS";
  const jobIn = (state: State, counts: Record<string, number> = {}) => ({
    status: { state, taskGroups: { group0: { counts } }, statusEvents: [{ description: `it is ${state}` }] },
  });
  const taskWith = (state: "RUNNING" | "FAILED", ...exitCodes: number[]): Task => ({
    name: "projects/p/locations/l/jobs/j/taskGroups/group0/tasks/7",
    status: { state, statusEvents: exitCodes.map((exitCode) => ({ description: `ended with ${exitCode}`, taskExecution: { exitCode } })) },
  });

  it("counts tasks, and attempts that were followed by another", () => {
    assert.deepEqual(statusOf(jobIn("RUNNING", { RUNNING: 3, FAILED: 1, PENDING: 9 })), { state: "running", running: 3, failed: 1 });
    const tasks = [taskWith("RUNNING", 50_001, 50_001), taskWith("FAILED", 1, 1, 1), taskWith("RUNNING")];
    assert.equal(statusOf(jobIn("RUNNING"), tasks).retried, 4);
  });

  it("is each of ours", () => {
    const states = ["QUEUED", "RUNNING", "CANCELLATION_IN_PROGRESS", "SUCCEEDED", "FAILED", "CANCELLED"] as const;
    assert.deepEqual(
      states.map((state) => statusOf(jobIn(state)).state),
      ["pending", "running", "running", "succeeded", "failed", "cancelled"],
    );
    assert.equal(statusOf(undefined).state, "lost");
  });

  it("says why there are no machines yet", () => {
    const job = {
      status: { state: "QUEUED" as const, statusEvents: [{ type: "OPERATIONAL_INFO", description: "CODE_GCE_QUOTA_EXCEEDED" }] },
    };
    assert.equal(statusOf(job).message, "CODE_GCE_QUOTA_EXCEEDED");
  });

  const failed = (task: Task | undefined, words?: { message: string; hint?: string }) =>
    failedStatus(jobIn("FAILED"), { state: "failed" }, task && taskFailure(task), words);

  it("says what happened, in the worker's words where there are any", () => {
    const said = failed(taskWith("FAILED", 50_001, 1), { message: "shard s: no space (NO_SPACE)", hint: "Make room." });
    assert.deepEqual(said, {
      state: "failed",
      message: "Batch task 7 failed after 2 attempts with exit code 1: shard s: no space (NO_SPACE)",
      hint: "Make room.",
    });
    assert.match(failed(taskWith("FAILED", 50_001)).message!, /failed with Batch's code 50001: its machines were taken away/);
    assert.match(failed(taskWith("FAILED", 50_001)).hint!, /compute\.attempts=11/);
    assert.match(failed(taskWith("FAILED", 9)).message!, /exit code 9: ended with 9/);
    assert.match(failed(undefined).message!, /the Batch job failed: it is FAILED/);
  });

  it("is cancelled where the workers saw it first", () => {
    assert.equal(failed(taskWith("FAILED", 130)).state, "cancelled");
  });

  it("finds last words in the end of a log", () => {
    const lines = [
      'ht": broken by the cut',
      '{"level":"info","event":"x","message":"nothing"}',
      '{"type":"shard-failed","shard":"s","code":"NO_SPACE","message":"the disk is full","hint":"Make room."}',
      '{"type":"shard-started","shard":"t"}',
      "",
    ];
    assert.deepEqual(lastWordsOf(lines.join("\n")), { message: "shard s: the disk is full (NO_SPACE)", hint: "Make room." });
    assert.deepEqual(lastWordsOf("a\nthe decoder ran into a wall\n\n"), { message: "the decoder ran into a wall" });
    assert.equal(lastWordsOf("\n"), undefined);
  });
});

describe("the compute engine's configuration", () => {
  const load = async (set: string[], source = "gs://photos") => {
    const flags = { source, archive: "gs://out/archive", control: "gs://out/control", engine: "compute", set };
    return loadConfig({ flags, env: {}, cwd: "/nowhere" });
  };

  it("asks for the region, zones in it, and buckets", async () => {
    assert.equal((await load(["compute.region=europe-west4"])).compute.provisioning, "spot");
    await assert.rejects(load([]), /compute\.region is missing: where shall the machines run\?/);
    await assert.rejects(load(["compute.region=europe-west4", "compute.allowedLocations=[zones/us-east1-b]"]), /not in europe-west4/);
    await assert.rejects(
      load(["compute.region=europe-west4"], "photos"),
      /source \(file:\/\/\/nowhere\/photos\) is a folder of this machine/,
    );
    await assert.rejects(load(["compute.region=Europe"]), /must be a region like europe-west4/);
    await assert.rejects(load(["compute.region=europe-west4", "compute.labels={Team: x}"]), /must map names/);
    await assert.rejects(load(["compute.region=europe-west4", "compute.attempts=12"]), /from 1 to 11/);
  });

  it("needs none of it to look at a run", async () => {
    const looking = await loadConfig({ flags: { engine: "compute" }, env: {}, cwd: "/nowhere", needsSource: false });
    assert.equal(looking.compute.region, undefined);
  });
});
