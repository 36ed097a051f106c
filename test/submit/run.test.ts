import assert from "node:assert/strict";
import { ImagemillError } from "../../core/errors.ts";
import { systemClock } from "../../core/clock.ts";
import { requestKey } from "../../core/ids.ts";
import { controlNames } from "../../core/layout.ts";
import type { Plan, Seal } from "../../core/types.ts";
import { readJson } from "../../storage/objects.ts";
import { StoreError, type ObjectStore } from "../../storage/store.ts";
import { finishRun } from "../../submit/finish.ts";
import { requestOf } from "../../submit/planning.ts";
import { planRun } from "../../submit/plan.ts";
import { run } from "../../submit/run.ts";
import { runStatus } from "../../submit/status.ts";
import { counting } from "./counting.ts";
import { bareRun, createWorld, fakeClock, type World } from "./world.ts";

export const objects = Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`photo-${index}.jpg`, `image ${index}`]));

/** Each source object has exactly one row in the warehouse. */
export function assertOnce({ warehouse }: World, runId: string, names: string[]): void {
  const rows = warehouse.images.filter((row) => row.run_id === runId).map((row) => row.name);
  assert.deepEqual(rows.sort(), [...names].sort());
}

for (const kind of ["memory", "file"] as const) {
  describe(`a run on ${kind} stores`, () => {
    it("plans, works, seals, loads and reports, each object once", async () => {
      await using world = await createWorld(kind, { ...objects, "broken.jpg": "this one is bad" });
      await using driver = await world.driver();
      const summary = await run(driver, bareRun);
      assert.equal(summary.exitCode, 0);
      assert.equal(summary.state, "done");
      assert.deepEqual(
        { listed: summary.listed, ok: summary.ok, quarantined: summary.quarantined, rowsLoaded: summary.rowsLoaded },
        { listed: 13, ok: 12, quarantined: 1, rowsLoaded: 13 },
      );
      assert.deepEqual(summary.reasons, [{ reason: "corrupt", count: 1, examples: ["broken.jpg"] }]);
      assert.equal(summary.resumed, false);
      assertOnce(world, summary.runId, [...Object.keys(objects), "broken.jpg"]);
      const row = world.warehouse.runs.get(summary.runId)!;
      assert.deepEqual([row.predicted_cost, row.actual_cost], [null, null], "nothing has a price");
      assert.equal(row.ok + row.skipped + row.quarantined, row.objects);
      assert.ok(row.wall_ms > 0 && row.started_at < row.ended_at);
      const archive = await world.store("archive");
      const plan = (await readJson<Plan>(driver.control, controlNames.plan(summary.runId)))!;
      for (const shard of plan.shards) {
        assert.ok(await archive.stat(`${plan.runDate}/${plan.runId}/_metadata/${shard.id}.ndjson.gz`), "rows lie beside the outputs");
      }
      assert.deepEqual(
        world.events.filter((event) => event.type === "state").map((event) => event.state),
        ["running", "committed", "sealed", "loaded", "done"],
      );
      const progress = world.events.findLast((event) => event.type === "progress")!;
      assert.equal(progress.done.objects, 13);
      assert.deepEqual(progress.shards, { committed: plan.shards.length, running: 0, waiting: 0, retried: 0, failed: 0 });
    });

    it("is finished the second time: says so, lists no source, writes nothing", async () => {
      await using world = await createWorld(kind, objects);
      {
        await using driver = await world.driver();
        await run(driver, bareRun);
      }
      const calls: string[] = [];
      await using driver = await world.driver({ wrap: counting(calls) });
      const summary = await run(driver, bareRun);
      assert.equal(summary.finished, true);
      assert.equal(summary.exitCode, 0);
      assert.equal(summary.ok, 12);
      assert.deepEqual(calls, [`list ${world.config.control} runs/`]);
    });

    it("skips what is done in a rerun and takes what is new", async () => {
      await using world = await createWorld(kind, objects);
      await using driver = await world.driver();
      const first = await run(driver, bareRun);
      await (await world.store("source")).write("photo-new.jpg", Buffer.from("new"));
      const second = await run(driver, { ...bareRun, rerun: 2 });
      assert.notEqual(second.runId, first.runId);
      assert.deepEqual({ listed: second.listed, unchanged: second.unchanged, ok: second.ok }, { listed: 13, unchanged: 12, ok: 1 });
      const third = await run(driver, { ...bareRun, rerun: 3 });
      assert.deepEqual(
        { unchanged: third.unchanged, ok: third.ok, rows: third.rowsLoaded, exitCode: third.exitCode },
        { unchanged: 13, ok: 0, rows: 0, exitCode: 0 },
      );
      const fourth = await run(driver, { ...bareRun, rerun: 4, reprocess: true });
      assert.equal(fourth.ok, 13);
    });
  });
}

describe("run", () => {
  it("warns when nothing is selected, naming source and selection, and ends with 0", async () => {
    await using world = await createWorld("file", objects);
    await using driver = await world.driver({ config: { select: { include: ["*.png"], exclude: ["x/**"] } } });
    const summary = await run(driver, bareRun);
    assert.equal(summary.exitCode, 0);
    assert.equal(summary.listed, 0);
    assert.equal(summary.state, "done");
    const notice = world.events.find((event) => event.type === "notice" && event.level === "warn");
    assert.ok(notice?.type === "notice" && notice.text.includes(world.config.source) && notice.text.includes("*.png"));
  });

  it("stops at the gate with exit code 3, loads nothing, and loads once a person accepts", async () => {
    const many = { ...objects, "a.jpg": "bad", "b.jpg": "bad", "c.jpg": "bad" };
    await using world = await createWorld("memory", many);
    const strict = { policy: { ...world.config.policy, gate: { maxQuarantinedRatio: 0.1 } } };
    await using driver = await world.driver({ config: strict });
    for (const attempt of ["first", "again"]) {
      const summary = await run(driver, bareRun);
      assert.equal(summary.exitCode, 3, attempt);
      assert.equal(summary.state, "gated");
      assert.equal(summary.problem?.code, "GATE_CLOSED");
      assert.equal(
        summary.reasons.reduce((sum, { count }) => sum + count, 0),
        summary.quarantined,
      );
      assert.deepEqual(summary.reasons.map(({ examples }) => examples)[0]!.toSorted(), ["a.jpg", "b.jpg", "c.jpg"]);
      assert.match(summary.problem.hint!, new RegExp(`imagemill finish ${summary.runId} --accept-quarantined`));
      assert.equal(world.warehouse.images.length, 0);
      assert.equal((await runStatus(driver, summary.runId)).state, "gated");
    }
    const { runId } = await run(driver, bareRun);
    assert.equal((await finishRun(driver, runId, { acceptQuarantined: false })).exitCode, 3);
    const accepted = await finishRun(driver, runId, { acceptQuarantined: true });
    assert.equal(accepted.exitCode, 0);
    assert.equal(accepted.state, "done");
    assertOnce(world, runId, Object.keys(many));
    assert.equal((await readJson<Seal>(driver.control, controlNames.seal(runId)))?.acceptedQuarantined, true);
    assert.equal((await finishRun(driver, runId, { acceptQuarantined: true })).finished, true);
  });

  it("ends with 1 and keeps everything else when a shard can never be done, and does only that one later", async () => {
    await using world = await createWorld("memory", objects);
    const done: string[] = [];
    const before = (shard: string): void => {
      if (done.length === 2) throw new Error("the decoder ran into a wall");
      done.push(shard);
    };
    await using driver = await world.driver({ engine: { before } });
    const summary = await run(driver, bareRun);
    assert.equal(summary.exitCode, 1);
    assert.equal(summary.problem?.code, "SHARDS_FAILED");
    assert.match(summary.problem.message, /the decoder ran into a wall/);
    assert.equal(summary.shards.committed, 2);
    assert.equal(world.warehouse.images.length, 0);

    const later: string[] = [];
    await using well = await world.driver({ engine: { before: (shard) => void later.push(shard) } });
    const second = await run(well, bareRun);
    assert.equal(second.exitCode, 0);
    assert.equal(second.resumed, true);
    assert.equal(later.length, second.shards.total - 2);
    assert.ok(!later.some((shard) => done.includes(shard)));
    assertOnce(world, second.runId, Object.keys(objects));
  });

  it("refuses a plan that was made with other settings, and other code", async () => {
    await using world = await createWorld("memory", objects);
    const stop = new Error("enough");
    await using driver = await world.driver({ engine: { before: () => Promise.reject(stop) } });
    await run(driver, bareRun);
    const limits = { ...world.config.policy.limits, maxPixels: 1000 };
    await using other = await world.driver({ config: { policy: { ...world.config.policy, limits } } });
    await assert.rejects(run(other, bareRun), { code: "PLAN_DIFFERS", exitCode: 4 });
    await using newer = await world.driver({ parts: { code: () => ({ imagemill: "2", sharp: "1", libvips: "1" }) } });
    await assert.rejects(run(newer, bareRun), { code: "CODE_DIFFERS", exitCode: 4 });
  });

  it("starts no worker when the archive takes nothing, and does not mind a warehouse that is busy now", async () => {
    await using world = await createWorld("memory", objects);
    let begun = 0;
    const engine = { before: () => void (begun += 1) };
    const full = async (): Promise<never> => Promise.reject(new StoreError("PERMISSION_DENIED", "no", { hint: "Ask for it." }));
    const wrap = (store: ObjectStore, url: string): ObjectStore => (url === world.config.archive ? { ...store, write: full } : store);
    await using driver = await world.driver({ wrap, engine });
    await assert.rejects(run(driver, bareRun), { code: "ARCHIVE_UNWRITABLE", exitCode: 4, hint: "Ask for it." });
    assert.equal(begun, 0);
    const planned: string[] = [];
    for await (const page of driver.control.list())
      planned.push(...page.objects.map(({ name }) => name).filter((name) => name.endsWith("plan.json")));
    assert.deepEqual(planned, [], "a plan that cannot be worked on is not kept: it could not be changed");
    let looks = 0;
    const ensure = (): Promise<never[]> => {
      looks += 1;
      return looks === 1 ? Promise.reject(new ImagemillError("WAREHOUSE_BUSY", "a notebook has it")) : Promise.resolve([]);
    };
    await using other = await world.driver({ engine, parts: { openWarehouse: () => Promise.resolve({ ...world.warehouse, ensure }) } });
    assert.equal((await run(other, bareRun)).exitCode, 0);
    assert.equal(looks, 2);
  });

  it("first continues what an earlier date left, then does today's", async () => {
    await using world = await createWorld("memory", objects);
    const yesterday = fakeClock("2026-11-22T23:00:00Z");
    await using failing = await world.driver({ clock: yesterday, engine: { before: () => Promise.reject(new Error("night")) } });
    const left = await run(failing, bareRun);
    assert.equal(left.exitCode, 1);
    await (await world.store("source")).write("photo-new.jpg", Buffer.from("new"));
    await using driver = await world.driver();
    const today = await run(driver, bareRun);
    assert.equal(today.exitCode, 0);
    assert.deepEqual(
      today.continued.map(({ runId, ok, state }) => ({ runId, ok, state })),
      [{ runId: left.runId, ok: 12, state: "done" }],
    );
    assert.deepEqual({ listed: today.listed, unchanged: today.unchanged, ok: today.ok }, { listed: 13, unchanged: 12, ok: 1 });
    assert.ok(today.runId.endsWith(requestKey(await requestOf(driver, bareRun))));
  });

  it("records what it should have cost and what it cost, where there are prices", async () => {
    await using world = await createWorld("memory", objects);
    const prices = { currency: "EUR", localHour: 3600, minimumBilledMs: 1 };
    await using driver = await world.driver({ config: { prices } });
    const plan = await planRun(driver, bareRun, { save: true });
    const { runId } = await run(driver, bareRun);
    const { predicted_cost: predicted, actual_cost: actual } = world.warehouse.runs.get(runId)!;
    assert.equal(plan.currency, "EUR");
    assert.ok(plan.predictedSeconds > 0);
    assert.equal(plan.predictedCost, predicted);
    assert.ok(Math.abs(predicted! - plan.predictedSeconds) < 0.01, "an hour for 3,600 is a second for 1");
    assert.ok(actual! > 0);
  });

  it("is not held up by an earlier run whose gate stays closed", async () => {
    await using world = await createWorld("memory", { "a.jpg": "bad", "b.jpg": "bad" });
    await using last = await world.driver({ clock: fakeClock("2026-11-22T23:00:00Z") });
    assert.equal((await run(last, bareRun)).exitCode, 3);
    for (const [name, text] of Object.entries(objects)) await (await world.store("source")).write(name, Buffer.from(text));
    await using driver = await world.driver();
    const today = await run(driver, bareRun);
    assert.equal(today.exitCode, 0);
    assert.equal(today.ok, 12);
    assert.equal(today.continued[0]?.exitCode, 3);
  });

  it("stops at its deadline and goes on later", async () => {
    await using world = await createWorld("memory", objects);
    const limits = { ...world.config.policy.limits, runTimeoutMs: 1500 };
    const forever = async (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1000));
    const config = { policy: { ...world.config.policy, limits } };
    await using driver = await world.driver({ config, clock: systemClock, engine: { before: forever } });
    const summary = await run(driver, bareRun);
    assert.equal(summary.exitCode, 1);
    assert.equal(summary.problem?.code, "RUN_TIMEOUT");
  });

  it("ends with 130 on Ctrl-C and continues after", async () => {
    await using world = await createWorld("memory", objects);
    const stop = new AbortController();
    let begun = 0;
    const before = (): void => {
      if ((begun += 1) === 2) stop.abort();
    };
    await using driver = await world.driver({ signal: stop.signal, engine: { before } });
    const summary = await run(driver, bareRun);
    assert.equal(summary.exitCode, 130);
    assert.equal(summary.problem?.code, "CANCELLED");
    await using next = await world.driver();
    const again = await run(next, bareRun);
    assert.equal(again.exitCode, 0);
    assertOnce(world, again.runId, Object.keys(objects));
  });
});
