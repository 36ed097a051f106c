import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock, systemRandom } from "../../../core/clock.ts";
import { controlNames } from "../../../core/layout.ts";
import { silentLogger } from "../../../core/log.ts";
import type { ImageRow } from "../../../core/rows.ts";
import { fileStore } from "../../../storage/file.ts";
import type { ObjectStore } from "../../../storage/store.ts";
import { openWarehouse } from "../../../warehouse/open.ts";
import type { Warehouse } from "../../../warehouse/warehouse.ts";
import { photograph } from "../../jobs/images.ts";
import { bareRow, imageRow, loadRequest, outputRow, runRow, writeRows } from "../../warehouse/rows.ts";

/** Names that would like to be something else. */
export const hostileNames = [
  "<img src=x onerror=alert(1)>.jpg",
  "</script><script>alert(2)</script>",
  "javascript:alert(3)",
  "\u202Egpj.exe",
  "line\nbreak\u0000.jpg",
  "{name}@{generation} $& `${1}`",
  "=cmd|' /C calc'!A0",
];

const dates = ["2026-11-20", "2026-11-21", "2026-11-22", "2026-11-23"];
export const worldRuns = dates.map((date, index) => ({ run_id: `${date}-${String(index).repeat(12)}`, run_date: date }));
const formats = ["jpeg", "jpeg", "png", "webp", "tiff"];
const cameras = [
  ["Canon", "Canon EOS R5"],
  ["SONY", "ILCE-7M4"],
  [null, null],
] as const;
const imagesARun = 60;

function rowAt(run: number, index: number): ImageRow {
  const { run_id, run_date } = worldRuns[run]!;
  const name = hostileNames[index] ?? `photos/${run_date}/${String(index).padStart(3, "0")}.jpg`;
  const generation = String(1_763_900_000_000_000_000n + BigInt(run * 1000 + index));
  const started = Date.parse(`${run_date}T02:00:00Z`);
  const shared = {
    run_id,
    run_date,
    name,
    generation,
    size_bytes: 500 * 3 ** (index % 9),
    processed_at: new Date(started + 2000 + index * 731).toISOString(),
    timings: { read_ms: index % 7, queue_ms: 0, process_ms: (index * 37) % 400, write_ms: 1.5 },
  };
  if (index % 10 === 3) {
    return bareRow({
      ...shared,
      reason: index % 20 === 3 ? "truncated" : "empty",
      message: `ends at <b>byte ${index}</b>`,
      camera_make: null,
    });
  }
  if (index % 10 === 8) return bareRow({ ...shared, outcome: "skipped", reason: "duplicate" });
  const [camera_make, camera_model] = cameras[index % cameras.length]!;
  const width = 100 * ((index % 13) + 1);
  return imageRow({
    ...shared,
    camera_make,
    camera_model,
    format: formats[(index + run) % formats.length]!,
    color_space: index % 11 === 0 ? "cmyk" : "srgb",
    width,
    height: 400,
    megapixels: (width * 400) / 1e6,
    outputs: [outputRow({ uri: `gs://archive/${run_date}/${run_id}/0a/thumbnails/256/${encodeURIComponent(name)}@${generation}.jpg` })],
  });
}

/** Four runs, the last of which has prices; of the truncated images there are copies that can be drawn. */
export async function fillWorld(warehouse: Warehouse, rowsStore: ObjectStore, control: ObjectStore): Promise<void> {
  await warehouse.ensure();
  for (const [run, { run_id, run_date }] of worldRuns.entries()) {
    const rows = Array.from({ length: imagesARun }, (_, index) => rowAt(run, index));
    const file = await writeRows(rowsStore, `${run_id}.ndjson.gz`, rows);
    await warehouse.load(loadRequest(rowsStore, [file], rows.length, { runId: run_id, runDate: run_date }));
    const count = (outcome: string): number => rows.filter((row) => row.outcome === outcome).length;
    await warehouse.putRun(
      runRow({
        run_id,
        run_date,
        objects: rows.length,
        ok: count("ok"),
        skipped: count("skipped"),
        quarantined: count("quarantined"),
        started_at: `${run_date}T02:00:00.000Z`,
        ended_at: `${run_date}T02:01:00.000Z`,
        wall_ms: 60_000,
        images_per_second: rows.length / 60,
        predicted_cost: run === worldRuns.length - 1 ? 1.25 : null,
        actual_cost: run === worldRuns.length - 1 ? 1.5 : null,
      }),
    );
    for (const row of rows.filter(({ reason }) => reason === "truncated")) {
      await control.write(controlNames.quarantine(run_id, row.name, row.generation), photograph);
    }
  }
}

export interface DuckdbWorld extends AsyncDisposable {
  folder: string;
  url: string;
  warehouse: Warehouse;
  control: ObjectStore;
}

export async function openDuckdbWorld(): Promise<DuckdbWorld> {
  const folder = await mkdtemp(join(tmpdir(), "imagemill-dashboard-"));
  const url = `duckdb://${folder}/warehouse.duckdb`;
  const warehouse = await openWarehouse(url, { log: silentLogger, clock: systemClock, random: systemRandom, lockTimeoutMs: 20_000 });
  const control = fileStore(join(folder, "control"));
  return {
    folder,
    url,
    warehouse,
    control,
    [Symbol.asyncDispose]: async () => {
      await Promise.all([warehouse.close(), control.close()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
