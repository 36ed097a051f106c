import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { systemClock, systemRandom } from "../../../core/clock.ts";
import { dataprocService, type Batch, type DataprocService } from "../../../submit/engines/dataproc/service.ts";
import { lastLine } from "../../e2e/imagemill.ts";
import { startDataproc, type DataprocServer } from "../../servers/dataproc.ts";
import { orSkip } from "../../servers/install.ts";
import {
  ask,
  assertHolds,
  configure,
  fillBucket,
  objectsOf,
  putObject,
  rowsOf,
  smallImages,
  startCloud,
  type Cloud,
} from "../e2e/cloud.ts";

const place = { project: "imagemill-test", region: "europe-west4" };
const never = new AbortController().signal;

/** What a scheduler does: one Dataproc batch that plans, works, seals and loads. */
describe("a whole run in one Dataproc batch", function () {
  this.timeout(10 * 60_000);
  let cloud: Cloud;
  let dataproc: DataprocServer;
  let service: DataprocService;
  let runtime: { archive: string; driver: string };
  let config: string[];
  before(async function () {
    cloud = await orSkip(this, "Cloud Storage and BigQuery servers", startCloud);
    dataproc = await orSkip(this, "Spark", async () =>
      startDataproc({ storage: cloud.gcs.endpoint, environment: { IMAGEMILL_BIGQUERY_ENDPOINT: cloud.bigquery.endpoint } }),
    );
    service = dataprocService({ endpoint: dataproc.endpoint, clock: systemClock, random: systemRandom });
    await fillBucket(cloud, "photos", await smallImages(12));
    for (const bucket of ["archive", "control"]) await cloud.gcs.createBucket(bucket);
    const places = { source: "gs://photos", archive: "gs://archive", control: "gs://control", warehouse: cloud.warehouse("whole") };
    config = await configure(cloud, "nightly", places);
    const yaml = Object.entries(places)
      .map(([key, value]) => `${key}: ${value}\n`)
      .join("");
    await putObject(cloud, "control", "config/nightly.yaml", Buffer.from(`${yaml}jobs: [facts]\npacking: { minShards: 3 }\n`), "text/yaml");
    const uploaded = await ask(cloud.where, ["bundle", "--upload", ...config]);
    runtime = { archive: String(uploaded["archive"]), driver: String(uploaded["driver"]) };
  });
  after(async () => {
    await service?.close();
    await dataproc?.[Symbol.asyncDispose]();
    await cloud?.[Symbol.asyncDispose]();
  });

  const batchOf = (...flags: string[]): Batch => ({
    pysparkBatch: {
      mainPythonFileUri: runtime.driver,
      args: ["run", "--config", "nightly.yaml", ...flags],
      fileUris: ["gs://control/config/nightly.yaml"],
      archiveUris: [runtime.archive],
    },
    runtimeConfig: { version: "2.3", properties: { "spark.task.maxFailures": "3" } },
    environmentConfig: { executionConfig: { ttl: { seconds: 3600 } } },
  });

  const finished = async (batchId: string, batch: Batch): Promise<Batch> => {
    await service.createBatch(place, batchId, batch, "", never);
    return over(batchId);
  };
  const over = async (batchId: string): Promise<Batch> => {
    for (;;) {
      const now = await service.batch(place, batchId, never);
      if (!["PENDING", "RUNNING", "CANCELLING"].includes(String(now?.state))) return now!;
      await delay(200);
    }
  };
  const outputOf = async ({ runtimeInfo }: Batch): Promise<string> => {
    const [, bucket, name] = /^gs:\/\/([^/]+)\/(.*)$/.exec(runtimeInfo!.outputUri!)!;
    const url = `${cloud.gcs.bareEndpoint}/storage/v1/b/${bucket}/o/${encodeURIComponent(`${name}.000000000`)}?alt=media`;
    return (await fetch(url)).text();
  };

  it("loads each image once, and says how it went in its last line; again writes nothing", async () => {
    const flags = ["--run-date", "2026-11-23"];
    const first = await finished("nightly-2026-11-23-1", batchOf(...flags));
    const output = await outputOf(first);
    assert.equal(first.state, "SUCCEEDED", output);
    const said = lastLine(output);
    assert.deepEqual([said["listed"], said["rowsLoaded"], said["quarantined"]], [12, 12, 2], output);
    assert.equal((await rowsOf(cloud, cloud.warehouse("whole"), said["runId"])).length, 12);
    await assertHolds(cloud.where, said["runId"], config);

    const again = lastLine(await outputOf(await finished("nightly-2026-11-23-2", batchOf(...flags))));
    assert.deepEqual([again["runId"], again["rowsLoaded"]], [said["runId"], 12]);
  });

  it("a batch that was cancelled in the middle leaves what the next one goes on with", async () => {
    const flags = ["--run-date", "2026-11-25", "--reprocess"];
    await service.createBatch(place, "interrupted-1", batchOf(...flags), "", never);
    const commits = async (): Promise<number> =>
      (await objectsOf(cloud, "control")).filter(({ name }) => /^runs\/2026-11-25-.*\/commits\//.test(name)).length;
    while ((await commits()) === 0) await delay(100);
    const { operation } = (await service.batch(place, "interrupted-1", never))!;
    await service.cancelOperation(place, operation!, never);
    assert.equal((await over("interrupted-1")).state, "CANCELLED");

    const next = await finished("interrupted-2", batchOf(...flags));
    const output = await outputOf(next);
    assert.equal(next.state, "SUCCEEDED", output);
    assert.equal(lastLine(output)["rowsLoaded"], 12);
  });

  it("ends as imagemill ends", async () => {
    const failed = await finished(
      "closed-gate",
      batchOf("--run-date", "2026-11-24", "--reprocess", "--set", "gate.maxQuarantinedRatio=0.01"),
    );
    assert.equal(failed.state, "FAILED");
    assert.match(failed.stateMessage!, /exit code 3/);
    assert.match(await outputOf(failed), /error GATE/);
  });
});
