import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { browserLink, unpackLink } from "../../../analysis/dashboard/model/links.ts";
import { readDashboard } from "../../../analysis/dashboard/read.ts";
import { writeDashboard } from "../../../analysis/dashboard/write.ts";
import { systemClock } from "../../../core/clock.ts";
import { imageRow, loadRequest, runRow, writeRows } from "../../warehouse/rows.ts";
import { fillWorld, hostileNames, openDuckdbWorld, worldRuns, type DuckdbWorld } from "./world.ts";

describe("reading and writing the dashboard", function () {
  this.timeout(120_000);
  let world: DuckdbWorld;
  before(async () => {
    world = await openDuckdbWorld();
    await fillWorld(world.warehouse, world.control, world.control);
  });
  after(() => world?.[Symbol.asyncDispose]());

  it("takes every row of the runs, names made harmless", async () => {
    const { runs, images, names, extent } = await readDashboard(world.warehouse, { days: 90, rows: 10_000 });
    assert.deepEqual(
      runs.map((run) => run.run_id),
      worldRuns.map((run) => run.run_id),
    );
    assert.deepEqual(extent, { firstDate: "2026-11-20", lastDate: "2026-11-23", olderRuns: 0, share: 1, objects: 240 });
    assert.equal(images.length, 240);
    assert.deepEqual(
      hostileNames.filter((name) => !names.includes(name)),
      [],
    );
    assert.ok(images.every(({ name }) => !/[\p{Cc}\p{Cf}]/u.test(name)));
    assert.ok(images.every(({ processed_at }, row) => row === 0 || processed_at <= images[row - 1]!.processed_at));
    const known = await world.warehouse.query("SELECT name, generation, output_uri FROM dashboard_images WHERE output_uri IS NOT NULL");
    const found = images.filter((image) => image.output_pattern !== null);
    assert.deepEqual(
      found.map((image) => unpackLink({ pattern: image.output_pattern!, spread: image.output_spread! }, image)).sort(),
      known.map((row) => row["output_uri"] as string).sort(),
    );
    assert.ok(found.every((image) => browserLink(image.output_pattern!) !== undefined));
  });

  it("leaves older runs out, and says how many", async () => {
    const { runs, images, extent } = await readDashboard(world.warehouse, { days: 2, rows: 10_000 });
    assert.deepEqual(
      runs.map((run) => run.run_date),
      ["2026-11-22", "2026-11-23"],
    );
    assert.equal(images.length, 120);
    assert.equal(extent.olderRuns, 2);
  });

  it("samples by name above the limit: the same names of every run", async () => {
    const { images, extent } = await readDashboard(world.warehouse, { days: 90, rows: 120 });
    assert.equal(extent.share, 0.49);
    const below = Math.floor(0.49 * 2 ** 32).toString(16);
    const [row] = await world.warehouse.query("SELECT COUNT(*) AS n FROM dashboard_images WHERE sample_key < @below", { below });
    assert.equal(images.length, Math.min(120, Number(row?.["n"])));
    assert.ok(images.length > 60);
  });

  it("says what to do where no run is loaded, and where the views are of another version", async () => {
    await using empty = await openDuckdbWorld();
    await assert.rejects(readDashboard(empty.warehouse, { days: 1, rows: 1 }), { code: "WAREHOUSE_NOT_READY" });
    await empty.warehouse.ensure();
    await assert.rejects(readDashboard(empty.warehouse, { days: 1, rows: 1 }), { code: "RUN_ABSENT" });
    const old = { ...empty.warehouse, query: (sql: string) => empty.warehouse.query(sql.replaceAll("run_summary", "no_such_view")) };
    await assert.rejects(readDashboard(old, { days: 1, rows: 1 }), { code: "WAREHOUSE_NOT_READY", hint: /imagemill init/ });
  });

  it("writes one file, whole, with pictures of what was quarantined", async () => {
    const to = join(world.folder, "new", "page.html");
    const request = {
      warehouse: world.warehouse,
      control: world.control,
      limits: { days: 90, rows: 10_000 },
      to,
      currency: "EUR",
      clock: systemClock,
    };
    const written = await writeDashboard(request);
    assert.deepEqual({ ...written, bytes: 0, extent: {} }, { extent: {}, runs: 4, images: 240, pictures: 12, bytes: 0 });
    assert.deepEqual(await readdir(join(world.folder, "new")), ["page.html"]);
    assert.equal((await readFile(to)).length, written.bytes);
    await assert.rejects(writeDashboard({ ...request, to: join(world.folder, "new") }), { code: "PAGE_UNWRITABLE" });
    assert.deepEqual(await readdir(world.folder), ["control", "new", "warehouse.duckdb"]);
    await assert.rejects(writeDashboard({ ...request, signal: AbortSignal.abort() }), { name: "AbortError" });
  });

  it("shows a run that has no images", async () => {
    await using empty = await openDuckdbWorld();
    await empty.warehouse.ensure();
    await empty.warehouse.putRun(runRow({ objects: 0, ok: 0, skipped: 0, quarantined: 0 }));
    const { runs, images } = await readDashboard(empty.warehouse, { days: 1, rows: 1 });
    assert.deepEqual([runs.length, images.length], [1, 0]);
    const file = await writeRows(empty.control, "r.ndjson.gz", [imageRow({ name: "" })]);
    await empty.warehouse.load(loadRequest(empty.control, [file], 1));
    assert.deepEqual((await readDashboard(empty.warehouse, { days: 1, rows: 1 })).images[0]?.name, "");
  });
});
