import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { controlNames } from "../../core/layout.ts";
import type { ImageRow } from "../../core/rows.ts";
import { withFaults } from "../../storage/faults.ts";
import { startInProcess } from "./in-process.ts";
import { openPlain, planRun, runId, type PlannedRun, type RunOptions } from "./planned-run.ts";
import { plainJpeg, tinyPng } from "./pictures.ts";
import { work } from "./working.ts";

async function rowsOf(run: PlannedRun, options?: Parameters<typeof work>[1]): Promise<ImageRow[]> {
  assert.equal((await work(run, { startChild: startInProcess(openPlain), ...options })).exitCode, 0);
  return run.rows(run.shards[0]!);
}

async function rowsOfRun(options: RunOptions): Promise<ImageRow[]> {
  await using run = await planRun(options);
  return await rowsOf(run);
}

const outcomeOf = ({ name, outcome, reason }: ImageRow): string => [name, outcome, reason ?? ""].join(" ").trim();

describe("outcomes", function () {
  this.timeout(30_000);

  it("too_large is not read, not even to see", async () => {
    const rows = await rowsOfRun({ objects: { "a.jpg": await plainJpeg("red") }, limits: { maxObjectBytes: 100 } });
    assert.deepEqual(rows.map(outcomeOf), ["a.jpg quarantined too_large"]);
    assert.match(rows[0]!.message!, /limits\.maxObjectBytes/);
    assert.equal(rows[0]!.sha256, null);
  });

  it("too_many_pixels says how many and what the limit is", async () => {
    const rows = await rowsOfRun({ objects: { "a.jpg": await plainJpeg("red") }, limits: { maxPixels: 1000 } });
    assert.deepEqual(rows.map(outcomeOf), ["a.jpg quarantined too_many_pixels"]);
    assert.match(rows[0]!.message!, /500 x 375/);
  });

  it("source_changed: the generation of the plan is gone, by change or by deletion", async () => {
    await using run = await planRun({
      objects: { "a.jpg": await plainJpeg("red"), "b.jpg": await plainJpeg("blue"), "c.jpg": await plainJpeg("green") },
    });
    await writeFile(join(run.folder, "source", "a.jpg"), await plainJpeg("black"));
    await rm(join(run.folder, "source", "b.jpg"));
    assert.deepEqual((await rowsOf(run)).map(outcomeOf), ["a.jpg skipped source_changed", "b.jpg skipped source_changed", "c.jpg ok"]);
  });

  it("unreadable: bytes that never are what the manifest says", async () => {
    await using run = await planRun({ objects: { "a.png": await tinyPng("red"), "b.png": await tinyPng("blue") } });
    const open = async (url: string): ReturnType<typeof openPlain> =>
      withFaults(await openPlain(url), ({ op, name }) => (op === "read" && name === "a.png" ? { kind: "truncate" } : undefined)).store;
    const rows = await rowsOf(run, { startChild: startInProcess(open) });
    assert.deepEqual(rows.map(outcomeOf), ["a.png quarantined unreadable", "b.png ok"]);
    assert.equal(await run.control.stat(controlNames.quarantine(runId, "a.png", rows[0]!.generation)), undefined);
  });

  it("a replay reads the quarantine's copy when the pinned generation is gone", async () => {
    const red = await plainJpeg("red");
    const name = controlNames.quarantine(runId, "a.jpg", "1");
    await using run = await planRun({
      objects: { "a.jpg": red },
      entry: (entry) => ({ ...entry, generation: "1", quarantineCopy: name }),
    });
    await run.control.write(name, red);
    const [row] = await rowsOf(run);
    assert.equal(row!.outcome, "ok");
    assert.equal(row!.sha256, createHash("sha256").update(red).digest("hex"));
    assert.deepEqual(
      row!.outputs.map(({ job }) => job),
      ["thumbnails", "source"],
    );
  });

  it("adopts the outputs of an earlier attempt, and its rows tell their digests", async () => {
    await using run = await planRun({ objects: { "a.jpg": await plainJpeg("red") } });
    const [first] = await rowsOf(run);
    await run.control.delete(controlNames.commit(runId, run.shards[0]!));
    const [second] = await rowsOf(run);
    assert.notEqual(second!.attempt, first!.attempt);
    assert.deepEqual(second!.outputs, first!.outputs);
  });

  it("leaves the source alone where the archive shall not have it", async () => {
    const [row] = await rowsOfRun({ objects: { "a.jpg": await plainJpeg("red") }, archiveSources: false });
    assert.deepEqual(
      row!.outputs.map(({ job }) => job),
      ["thumbnails"],
    );
  });

  it("any name that a folder can hold", async () => {
    const names = [
      " a b.jpg",
      "'quo\"ted'.jpg",
      "line\nbreak.jpg",
      "x/..y/z.jpg",
      "日本/é.jpg",
      "emoji 😀.jpg",
      `${"long/".repeat(40)}x.jpg`,
    ];
    const objects = Object.fromEntries(
      await Promise.all(names.map(async (name, index) => [name, await plainJpeg("red", 100 + index)] as const)),
    );
    const rows = await rowsOfRun({ objects });
    assert.deepEqual(rows.map(({ name }) => name).sort(), names.sort());
    assert.ok(rows.every(({ outcome, outputs }) => outcome === "ok" && outputs.length === 2));
  });
});

describe("duplicates", function () {
  this.timeout(30_000);

  it("point at the first equal object that is ok, however many there are", async () => {
    const red = await plainJpeg("red");
    const objects = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`${10 + index}.jpg`, red]));
    await using run = await planRun({ objects });
    const { exitCode } = await work(run, { shape: { threads: 2, tasksPerThread: 2 } });
    assert.equal(exitCode, 0);
    const rows = await run.rows(run.shards[0]!);
    assert.equal(outcomeOf(rows[0]!), "10.jpg ok");
    for (const row of rows.slice(1)) {
      assert.equal(row.reason, "duplicate");
      assert.deepEqual(row.twin, { run_id: runId, name: "10.jpg", generation: rows[0]!.generation });
    }
  });

  it("equal size alone makes none", async () => {
    const one = Buffer.concat([await plainJpeg("red"), Buffer.from("1")]);
    const two = Buffer.concat([await plainJpeg("red"), Buffer.from("2")]);
    const rows = await rowsOfRun({ objects: { "a.jpg": one, "b.jpg": two } });
    assert.deepEqual(rows.map(outcomeOf), ["a.jpg ok", "b.jpg ok"]);
  });

  it("of an object that is quarantined are quarantined, too: each is processed", async () => {
    const rows = await rowsOfRun({ objects: { "a.txt": Buffer.from("text"), "b.txt": Buffer.from("text"), "c.txt": Buffer.from("text") } });
    assert.deepEqual(new Set(rows.map(({ reason }) => reason)), new Set(["not_an_image"]));
  });

  it("of an earlier run's object point at it, if SHA-256 agrees", async () => {
    const red = await plainJpeg("red");
    const sha256 = createHash("sha256").update(red).digest("hex");
    const twin = { name: "old.jpg", generation: "7", runId: "2026-11-20-000000000000" };
    const rows = await rowsOfRun({
      objects: { "a.jpg": red, "b.jpg": await plainJpeg("blue") },
      entry: (entry) => ({
        ...entry,
        twins: [{ ...twin, sha256: "0".repeat(64) }, ...(entry.name === "a.jpg" ? [{ ...twin, sha256 }] : [])],
      }),
    });
    assert.deepEqual(rows.map(outcomeOf), ["a.jpg skipped duplicate", "b.jpg ok"]);
    assert.deepEqual(rows[0]!.twin, { run_id: twin.runId, name: "old.jpg", generation: "7" });
  });
});
