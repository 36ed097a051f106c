import assert from "node:assert/strict";
import sharp from "sharp";
import { writeReport } from "../../analysis/report/write.ts";
import type { RunNumbers } from "../../analysis/report/numbers.ts";
import { archiveNames, controlNames } from "../../core/layout.ts";
import type { ImageRow } from "../../core/rows.ts";
import { chequeredPng } from "../../demo/broken.ts";
import { memoryStore } from "../../storage/memory.ts";
import { readJson } from "../../storage/objects.ts";
import { StoreError, type ObjectStore } from "../../storage/store.ts";
import { commitOf, imageRow, planOf, runDate, runId, storeRun } from "./stored-run.ts";

const generation = "7";

async function photo(color: string): Promise<Buffer> {
  return await sharp({ create: { width: 256, height: 200, channels: 3, background: color } })
    .jpeg()
    .toBuffer();
}

/** One image that is ok, with its output in the archive, and one of too many pixels, with its copy in quarantine. */
async function world(until?: "committed" | "sealed" | "loaded"): Promise<{ control: ObjectStore; archive: ObjectStore; rows: ImageRow[] }> {
  const [control, archive] = [memoryStore({ url: "memory://control" }), memoryStore({ url: "memory://archive" })];
  const output = await photo("#2060a0");
  const name = archiveNames.output({ runDate, runId }, "thumbnails", "256", { name: "boats/one.jpg", generation }, "jpg");
  await archive.write(name, output);
  await control.write(controlNames.quarantine(runId, "huge.png", generation), chequeredPng(16_000, 16_000));
  const rows = [
    imageRow("boats/one.jpg", {
      generation,
      outputs: [
        {
          job: "thumbnails",
          variant: "256",
          uri: archive.uri(name),
          member: null,
          generation: "1",
          crc32c: "",
          size_bytes: output.length,
          width: 256,
          height: 200,
          format: "jpeg",
        },
      ],
    }),
    imageRow("huge.png", { generation, outcome: "quarantined", reason: "too_many_pixels", message: "256 megapixels", shard: "00001-bb" }),
    imageRow("empty.jpg", { generation, outcome: "quarantined", reason: "empty", message: "no bytes", shard: "00001-bb" }),
  ];
  const plan = planOf([
    { id: "00000-aa", objects: 1 },
    { id: "00001-bb", objects: 2 },
  ]);
  await storeRun(
    control,
    plan,
    [
      { commit: commitOf("00000-aa", rows.slice(0, 1)), rows: rows.slice(0, 1) },
      { commit: commitOf("00001-bb", rows.slice(1)), rows: rows.slice(1) },
    ],
    until,
  );
  return { control, archive, rows };
}

async function pageOf(control: ObjectStore): Promise<string> {
  return Buffer.from((await control.read(controlNames.reportPage(runId))).bytes).toString("utf8");
}

describe("writeReport", function () {
  this.timeout(30_000);

  it("writes the numbers and a page with pictures of what was quarantined and of what was made", async () => {
    const { control, archive } = await world();
    const { page: uri, json } = await writeReport({ runId, control, archive });
    assert.deepEqual(
      { page: uri, json },
      { page: `memory://control/runs/${runId}/report.html`, json: `memory://control/runs/${runId}/report.json` },
    );
    const numbers = await readJson<RunNumbers>(control, controlNames.report(runId));
    assert.equal(numbers?.state, "done");
    assert.deepEqual(numbers?.counts, {
      objects: 3,
      ok: 1,
      skipped: 0,
      quarantined: 2,
      outputs: 1,
      bytesIn: 300_000,
      bytesOut: numbers.counts.bytesOut,
    });
    const page = await pageOf(control);
    assert.match(page, /1 image ok, 2 quarantined/);
    assert.equal(page.match(/<img\s/g)?.length, 2);
    const shown = Buffer.from(/alt="quarantined image"/.exec(page) ? (/base64,([^"]*)"/.exec(page)?.[1] ?? "") : "", "base64");
    assert.equal((await sharp(shown).metadata()).width, 240);
  });

  it("writes nothing when it would write the same", async () => {
    const { control, archive } = await world();
    await writeReport({ runId, control, archive });
    const readOnly: ObjectStore = {
      ...control,
      write: () => Promise.reject(new StoreError("PERMISSION_DENIED", "nothing is to be written")),
    };
    await writeReport({ runId, control: readOnly, archive });
  });

  it("serves a run at any point of its way, and is replaced as the run goes on", async () => {
    for (const [until, state] of [
      ["committed", "committed"],
      ["sealed", "sealed"],
      ["loaded", "done"],
    ] as const) {
      const { control, archive } = await world(until);
      await control.write(controlNames.reportPage(runId), Buffer.from("an earlier page"));
      await writeReport({ runId, control, archive });
      assert.equal((await readJson<RunNumbers>(control, controlNames.report(runId)))?.state, state);
      assert.match(await pageOf(control), /^<!doctype html>/);
    }
  });

  it("does without what has expired", async () => {
    const { control } = await world();
    await control.delete(controlNames.quarantine(runId, "huge.png", generation));
    await writeReport({ runId, control, archive: memoryStore() });
    assert.doesNotMatch(await pageOf(control), /<img\s/);
  });

  it("says so when there is no such run, and when a rows file is damaged", async () => {
    await assert.rejects(writeReport({ runId, control: memoryStore(), archive: memoryStore() }), { code: "RUN_ABSENT" });
    const { control, archive } = await world();
    await control.write(controlNames.rows(runId, "00000-aa", "1-00"), Buffer.from("not gzip"));
    await assert.rejects(writeReport({ runId, control, archive }), { code: "CORRUPT_FILE" });
  });

  it("stops at its signal", async () => {
    const { control, archive } = await world();
    await assert.rejects(writeReport({ runId, control, archive, signal: AbortSignal.abort(new Error("stop")) }), /stop/);
  });
});
