import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { QueryRow, QueryValue } from "../../../warehouse/warehouse.ts";
import { corpus } from "../../jobs/images.ts";
import { orSkip } from "../../servers/install.ts";
import {
  ask,
  assertHolds,
  changingCalls,
  configure,
  fillBucket,
  objectsOf,
  putObject,
  removeObject,
  rowsOf,
  smallImages,
  startCloud,
  type Cloud,
} from "./cloud.ts";

const wantedImages = 220;
const largestBytes = 60_000;
const runDate = ["--run-date", "2026-11-23"];

/** Whole runs through gs:// and bigquery://, as a user types them. */
describe("runs on Cloud Storage and BigQuery", function () {
  this.timeout(180_000);
  this.slow(60_000);
  let cloud: Cloud;
  before(async function () {
    this.timeout(15 * 60_000);
    cloud = await orSkip(this, "Cloud Storage and BigQuery servers", startCloud);
  });
  after(async () => cloud?.[Symbol.asyncDispose]());

  const fill = async (folder: string, images: Map<string, Uint8Array>): Promise<void> => {
    for (const [name, bytes] of images) {
      await mkdir(dirname(join(cloud.where.cwd, folder, name)), { recursive: true });
      await writeFile(join(cloud.where.cwd, folder, name), bytes);
    }
  };

  it("two hundred images: rows equal those of a run on folders; again writes nothing; what is new is taken", async () => {
    const images = await manyImages();
    await fill("photos", images);
    const places = { source: "gs://photos", archive: "gs://archive", control: "gs://control", warehouse: cloud.warehouse("images") };
    const config = await configure(cloud, "cloud", places);
    const local = await configure(cloud, "local", { source: "photos", archive: "archive", control: "control", warehouse: "local.duckdb" });

    const made = (await ask(cloud.where, ["init", ...config])) as { applied: number };
    assert.ok(made.applied > 8);
    const nothing = (await ask(cloud.where, ["init", ...config])) as { changes: unknown[] };
    assert.deepEqual(nothing.changes, []);
    for (const [name, bytes] of images) await putObject(cloud, "photos", name, bytes);
    assert.equal((await ask(cloud.where, ["doctor", ...config]))["healthy"], true);

    const result = await ask(cloud.where, ["run", ...config, ...runDate]);
    const expected = await ask(cloud.where, ["run", ...local, ...runDate]);
    assert.deepEqual(countsOf(result), countsOf(expected));
    assert.deepEqual([result["listed"], result["rowsLoaded"]], [images.size, images.size]);
    await assertHolds(cloud.where, result["runId"], config);
    const rows = await rowsOf(cloud, places.warehouse, result["runId"]);
    const localRows = await rowsOf(cloud, `duckdb://${cloud.where.cwd}/local.duckdb`, expected["runId"]);
    assert.deepEqual(rows.map(comparable), localRows.map(comparable));
    const types = new Map((await objectsOf(cloud, "photos")).map(({ name, contentType }) => [name, contentType]));
    for (const { name, content_type } of rows) assert.equal(content_type, types.get(name as string));
    process.stdout.write(
      `      ${rows.length} rows of ${Object.keys(rows[0]!).length} columns are equal: ${JSON.stringify(countsOf(result))}\n`,
    );

    const before = await everything();
    const called = cloud.gcs.calls.length;
    cloud.bigquery.faults.calls.length = 0;
    assert.deepEqual(await ask(cloud.where, ["run", ...config, ...runDate]), result);
    assert.deepEqual(await everything(), before);
    assert.deepEqual(changingCalls(cloud, called), []);
    assert.deepEqual(
      cloud.bigquery.faults.calls.filter(({ method }) => method !== "GET").map(({ method, path }) => `${method} ${path}`),
      [],
    );

    const [replaced, ...more] = (await smallImages(4, 77))
      .entries()
      .filter(([name]) => !name.startsWith("broken"))
      .toArray();
    await putObject(cloud, "photos", [...images.keys()][5]!, replaced![1]);
    await putObject(cloud, "photos", "new/one.png", more[0]![1]);
    const rerun = await ask(cloud.where, ["run", ...config, ...runDate, "--rerun", "2"]);
    assert.deepEqual([rerun["listed"], rerun["ok"], rerun["rowsLoaded"]], [images.size + 1, 2, 2]);
    await assertHolds(cloud.where, rerun["runId"], config);
    const replay = await ask(cloud.where, ["replay", String(result["runId"]), ...config]);
    assert.equal(replay["listed"], expected["quarantined"]);
    await assertHolds(cloud.where, replay["runId"], config);
    await assertHolds(cloud.where, result["runId"], config);
  });

  const everything = async () => ({ archive: await objectsOf(cloud, "archive"), control: await objectsOf(cloud, "control") });

  it("objects replaced or deleted between plan and run are skipped, and the next run takes what is there", async () => {
    const images = await smallImages(12);
    await fillBucket(cloud, "changing", images);
    const config = await configure(cloud, "changing", placesOf("changing"));
    await ask(cloud.where, ["init", ...config]);
    const { objects } = await ask(cloud.where, ["plan", "--save", ...config, ...runDate]);
    assert.equal(objects, 12);
    const [replaced, deleted] = [...images.keys()].filter((name) => !name.startsWith("broken"));
    await putObject(cloud, "changing", replaced!, (await smallImages(3, 99)).values().toArray().at(-1)!);
    await removeObject(cloud, "changing", deleted!);
    const result = await ask(cloud.where, ["run", ...config, ...runDate]);
    assert.deepEqual([result["ok"], result["skipped"], result["quarantined"], result["rowsLoaded"]], [8, 2, 2, 12]);
    const rows = await rowsOf(cloud, cloud.warehouse("changing"), result["runId"]);
    const skipped = rows.filter(({ outcome }) => outcome === "skipped");
    assert.deepEqual(
      skipped.map(({ name, reason }) => [name, reason]),
      [replaced!, deleted!].sort().map((name) => [name, "source_changed"]),
    );
    await assertHolds(cloud.where, result["runId"], config);
    const next = await ask(cloud.where, ["run", ...config, ...runDate, "--rerun", "2"]);
    assert.deepEqual([next["listed"], next["ok"], next["rowsLoaded"]], [11, 1, 1]);
  });

  it("move deletes what was processed and archived, and nothing else", async () => {
    await fillBucket(cloud, "moving", await smallImages(8));
    const config = await configure(cloud, "moving", placesOf("moving"), "archivePolicy: { onArchived: move }\niAcceptLossAfterDays: 7\n");
    await ask(cloud.where, ["init", ...config]);
    const result = await ask(cloud.where, ["run", ...config, ...runDate]);
    assert.deepEqual([result["ok"], result["quarantined"]], [6, 2]);
    assert.deepEqual(
      (await objectsOf(cloud, "moving")).map(({ name }) => name),
      ["broken/empty.png", "broken/text + more?.jpg"],
    );
    const copies = (await objectsOf(cloud, "moving-archive")).filter(({ name }) => name.includes("/source/"));
    assert.equal(copies.length, 6);
    await assertHolds(cloud.where, result["runId"], config);
  });

  const mixtures: Record<string, (name: string) => ReturnType<typeof placesOf>> = {
    "folders, control in a bucket, BigQuery": (name) => ({ ...placesOf(name), source: name, archive: `${name}-archive` }),
    "buckets, control in a folder, BigQuery": (name) => ({ ...placesOf(name), control: `${name}-control` }),
    "buckets and DuckDB": (name) => ({ ...placesOf(name), warehouse: `${name}.duckdb` }),
  };
  for (const [index, [title, mix]] of Object.entries(mixtures).entries()) {
    it(`${title} go together`, async () => {
      const name = `mixed${index}`;
      const images = await smallImages(8);
      const places = mix(name);
      if (places.source === name) await fill(name, images);
      else await fillBucket(cloud, name, images);
      const config = await configure(cloud, name, places);
      await ask(cloud.where, ["init", ...config]);
      const result = await ask(cloud.where, ["run", ...config, ...runDate]);
      assert.deepEqual([result["ok"], result["quarantined"], result["rowsLoaded"]], [6, 2, 8]);
      await assertHolds(cloud.where, result["runId"], config);
      assert.deepEqual(await ask(cloud.where, ["run", ...config, ...runDate]), result);
    });
  }

  const placesOf = (name: string) => ({
    source: `gs://${name}`,
    archive: `gs://${name}-archive`,
    control: `gs://${name}-control`,
    warehouse: cloud.warehouse(name),
  });
});

/** The corpus beside the checkout, smaller files of it; without it images made here, some of them twice. */
async function manyImages(): Promise<Map<string, Uint8Array>> {
  const images = new Map<string, Uint8Array>();
  for (const { file, bytes } of corpus(() => true)) {
    if (bytes.length <= largestBytes && images.size < wantedImages) images.set(file, bytes);
  }
  const made = images.size === 0 ? await smallImages(wantedImages) : new Map<string, Uint8Array>();
  const few = [...made, ...images].slice(0, 10).map(([name, bytes]): [string, Uint8Array] => [`again/${name}`, bytes]);
  return new Map([...made, ...images, ...few]);
}

function countsOf({ listed, ok, skipped, quarantined, outputs, rowsLoaded, bytesIn, bytesOut }: Record<string, unknown>): object {
  return { listed, ok, skipped, quarantined, outputs, rowsLoaded, bytesIn, bytesOut };
}

/**
 * A row without what two runs on different stores must differ in: ids, generations, times, places, attempt. libvips has
 * one buffer for the errors of all its threads: what it says of a broken image may lack lines where two break at once.
 */
function comparable(row: QueryRow): QueryRow {
  const { run_id, bucket, generation, shard, attempt, processed_at, timings, content_type, message, warnings, twin, outputs, ...same } =
    row;
  for (const own of [run_id, bucket, generation, shard, attempt, processed_at, timings]) assert.ok(own !== null && own !== undefined);
  assert.ok(content_type !== undefined);
  return {
    ...same,
    message: message === null ? null : ownWords(message!),
    warnings: (warnings as QueryValue[]).map(ownWords),
    twin: without(twin!, "run_id", "generation"),
    outputs: (outputs as QueryValue[]).map((output) => without(output, "uri", "generation")),
  };
}

function ownWords(text: QueryValue): string {
  return (text as string).split(": ")[0]!;
}

function without(value: QueryValue, ...names: string[]): QueryValue {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([name]) => !names.includes(name)));
}
