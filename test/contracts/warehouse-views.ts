import assert from "node:assert/strict";
import type { ImageRow } from "../../core/rows.ts";
import type { QueryRow, Warehouse } from "../../warehouse/warehouse.ts";
import { bareRow, imageRow, loadRequest, outputRow, runId, runRow, writeRows } from "../warehouse/rows.ts";
import type { WarehousePlace } from "./warehouse.ts";

const later = "2026-11-22-aaaaaaaaaaaa";
const unfinished = "2026-11-24-bbbbbbbbbbbb";

/** Small enough to count by hand. */
export function warehouseViewsContract(createPlace: () => Promise<WarehousePlace>): void {
  let place: WarehousePlace;
  let warehouse: Warehouse;
  before(async () => {
    place = await createPlace();
    warehouse = await place.open();
    await warehouse.ensure();
    await load(runId, "2026-11-23", firstRun);
    await warehouse.putRun(runRow({ started_at: "2026-11-23T10:00:00.000Z" }));
    // Of an earlier date, but listed later: a backfill.
    await load(later, "2026-11-22", secondRun);
    await warehouse.putRun(
      runRow({ run_id: later, run_date: "2026-11-22", engine: "spark", objects: 0, wall_ms: 0, started_at: "2026-11-23T11:00:00.000Z" }),
    );
    // Rows without a row in runs: not loaded to the end, so not in any view.
    await load(unfinished, "2026-11-24", [imageRow({ run_id: unfinished, run_date: "2026-11-24", name: "a", generation: "99" })]);
  });
  after(async () => {
    await warehouse.close();
    await place[Symbol.asyncDispose]();
  });

  const load = async (run: string, runDate: string, rows: ImageRow[]): Promise<void> => {
    const file = await writeRows(place.store, `${run}.ndjson.gz`, rows);
    await warehouse.load(loadRequest(place.store, [file], rows.length, { runId: run, runDate }));
  };
  const timed = (process_ms: number): ImageRow["timings"] => ({ read_ms: 1, queue_ms: 0, process_ms, write_ms: 3 });
  const folder = "file:///photos";
  const copyOfSource = outputRow({ job: "source", variant: "original", uri: "gs://archive/source.jpg" });

  const firstRun: ImageRow[] = [
    imageRow({ name: "a", generation: "10", processed_at: "2026-11-23T10:00:59.900Z", timings: timed(10), size_bytes: 600 }),
    imageRow({ name: "b", generation: "9007199254740993", processed_at: "2026-11-23T10:01:00.000Z", timings: timed(20), size_bytes: 300 }),
    imageRow({ name: "c", generation: "3", bucket: folder, processed_at: "2026-11-23T10:01:10.000Z", timings: timed(40), size_bytes: 300 }),
    imageRow({
      name: "d",
      format: "png",
      megapixels: 24,
      outputs: [outputRow(), outputRow({ variant: "512", size_bytes: 7000 })],
      processed_at: "2026-11-23T10:01:20.000Z",
      timings: timed(100),
      size_bytes: 300,
    }),
    imageRow({ name: "e", format: "png", megapixels: 99, outputs: [], processed_at: "2026-11-23T10:01:20.000Z", timings: timed(300) }),
    bareRow({ name: "q2", reason: "corrupt", message: "not readable", size_bytes: 7, processed_at: "2026-11-23T10:02:00.000Z" }),
    bareRow({ name: "q1", reason: "corrupt", message: "broken", size_bytes: 5, processed_at: "2026-11-23T10:02:00.000Z" }),
    bareRow({ name: "q3", reason: "timeout", format: "gif", size_bytes: 1, processed_at: "2026-11-23T10:02:00.000Z" }),
  ];
  const of = { run_id: later, run_date: "2026-11-22" };
  const secondRun: ImageRow[] = [
    imageRow({ ...of, name: "a", generation: "9", camera_make: "Nikon", camera_model: "NIKON D850" }),
    imageRow({ ...of, name: "b", generation: "9007199254740994", camera_make: null, camera_model: "Pixel 8" }),
    imageRow({ ...of, name: "c", generation: "2", bucket: folder, camera_make: "LEICA", camera_model: null, outputs: [copyOfSource] }),
    imageRow({
      ...of,
      name: "c",
      generation: "2",
      bucket: "ingestion",
      camera_make: null,
      camera_model: null,
      outputs: [copyOfSource, outputRow({ uri: "gs://archive/thumbnail.jpg" }), outputRow({ uri: "gs://archive/larger.jpg" })],
    }),
    imageRow({ ...of, name: "d", generation: "1763900000000000001" }),
  ];

  it("image_latest takes the highest generation of a bucket, the last listed run of a folder, one row a name", async () => {
    const columns = "bucket, name, generation, run_id";
    const rows = await warehouse.query(`SELECT ${columns} FROM image_latest WHERE name IN ('a', 'b', 'c', 'd') ORDER BY name, bucket`);
    assert.deepEqual(rows, [
      { bucket: "ingestion", name: "a", generation: "10", run_id: runId },
      { bucket: "ingestion", name: "b", generation: "9007199254740994", run_id: later },
      { bucket: folder, name: "c", generation: "2", run_id: later },
      { bucket: "ingestion", name: "c", generation: "2", run_id: later },
      { bucket: "ingestion", name: "d", generation: "1763900000000000001", run_id: later },
    ]);
    assert.deepEqual(await warehouse.query("SELECT COUNT(*) AS n FROM image_latest"), [{ n: 9 }]);
    assert.deepEqual(await warehouse.query("SELECT timings, outputs FROM image_latest WHERE name = 'e'"), [
      { timings: timed(300), outputs: [] },
    ]);
  });

  it("run_summary has ratios, and nulls where there is nothing to divide by", async () => {
    const rows = await warehouse.query(
      `SELECT run_id, quarantined_ratio, bytes_in_per_object, bytes_in_per_second, wall_to_predicted, cost_per_1000_objects
       FROM run_summary ORDER BY run_id`,
    );
    assert.deepEqual(rows, [
      {
        run_id: later,
        quarantined_ratio: null,
        bytes_in_per_object: null,
        bytes_in_per_second: null,
        wall_to_predicted: 0,
        cost_per_1000_objects: null,
      },
      {
        run_id: runId,
        quarantined_ratio: 0.125,
        bytes_in_per_object: 100_000,
        bytes_in_per_second: 200_000,
        wall_to_predicted: 2,
        cost_per_1000_objects: null,
      },
    ]);
  });

  it("quarantine_top ranks reasons within a run", async () => {
    const rows = await warehouse.query("SELECT * FROM quarantine_top ORDER BY position");
    const shared = { run_id: runId, run_date: "2026-11-23" };
    assert.deepEqual(rows, [
      {
        ...shared,
        position: 1,
        reason: "corrupt",
        format: null,
        objects: 2,
        share_of_run: 0.25,
        size_bytes: 12,
        example_name: "q1",
        example_message: "broken",
      },
      {
        ...shared,
        position: 2,
        reason: "timeout",
        format: "gif",
        objects: 1,
        share_of_run: 0.125,
        size_bytes: 1,
        example_name: "q3",
        example_message: null,
      },
    ]);
  });

  it("throughput counts by the minute", async () => {
    const rows = await warehouse.query(
      `SELECT minute, engine, objects, objects_per_second, bytes_in_per_second, mean_process_ms, p95_process_ms
       FROM throughput WHERE run_id = @run ORDER BY minute LIMIT 2`,
      { run: runId },
    );
    assert.deepEqual(rounded(rows), [
      {
        minute: "2026-11-23T10:00:00.000Z",
        engine: "local",
        objects: 1,
        objects_per_second: 0.0167,
        bytes_in_per_second: 10,
        mean_process_ms: 10,
        p95_process_ms: 10,
      },
      {
        minute: "2026-11-23T10:01:00.000Z",
        engine: "local",
        objects: 4,
        objects_per_second: 0.0667,
        bytes_in_per_second: 1681.6667,
        mean_process_ms: 115,
        p95_process_ms: 300,
      },
    ]);
  });

  it("capacity says what an image of a format and size costs", async () => {
    const rows = await warehouse.query(
      `SELECT format, megapixels_from, images, mean_megapixels, mean_read_ms, mean_process_ms, mean_write_ms, mean_bytes_in, mean_bytes_out,
         run_images_per_second, run_wall_ms
       FROM capacity WHERE run_id = @run ORDER BY format`,
      { run: runId },
    );
    const run = { run_images_per_second: 2, run_wall_ms: 4000, mean_read_ms: 1, mean_write_ms: 3 };
    assert.deepEqual(rounded(rows), [
      {
        format: "jpeg",
        megapixels_from: 0.5,
        images: 3,
        mean_megapixels: 0.5,
        mean_process_ms: 23.3333,
        mean_bytes_in: 400,
        mean_bytes_out: 5000,
        ...run,
      },
      {
        format: "png",
        megapixels_from: 24,
        images: 2,
        mean_megapixels: 61.5,
        mean_process_ms: 200,
        mean_bytes_in: 50_150,
        mean_bytes_out: 6000,
        ...run,
      },
    ]);
  });

  it("dashboard_images is flat, one row an image of a loaded run", async () => {
    const rows = await warehouse.query("SELECT * FROM dashboard_images WHERE run_id = @run AND name IN ('d', 'q2') ORDER BY name", {
      run: runId,
    });
    const shared = { run_id: runId, run_date: "2026-11-23", run_started_at: "2026-11-23T10:00:00.000Z", engine: "local" };
    const nothing = { format: null, color_space: null, camera: null, taken_at: null, width: null, height: null, megapixels: null };
    assert.deepEqual(rows, [
      {
        ...shared,
        bucket: "ingestion",
        name: "d",
        generation: "1763900000000000001",
        outcome: "ok",
        reason: null,
        message: null,
        format: "png",
        color_space: "srgb",
        camera: 'Canon EOS "5D" \\ é 😀',
        taken_at: "2019-05-03T12:34:56.000Z",
        width: 1000,
        height: 500,
        megapixels: 24,
        size_bytes: 300,
        processed_at: "2026-11-23T10:01:20.000Z",
        read_ms: 1,
        queue_ms: 0,
        process_ms: 100,
        write_ms: 3,
        output_bytes: 12_000,
        output_uri: "gs://archive/2026-11-23/x.jpg",
        sample_key: "8277e091",
      },
      {
        ...shared,
        ...nothing,
        bucket: "ingestion",
        name: "q2",
        generation: "1763900000000000001",
        outcome: "quarantined",
        reason: "corrupt",
        message: "not readable",
        size_bytes: 7,
        processed_at: "2026-11-23T10:02:00.000Z",
        read_ms: 1.5,
        queue_ms: 0,
        process_ms: 8.25,
        write_ms: 2,
        output_bytes: 0,
        output_uri: null,
        sample_key: "74d502a7",
      },
    ]);
    assert.deepEqual(await warehouse.query("SELECT COUNT(*) AS n FROM dashboard_images"), [{ n: firstRun.length + secondRun.length }]);
  });

  it("dashboard_images says a camera's make once, and passes over the copy of the source", async () => {
    const rows = await warehouse.query("SELECT name, camera, output_uri FROM dashboard_images WHERE run_id = @run ORDER BY name, bucket", {
      run: later,
    });
    assert.deepEqual(
      rows.map((row) => [row["camera"], row["output_uri"]]),
      [
        ["NIKON D850", "gs://archive/2026-11-23/x.jpg"],
        ["Pixel 8", "gs://archive/2026-11-23/x.jpg"],
        ["LEICA", null],
        [null, "gs://archive/thumbnail.jpg"],
        ['Canon EOS "5D" \\ é 😀', "gs://archive/2026-11-23/x.jpg"],
      ],
    );
  });
}

function rounded(rows: QueryRow[]): QueryRow[] {
  return rows.map((row) =>
    Object.fromEntries(
      Object.entries(row).map(([name, value]) => [name, typeof value === "number" ? Math.round(value * 1e4) / 1e4 : value]),
    ),
  );
}
