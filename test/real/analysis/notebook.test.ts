import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import sharp from "sharp";
import { systemClock, systemRandom } from "../../../core/clock.ts";
import { silentLogger } from "../../../core/log.ts";
import { readPhotographs } from "../../../demo/photos.ts";
import { openWarehouse } from "../../../warehouse/open.ts";
import type { QueryRow } from "../../../warehouse/warehouse.ts";
import { executeNotebook, installJupyter, notebook, type Executed } from "../../servers/notebook.ts";
import { orSkip } from "../../servers/install.ts";
import { ask, configure, fillBucket, startCloud, type Cloud } from "../e2e/cloud.ts";

/** Photographs of two cameras and copies of them; one camera writes files that end early. Names begin with the day. */
async function photographs(): Promise<Map<string, Uint8Array>> {
  const images = new Map<string, Uint8Array>();
  for (const [index, { name, bytes }] of (await readPhotographs()).entries()) {
    const Model = index % 2 === 0 ? "Good 1" : "Bad 2";
    const small = sharp(bytes).resize(400).withExif({ IFD0: { Model } });
    const jpeg = await small.clone().jpeg({ quality: 90 }).toBuffer();
    images.set(`2026-11-01/${name}`, jpeg);
    images.set(`2026-11-02/copy of ${name}.webp`, await small.clone().resize(300).webp({ quality: 60 }).toBuffer());
    if (index % 2 === 1) images.set(`2026-11-02/cut ${name}`, jpeg.subarray(0, jpeg.length / 2));
  }
  images.set("2026-11-01/empty.jpg", new Uint8Array());
  images.set("2026-11-02/again.jpg", images.get("2026-11-01/acanthus-mollis.jpg")!);
  return images;
}

/** The notebook's numbers, by SQL of the test's own. */
async function numbersBySql(url: string, endpoint?: string): Promise<Record<string, unknown>> {
  const context = { log: silentLogger, clock: systemClock, random: systemRandom, lockTimeoutMs: 10_000 };
  const warehouse = await openWarehouse(url, { ...context, ...(endpoint !== undefined && { endpoint }) });
  const rows = async (sql: string): Promise<QueryRow[]> => warehouse.query(sql);
  try {
    const [runs] = await rows(
      "SELECT COUNT(*) AS runs, SUM(objects) AS objects, SUM(ok) AS ok, SUM(skipped) AS skipped, SUM(quarantined) AS quarantined, " +
        "SUM(bytes_in) AS bytes_in, SUM(bytes_out) AS bytes_out, SUM(predicted_ms) AS predicted, SUM(wall_ms) AS wall FROM runs",
    );
    const reasons = await rows("SELECT reason, COUNT(*) AS n FROM images WHERE outcome = 'quarantined' GROUP BY reason");
    const cameras = await rows(
      "SELECT COALESCE(camera_model, '') AS camera, COUNT(*) AS n, COUNT(CASE WHEN outcome = 'quarantined' THEN 1 END) AS bad FROM images GROUP BY camera",
    );
    const [marked] = await rows("SELECT COUNT(DISTINCT sha256) AS n FROM images WHERE fingerprint IS NOT NULL");
    const number = (value: unknown): number => Number(value);
    return {
      growth: {
        runs: number(runs!["runs"]),
        objects: number(runs!["objects"]),
        bytesIn: number(runs!["bytes_in"]),
        bytesOut: number(runs!["bytes_out"]),
      },
      quality: { ok: number(runs!["ok"]), skipped: number(runs!["skipped"]), quarantined: number(runs!["quarantined"]) },
      reasons: Object.fromEntries(reasons.map((row) => [row["reason"], number(row["n"])])),
      cameras: Object.fromEntries(cameras.map((row) => [row["camera"], [number(row["n"]), number(row["bad"])]])),
      fingerprinted: number(marked!["n"]),
      predictedSeconds: Math.round(number(runs!["predicted"])) / 1000,
      actualSeconds: Math.round(number(runs!["wall"])) / 1000,
    };
  } finally {
    await warehouse.close();
  }
}

function numbersOf({ findings }: Executed): Record<string, unknown> {
  const { growth, quality, reasons, cameras, nearDuplicates, capacity } = findings as Record<string, Record<string, unknown>>;
  return {
    growth,
    quality,
    reasons,
    cameras,
    fingerprinted: nearDuplicates!["fingerprinted"],
    predictedSeconds: Math.round(Number(capacity!["predictedSeconds"]) * 1000) / 1000,
    actualSeconds: Math.round(Number(capacity!["actualSeconds"]) * 1000) / 1000,
  };
}

/** Seven photographs, each with a smaller copy in another format: all of them are found, and shown. */
async function assertSeen({ findings, figures }: Executed): Promise<void> {
  assert.deepEqual([...figures.keys()], ["growth", "quality", "reasons", "cameras", "capacity", "pictures", "duplicate-pictures"]);
  for (const [id, png] of figures) {
    const { entropy, channels } = await sharp(png).stats();
    assert.ok(entropy > 0.1 && channels.some(({ stdev }) => stdev > 5), `the figure ${id} is blank`);
  }
  assert.deepEqual(findings["nearDuplicates"], { fingerprinted: 14, groups: 7, images: 14 });
  assert.deepEqual(findings["copies"], { contents: 1, images: 2 });
  assert.deepEqual(findings["cameras"], { "": [1, 1], "Bad 2": [9, 3], "Good 1": [9, 0] });
  assert.deepEqual(findings["contactSheet"], { shown: 14, gone: 0 });
  assert.equal(findings["duplicatePictures"], 10);
}

describe("the notebook", function () {
  this.timeout(900_000);
  let jupyter: string;
  let folder: string;

  before(async function () {
    jupyter = await orSkip(this, "Jupyter", installJupyter);
    folder = await mkdtemp(join(tmpdir(), "imagemill-notebook-"));
  });
  after(async () => {
    if (folder !== undefined) await rm(folder, { recursive: true });
  });

  it("finds just the pairs of near duplicates that a comparison of all pairs finds", async () => {
    const script = new URL("near_pairs.py", import.meta.url).pathname;
    const seed = Math.floor(Math.random() * 1e9);
    const { stdout } = await promisify(execFile)(join(jupyter, "bin", "python"), [script, notebook, String(seed)]).catch((error: unknown) =>
      assert.fail(`seed ${seed}: ${String(error)}`),
    );
    const [said, found] = stdout.trim().split("\n");
    assert.match(said!, /not all of their pairs were compared/);
    assert.ok((JSON.parse(found!) as Record<string, number>)["7"]! > 300, stdout);
  });

  describe("on DuckDB and folders", () => {
    const jobs = ["facts", "fingerprint", 'thumbnails:{"sizes":[64]}'].flatMap((job) => ["--job", job]);

    before(async () => {
      for (const [name, bytes] of await photographs()) {
        await mkdir(dirname(join(folder, "photos", name)), { recursive: true });
        await writeFile(join(folder, "photos", name), bytes);
      }
      for (const day of ["2026-11-01", "2026-11-02"]) await ask(folder, ["run", "--source", `photos/${day}`, "--run-date", day, ...jobs]);
    });

    it("shows every figure, with the numbers that SQL gives", async () => {
      const executed = await executeNotebook(jupyter, folder, { warehouse: "out/warehouse.duckdb" });
      assert.deepEqual(numbersOf(executed), await numbersBySql(`duckdb://${join(folder, "out/warehouse.duckdb")}`));
      await assertSeen(executed);
    });

    it("looks at fewer days, and finds pictures where the archive went", async () => {
      await rename(join(folder, "out/archive"), join(folder, "moved"));
      const executed = await executeNotebook(jupyter, folder, {
        warehouse: `duckdb://${join(folder, "out/warehouse.duckdb")}`,
        archive: "moved",
        days: 1,
        pictures: 3,
      });
      assert.deepEqual((executed.findings["growth"] as { runs: number }).runs, 1);
      assert.deepEqual(executed.findings["contactSheet"], { shown: 3, gone: 0 });
      const gone = await executeNotebook(jupyter, folder, { warehouse: "out/warehouse.duckdb" });
      assert.deepEqual(gone.findings["contactSheet"], { shown: 0, gone: 14 });
      assert.match(gone.text, /There is no picture to show/);
    });

    it("says what is missing: fingerprints, cameras, runs, the file", async () => {
      const plain = ["--warehouse", "plain.duckdb", "--control", "plain/control", "--archive", "plain/archive"];
      const create = { width: 64, height: 48, channels: 3, background: "red" } as const;
      await mkdir(join(folder, "one"));
      await writeFile(join(folder, "one/red.png"), await sharp({ create }).png().toBuffer());
      await ask(folder, ["run", "--source", "one", ...plain, "--job", "thumbnails"]);
      const { text, figures } = await executeNotebook(jupyter, folder, { warehouse: "plain.duckdb" });
      assert.match(text, /No image has a fingerprint: add `fingerprint`/);
      assert.match(text, /No image of these runs says which camera/);
      assert.deepEqual([...figures.keys()], ["growth", "quality", "reasons", "capacity", "pictures"]);
      await assert.rejects(executeNotebook(jupyter, folder, { warehouse: "nowhere.duckdb" }), /There is no nowhere\.duckdb/);
      await ask(folder, [
        "init",
        "--source",
        "one",
        "--warehouse",
        "bare.duckdb",
        "--control",
        "plain/control",
        "--archive",
        "plain/archive",
      ]);
      await assert.rejects(executeNotebook(jupyter, folder, { warehouse: "bare.duckdb" }), /No run is loaded in bare\.duckdb yet/);
    });

    it("leaves the warehouse and its folder as they are", async () => {
      assert.deepEqual(
        (await readdir(join(folder, "out"))).filter((name) => name.startsWith("warehouse")),
        ["warehouse.duckdb"],
      );
    });
  });

  describe("on BigQuery and Cloud Storage", () => {
    let cloud: Cloud;

    before(async function () {
      cloud = await orSkip(this, "fake-gcs-server and local-bigquery", startCloud);
    });
    after(async () => cloud?.[Symbol.asyncDispose]());

    it("shows every figure, with the numbers that SQL gives", async () => {
      await fillBucket(cloud, "notebook-in", await photographs());
      for (const bucket of ["notebook-archive", "notebook-control"]) await cloud.gcs.createBucket(bucket);
      const warehouse = cloud.warehouse("notebook");
      const config = await configure(cloud, "notebook", {
        source: "gs://notebook-in/{run_date}",
        archive: "gs://notebook-archive/images",
        control: "gs://notebook-control",
        warehouse,
      });
      const jobs = ["facts", "fingerprint", 'thumbnails:{"sizes":[64]}'].flatMap((job) => ["--job", job]);
      for (const day of ["2026-11-01", "2026-11-02"]) await ask(cloud.where, ["run", ...config, "--run-date", day, ...jobs]);
      const executed = await executeNotebook(jupyter, folder, { warehouse }, cloud.where.environment);
      assert.deepEqual(numbersOf(executed), await numbersBySql(warehouse, cloud.bigquery.endpoint));
      await assertSeen(executed);
    });
  });
});
