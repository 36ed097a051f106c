import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { controlNames } from "../../../core/layout.ts";
import { imagemill, lastLine, startImagemill, type Where } from "../../e2e/imagemill.ts";
import { corpus } from "../../jobs/images.ts";
import { orSkip } from "../../servers/install.ts";
import { ask, assertHolds, fillBucket, objectsOf, removeObject, smallImages } from "../e2e/cloud.ts";
import { project, region, startDataprocWorld, type DataprocWorld } from "./dataproc-world.ts";
import { comparableRows } from "./rows.ts";

const run = ["run", "--run-date", "2026-11-23"];
const images = 60;
const largestBytes = 60_000;

/** Runs on Dataproc as a user types them, with the runtime archive on its nodes. */
describe("runs on Dataproc", function () {
  this.timeout(10 * 60_000);
  let world: DataprocWorld;
  let root: string;
  before(async function () {
    world = await orSkip(this, "Spark and Cloud Storage", startDataprocWorld);
    root = await mkdtemp(join(tmpdir(), "imagemill-dataproc-"));
    await fillBucket(world, "photos", await manyImages());
    await fillBucket(world, "few", await smallImages(24));
  });
  after(async () => {
    await world?.[Symbol.asyncDispose]();
    if (root !== undefined) await rm(root, { recursive: true, force: true });
  });

  /** A folder with a configuration; archive and control are in a bucket of its own. */
  const place = async (name: string, settings: object): Promise<{ where: Where; folder: string; bucket: string }> => {
    const folder = join(root, name);
    const bucket = `own-${name}`;
    await mkdir(folder);
    await world.gcs.createBucket(bucket);
    const written = {
      archive: `gs://${bucket}/archive`,
      control: `gs://${bucket}/control`,
      jobs: ["facts", { thumbnails: { sizes: [64] } }],
      engine: "dataproc",
      dataproc: { region },
      ...settings,
    };
    await writeFile(join(folder, "imagemill.yaml"), JSON.stringify(written));
    const environment = {
      IMAGEMILL_STORAGE_ENDPOINT: world.gcs.endpoint,
      IMAGEMILL_DATAPROC_ENDPOINT: world.dataproc.endpoint,
      GOOGLE_CLOUD_PROJECT: project,
      XDG_CACHE_HOME: join(root, "cache"),
    };
    return { where: { cwd: folder, environment }, folder, bucket };
  };
  const created = (): number => world.dataproc.calls.filter(({ method }) => method === "CreateBatch" || method === "SubmitJob").length;

  it("gives the rows that the local engine gives, says where to look at it, and finds itself finished", async () => {
    const remote = await place("remote", { source: "gs://photos" });
    const local = await place("local", { source: "gs://photos", engine: "local" });
    const examined = lastLine((await imagemill(remote.where, "doctor", "--json")).out)["findings"] as { topic: string; text: string }[];
    assert.match(examined.find(({ topic }) => topic === "engine")!.text, /Dataproc answers in europe-west4 for the project/);
    const done = await imagemill(remote.where, ...run, "--json");
    assert.equal(done.code, 0, done.err);
    assert.match(done.err, /batch: https:\/\/console\.cloud\.google\.com\/dataproc\/batches\/europe-west4\/imagemill-2026-11-23-\w+/);
    const expected = await ask(local.where, run);
    const result = lastLine(done.out);
    assert.deepEqual([result["ok"], result["quarantined"]], [expected["ok"], expected["quarantined"]]);
    const rows = await comparableRows(remote.folder);
    assert.ok(rows.length >= images);
    assert.deepEqual(rows, await comparableRows(local.folder));
    await assertHolds(remote.where, result["runId"], []);
    const before = created();
    assert.equal((await ask(remote.where, run))["rowsLoaded"], rows.length);
    assert.equal(created(), before);
  });

  it("submit returns while the work goes on; another driver finds it by its name; cancelled, it goes on when run again", async () => {
    const { where, bucket } = await place("resumed", { source: "gs://few", packing: { minShards: 16 } });
    const submitted = await ask(where, ["submit", "--run-date", "2026-11-23"]);
    assert.equal(submitted["remote"], true);
    const runId = String(submitted["runId"]);
    const status = await ask(where, ["status", runId]);
    const { engine, state, links } = status["remote"] as { engine: string; state: string; links: unknown[] };
    assert.deepEqual([engine, links.length], ["dataproc", 2]);
    assert.match(state, /pending|running/);

    // As if the driver had died before it wrote the handle down.
    await removeObject(world, bucket, `control/${controlNames.submit(runId)}`);
    const attached = startImagemill(where, ...run, "--json");
    const ended = new Promise<number | null>((resolve) => attached.on("close", resolve));
    await until(async () => (await objectsOf(world, bucket)).some(({ name }) => name.startsWith(`control/${controlNames.commits(runId)}`)));
    assert.equal(world.dataproc.batches().filter(({ labels }) => labels?.["imagemill-run"] === runId).length, 1, "one, asked for twice");

    const cancelled = await ask(where, ["cancel", runId]);
    assert.equal(cancelled["stopped"], "remote");
    assert.equal(await ended, 130);
    const again = await ask(where, run);
    assert.deepEqual([again["listed"], again["quarantined"]], [24, 2]);
    await assertHolds(where, runId, []);
  });

  it("makes a cluster for the run and deletes it at the end", async () => {
    const { where } = await place("ephemeral", { source: "gs://few", packing: { minShards: 3 }, dataproc: { region, mode: "ephemeral" } });
    const done = await imagemill(where, ...run, "--json");
    assert.equal(done.code, 0, done.err);
    assert.match(done.err, /cluster: https:\/\/console/);
    await until(async () => Promise.resolve(world.dataproc.clusters().length === 0));
    await assertHolds(where, lastLine(done.out)["runId"], []);
  });
});

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 120_000; !(await condition()); await delay(100))
    assert.ok(Date.now() < deadline, "not within two minutes");
}

/** Of the corpus where it is there, and some that are broken. */
async function manyImages(): Promise<Map<string, Uint8Array>> {
  const found = new Map<string, Uint8Array>();
  for (const { file, bytes } of corpus(({ decodes }) => decodes))
    if (bytes.length <= largestBytes && found.size < images) found.set(file, bytes);
  return new Map([...found, ...(await smallImages(found.size === 0 ? images : 5))]);
}
