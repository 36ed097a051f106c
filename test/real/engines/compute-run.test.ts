import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { systemClock, systemRandom } from "../../../core/clock.ts";
import { controlNames } from "../../../core/layout.ts";
import { silentLogger } from "../../../core/log.ts";
import { openStore } from "../../../storage/open.ts";
import type { ComputeHandle } from "../../../submit/engines/compute.ts";
import { lastLine } from "../../e2e/imagemill.ts";
import { type BatchServer, startBatch } from "../../servers/batch.ts";
import type { RunningJob } from "../../servers/batch/job.ts";
import { type GcsProxy, startGcsProxy } from "../../servers/gcs-proxy.ts";
import { orSkip } from "../../servers/install.ts";
import { writePhotos } from "../photos.ts";
import { comparableRows } from "./rows.ts";
import { openWorkplace, processesWith, runDate, until, type Workplace } from "./workplace.ts";

const photos = 300;
const few = { select: { include: ["0000*", "0001*"] }, packing: { minShards: 8 } };
/** Of each write to a bucket, so that there is a middle of a run. */
const slowWriteMs = 350;

/** Runs as a user types them, on machines that are folders with the tools of a plain Debian, and no Node. */
describe("runs on a loopback Batch", function () {
  this.timeout(10 * 60_000);
  let root: string;
  let gcs: GcsProxy;
  let batch: BatchServer;
  before(async function () {
    root = await mkdtemp(join(tmpdir(), "imagemill-compute-"));
    gcs = await orSkip(this, "Cloud Storage", async () => startGcsProxy());
    batch = await startBatch();
    await writePhotos(join(root, "photos"), photos);
    await gcs.createBucket("photos");
    const store = await openStore("gs://photos", storeContext());
    for (const name of await readdir(join(root, "photos"))) await store.write(name, await readFile(join(root, "photos", name)));
    await store.close();
  });
  after(async () => {
    await batch?.[Symbol.asyncDispose]();
    await gcs?.[Symbol.asyncDispose]();
    await rm(root, { recursive: true, force: true });
  });
  afterEach(() => {
    gcs.faults = () => undefined;
  });

  const storeContext = () => {
    return { attempts: 3, concurrency: 16, log: silentLogger, clock: systemClock, random: systemRandom, endpoint: gcs.endpoint };
  };
  const place = async (name: string, settings: object = few): Promise<Workplace> => {
    await gcs.createBucket(name);
    const control = `gs://${name}/control`;
    return openWorkplace({
      root,
      name,
      control,
      environment: { IMAGEMILL_STORAGE_ENDPOINT: gcs.endpoint, IMAGEMILL_BATCH_ENDPOINT: batch.endpoint, GOOGLE_CLOUD_PROJECT: "night" },
      settings: {
        source: "gs://photos",
        archive: `gs://${name}/archive`,
        control,
        jobs: ["facts", { thumbnails: { sizes: [64] } }],
        engine: "compute",
        compute: { region: "europe-west4", machineType: "e2-standard-2", taskCpus: 1, maxMachines: 2, attempts: 2 },
        ...settings,
      },
    });
  };
  const run = ["run", "--json", "--run-date", runDate];
  const slowly = (): void => {
    gcs.faults = async ({ op }) => (op === "write" ? delay(slowWriteMs, undefined) : undefined);
  };
  const jobOf = async (workplace: Workplace): Promise<RunningJob> => {
    const { project, region, jobId } = (await workplace.submitRecord()).handle as ComputeHandle;
    return batch.jobs.get(`projects/${project}/locations/${region}/jobs/${jobId}`)!;
  };
  const jobsOf = async (workplace: Workplace): Promise<number> => {
    const runId = await workplace.runId();
    const control = ((await workplace.submitRecord()).handle as ComputeHandle).jobId.split("-").at(-2)!;
    return [...batch.jobs.keys()].filter((name) => name.includes(`${runId}-${control}`)).length;
  };

  it("gives the rows that the local engine gives, on machines that have fetched the runtime once", async () => {
    const compute = await place("equal-compute", {});
    const local = await place("equal-local", {});
    const called = gcs.calls.length;
    const remote = await compute.imagemill(...run);
    assert.equal(remote.code, 0, remote.err + batch.printed());
    const fetched = gcs.calls.slice(called).filter(({ path, op }) => op === "read" && path.includes("runtime%2F"));
    assert.ok(fetched.length >= 1 && fetched.length <= 2, `${fetched.length} machines fetched it`);
    for (const { headers } of fetched) assert.equal(headers.authorization, "Bearer of-the-machine");

    const here = await local.imagemill(...run, "--engine", "local");
    assert.equal(here.code, 0, here.err);
    const rows = await comparableRows(compute.folder);
    assert.equal(rows.length, photos);
    assert.deepEqual(rows, await comparableRows(local.folder));
    await compute.verify();
    assert.equal(lastLine((await compute.imagemill(...run)).out)["rowsLoaded"], photos, "a finished run is found finished");
    assert.equal(await jobsOf(compute), 1);
  });

  it("goes on when a machine is taken away in the middle, whose workers end within seconds", async () => {
    const compute = await place("preempted");
    slowly();
    const running = compute.start(...run);
    await until("the first commits", async () => (await compute.commits()).length >= 2);
    const job = await jobOf(compute);
    const startedMs = performance.now();
    assert.equal(await job.preempt(60_000), true);
    assert.ok(performance.now() - startedMs < 30_000, "the notice was not used up");
    const { code, err } = await running.answer;
    assert.equal(code, 0, err + batch.printed());
    assert.ok(job.tasks().some(({ status }) => status.statusEvents.some((event) => event.taskExecution?.exitCode === 50_001)));
    await compute.verify();
  });

  it("goes on when a machine is gone without notice", async () => {
    const compute = await place("gone");
    slowly();
    const running = compute.start(...run);
    await until("the first commits", async () => (await compute.commits()).length >= 2);
    assert.equal(await (await jobOf(compute)).preempt(0), true);
    const { code, err } = await running.answer;
    assert.equal(code, 0, err + batch.printed());
    await compute.verify();
  });

  it("submit returns while the work goes on; run attaches to it, also when the driver died before it noted the job", async () => {
    const compute = await place("attached");
    slowly();
    const submitted = await compute.imagemill("submit", "--json", "--run-date", runDate);
    assert.equal(submitted.code, 0, submitted.err);
    const said = lastLine(submitted.out) as { remote: boolean; links: { url: string }[] };
    assert.equal(said.remote, true);
    assert.match(
      said.links[0]!.url,
      /^https:\/\/console\.cloud\.google\.com\/batch\/jobsDetail\/regions\/europe-west4\/jobs\/.*project=night$/,
    );
    const status = await compute.imagemill("status", await compute.runId(), "--json", "--engine", "local");
    assert.equal((lastLine(status.out)["remote"] as { engine: string }).engine, "compute", status.err);

    const { handle } = await compute.submitRecord();
    await compute.store.delete(controlNames.submit(await compute.runId()));
    const { code, err } = await compute.imagemill(...run);
    assert.equal(code, 0, err);
    assert.deepEqual(await compute.submitRecord().then((record) => [record.submission, record.handle]), [1, handle]);
    assert.equal(await jobsOf(compute), 1);
    await compute.verify();
  });

  it("is cancelled from another process, and goes on when run again", async () => {
    const compute = await place("cancelled");
    slowly();
    const running = compute.start(...run);
    await until("the first commit", async () => (await compute.commits()).length >= 1);
    const cancelled = await compute.imagemill("cancel", await compute.runId(), "--json");
    assert.equal(cancelled.code, 0, cancelled.err);
    assert.equal(lastLine(cancelled.out)["stopped"], "remote");
    assert.deepEqual(processesWith(" worker --run ", compute.control), []);
    assert.equal((await running.answer).code, 130);
    const again = await compute.imagemill(...run);
    assert.equal(again.code, 0, again.err);
    assert.equal((await compute.submitRecord()).submission, 2);
    await compute.verify();
  });

  it("ends with what happened when a shard always fails, keeps the others, and goes on once the cause is gone", async () => {
    const compute = await place("poison");
    const planned = await compute.imagemill("plan", "--save", "--run-date", runDate);
    assert.equal(planned.code, 0, planned.err);
    const { runId, shards } = await compute.plan();
    const name = controlNames.shard(runId, shards[1]!.id);
    const { bytes } = await compute.store.read(name);
    await compute.store.write(name, Buffer.from("not a shard"));
    const failed = await compute.imagemill(...run);
    assert.equal(failed.code, 1);
    assert.match(
      failed.err,
      new RegExp(
        `SHARDS_FAILED: 1 of ${shards.length} shards .*Batch task \\d+ failed after 2 attempts with exit code 1: shard ${shards[1]!.id}: `,
        "s",
      ),
    );
    assert.equal((await compute.commits()).length, shards.length - 1);

    await compute.store.write(name, bytes);
    const again = await compute.imagemill(...run);
    assert.equal(again.code, 0, again.err);
    await compute.verify();
  });

  it("refuses what machines cannot see, and a configuration without a region, before anything is submitted", async () => {
    const compute = await place("refused");
    const jobs = batch.jobs.size;
    const folder = await compute.imagemill(...run, "--source", "../photos");
    assert.equal(folder.code, 2);
    assert.match(folder.err, /source \(.*photos\) is a folder of this machine, and those of the engine compute see only buckets/);
    const nowhere = await compute.imagemill(...run, "--set", "compute={}");
    assert.equal(nowhere.code, 2);
    assert.match(nowhere.err, /compute\.region is missing/);
    assert.equal(batch.jobs.size, jobs);
  });
});
