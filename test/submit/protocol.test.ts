import assert from "node:assert/strict";
import { systemClock, systemRandom } from "../../core/clock.ts";
import { controlNames } from "../../core/layout.ts";
import type { Plan } from "../../core/types.ts";
import { readJson } from "../../storage/objects.ts";
import { StoreError, type ObjectStore } from "../../storage/store.ts";
import { cancelRun } from "../../submit/cancel.ts";
import { replayRun } from "../../submit/replay.ts";
import { run } from "../../submit/run.ts";
import { runStatus } from "../../submit/status.ts";
import { submitRun } from "../../submit/submit.ts";
import { finishRun } from "../../submit/finish.ts";
import { fakeService } from "./fake-engine.ts";
import { workShard } from "./fake-work.ts";
import { bareRun, createWorld, type World } from "./world.ts";

const objects = Object.fromEntries(Array.from({ length: 6 }, (_, index) => [`photo-${index}.jpg`, index === 3 ? "bad" : `image ${index}`]));

/** Nothing quarantined: no pictures of it, which take time. */
const sound = { "a.jpg": "image a", "b.jpg": "image b", "c.jpg": "image c" };

function assertOnce({ warehouse }: World, runId: string, of: Record<string, string> = objects): void {
  const rows = warehouse.images.filter((row) => row.run_id === runId).map((row) => row.name);
  assert.deepEqual(rows.sort(), Object.keys(of).sort());
  assert.equal(warehouse.runs.get(runId)?.objects, rows.length);
}

type Effect = "before" | "after";

/** Fails the Nth call that counts, once, with or without its effect; `calls` tells how many there were. */
function failing(nth: number, effect: Effect, seen: { calls: number }): (store: ObjectStore) => ObjectStore {
  const act = async <T>(name: string, doing: () => Promise<T>): Promise<T> => {
    seen.calls += 1;
    const mine = seen.calls === nth;
    if (mine && effect === "before") throw new StoreError("UNAVAILABLE", `fault at call ${nth}: ${name}`);
    const result = await doing();
    if (mine) throw new StoreError("UNAVAILABLE", `fault after call ${nth}: ${name}`);
    return result;
  };
  return (store) => ({
    ...store,
    stat: async (name, options) => act(`stat ${name}`, async () => store.stat(name, options)),
    read: async (name, options) => act(`read ${name}`, async () => store.read(name, options)),
    write: async (name, bytes, options) => act(`write ${name}`, async () => store.write(name, bytes, options)),
    copy: async (source, name, options) => act(`copy ${name}`, async () => store.copy(source, name, options)),
    delete: async (name, options) => act(`delete ${name}`, async () => store.delete(name, options)),
  });
}

describe("the protocol under faults", () => {
  for (const effect of ["before", "after"] as const) {
    it(`whichever call of control store and archive fails ${effect} its effect, running again ends with each row once`, async function () {
      this.timeout(120_000);
      for (let nth = 1; ; nth += 1) {
        await using world = await createWorld("memory", sound);
        const seen = { calls: 0 };
        const fault = failing(nth, effect, seen);
        const wrap = (store: ObjectStore, url: string): ObjectStore => (url === world.config.source ? store : fault(store));
        await using driver = await world.driver({ wrap });
        const first = await run(driver, bareRun).catch((error: unknown) => {
          assert.ok(error instanceof StoreError, `fault ${nth}: ${String(error)}`);
          return undefined;
        });
        await using well = await world.driver();
        const second = await run(well, bareRun);
        assert.equal(second.exitCode, 0, `fault ${nth}`);
        assertOnce(world, second.runId, sound);
        assert.equal((await runStatus(well, second.runId)).state, "done");
        if (seen.calls < nth) {
          assert.equal(first?.exitCode, 0);
          assert.ok(nth > 30, `only ${nth} calls`);
          break;
        }
      }
    });
  }

  it("whichever step of the warehouse fails, running again ends with each row once", async () => {
    for (const at of ["load before", "load after", "putRun before", "putRun after"]) {
      await using world = await createWorld("memory", objects);
      const { warehouse } = world;
      let failed = false;
      const once = (operation: string): void => {
        if (operation !== at || failed) return;
        failed = true;
        throw new Error(`fault at ${at}`);
      };
      const faulty = {
        ...warehouse,
        load: async (...request: Parameters<typeof warehouse.load>) => {
          once("load before");
          const result = await warehouse.load(...request);
          once("load after");
          return result;
        },
        putRun: async (...row: Parameters<typeof warehouse.putRun>) => {
          once("putRun before");
          await warehouse.putRun(...row);
          once("putRun after");
        },
      };
      await using driver = await world.driver({ parts: { openWarehouse: () => Promise.resolve(faulty) } });
      await assert.rejects(run(driver, bareRun), /fault at/);
      const { runId, exitCode } = await run(driver, bareRun);
      assert.equal(exitCode, 0);
      assertOnce(world, runId);
    }
  });

  it("two drivers at once come to one plan, one seal, one load, one ledger segment", async () => {
    for (let round = 0; round < 5; round += 1) {
      await using world = await createWorld("memory", objects);
      // As on two machines: each with its own locks.
      const [a, b] = await Promise.all([world.driver({ machine: "a" }), world.driver({ machine: "b" })]);
      const [first, second] = await Promise.all([run(a, bareRun), run(b, bareRun)]);
      assert.equal(first.runId, second.runId);
      assert.equal(first.planId, second.planId);
      assert.deepEqual([first.exitCode, second.exitCode], [0, 0]);
      assertOnce(world, first.runId);
      const names: string[] = [];
      for await (const page of a.control.list({ prefix: "ledger/" })) names.push(...page.objects.map((object) => object.name));
      assert.equal(names.filter((name) => /\/\d{6}\.json$/.test(name)).length, 1);
      await a[Symbol.asyncDispose]();
      await b[Symbol.asyncDispose]();
    }
  });
});

describe("a zombie", () => {
  it("that goes on after the end changes nothing that anybody sees", async () => {
    await using world = await createWorld("memory", objects);
    await using driver = await world.driver();
    const { runId } = await run(driver, bareRun);
    const before = [...world.warehouse.images];
    const plan = (await readJson<Plan>(driver.control, controlNames.plan(runId)))!;
    const commits = await Promise.all(plan.shards.map(async ({ id }) => readJson(driver.control, controlNames.commit(runId, id))));
    const place = { control: driver.control, source: await world.store("source"), archive: await world.store("archive") };
    const said: string[] = [];
    for (const { id } of plan.shards) {
      await workShard({ ...place, clock: systemClock, random: systemRandom }, runId, id, (event) => said.push(event.type));
    }
    assert.ok(said.includes("shard-superseded") && !said.includes("shard-committed"));
    assert.equal((await run(driver, bareRun)).finished, true);
    assert.deepEqual(
      await Promise.all(plan.shards.map(async ({ id }) => readJson(driver.control, controlNames.commit(runId, id)))),
      commits,
    );
    assert.deepEqual(world.warehouse.images, before);
  });
});

describe("cancel", () => {
  it("stops a live local run, which running again takes up", async () => {
    await using world = await createWorld("memory", objects);
    await using other = await world.driver();
    let runId = "";
    const before = async (): Promise<void> => {
      if (runId !== "") return new Promise((resolve) => setTimeout(resolve, 200));
      for await (const page of other.control.list({ prefix: "runs/", delimiter: "/" })) runId = page.prefixes[0]!.slice(5, -1);
      assert.equal((await runStatus(other, runId)).driver?.pid, process.pid);
      await cancelRun(other, runId);
    };
    await using driver = await world.driver({ engine: { before } });
    const summary = await run(driver, bareRun);
    assert.equal(summary.exitCode, 130);
    const status = await runStatus(other, runId);
    assert.deepEqual({ cancelled: status.cancelled, state: status.state }, { cancelled: true, state: "running" });
    const again = await run(other, bareRun);
    assert.equal(again.exitCode, 0);
    assertOnce(world, runId);
    assert.equal((await runStatus(other, runId)).cancelled, false);
    assert.deepEqual(await cancelRun(other, runId), { runId, stopped: "nothing", state: "done" });
  });

  it("refuses a run that is not there", async () => {
    await using world = await createWorld("memory", objects);
    await using driver = await world.driver();
    await assert.rejects(cancelRun(driver, "2026-11-23-0123456789ab"), { code: "RUN_ABSENT", exitCode: 4 });
    await assert.rejects(runStatus(driver, "2026-11-23-0123456789ab"), { code: "RUN_ABSENT", exitCode: 4 });
    await assert.rejects(finishRun(driver, "yesterday", { acceptQuarantined: false }), { code: "USAGE" });
  });
});

describe("a remote run", () => {
  beforeEach(() => fakeService.clear());

  it("is submitted, seen from elsewhere, and finished by another driver", async () => {
    await using world = await createWorld("memory", objects);
    await using driver = await world.driver({ engine: { remote: true } });
    const submitted = await submitRun(driver, bareRun);
    assert.deepEqual(
      { remote: submitted.remote, engine: submitted.engine, exitCode: submitted.exitCode },
      { remote: true, engine: "spark", exitCode: 0 },
    );
    assert.equal(submitted.links.length, 1);
    await using elsewhere = await world.driver({ engine: { remote: true } });
    const status = await runStatus(elsewhere, submitted.runId);
    assert.equal(status.remote?.engine, "spark");
    // Attaches: nothing is submitted a second time.
    const summary = await run(elsewhere, bareRun);
    assert.equal(summary.exitCode, 0);
    assert.equal(fakeService.size, 1);
    assertOnce(world, summary.runId);
    assert.equal((await finishRun(driver, summary.runId, { acceptQuarantined: false })).finished, true);
  });

  it("is submitted anew, under another number, when it ended with shards left", async () => {
    await using world = await createWorld("memory", objects);
    let fail = true;
    const before = (): void => {
      if (fail) throw new Error("preempted");
    };
    await using driver = await world.driver({ engine: { remote: true, before } });
    const failed = await run(driver, bareRun);
    assert.equal(failed.exitCode, 1);
    assert.match(failed.problem!.message, /preempted/);
    fail = false;
    const again = await run(driver, bareRun);
    assert.equal(again.exitCode, 0);
    assert.deepEqual([...fakeService.keys()], [`${again.runId}#1`, `${again.runId}#2`]);
    assertOnce(world, again.runId);
  });

  it("goes on after Ctrl-C, and is stopped at the deadline", async () => {
    await using world = await createWorld("memory", objects);
    const slow = async (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 300));
    const stop = new AbortController();
    await using driver = await world.driver({ engine: { remote: true, before: slow }, clock: systemClock, signal: stop.signal });
    const watching = run(driver, { ...bareRun, runDate: "2026-11-23" });
    setTimeout(() => stop.abort(), 500);
    const stopped = await watching;
    assert.equal(stopped.exitCode, 130);
    assert.match(stopped.problem!.hint!, /goes on without this process/);
    const job = fakeService.get(`${stopped.runId}#1`)!;
    assert.equal(job.stopped, false);
    const limits = { ...world.config.policy.limits, runTimeoutMs: 200 };
    const config = { policy: { ...world.config.policy, limits } };
    await using hurried = await world.driver({ engine: { remote: true, before: slow }, clock: systemClock, config });
    const late = await run(hurried, { ...bareRun, runDate: "2026-11-24" });
    assert.equal(late.problem?.code, "RUN_TIMEOUT");
    assert.equal(fakeService.get(`${late.runId}#1`)!.stopped, true);
    job.stopped = true;
  });

  it("says what is missing when it is finished too early", async () => {
    await using world = await createWorld("memory", objects);
    const slow = async (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 50));
    await using driver = await world.driver({ engine: { remote: true, before: slow } });
    const { runId } = await submitRun(driver, bareRun);
    const early = await finishRun(driver, runId, { acceptQuarantined: true });
    assert.equal(early.exitCode, 3);
    assert.equal(early.problem?.code, "NOT_COMMITTED");
    const cancelled = await cancelRun(driver, runId);
    assert.equal(cancelled.stopped, "remote");
    const after = await run(driver, bareRun);
    assert.equal(after.exitCode, 0);
    assertOnce(world, runId);
  });
});

describe("replay", () => {
  it("does the quarantined objects again, linked to its parent, from the kept copy where the object is gone", async () => {
    await using world = await createWorld("memory", objects);
    await using driver = await world.driver();
    const parent = await run(driver, bareRun);
    assert.equal(parent.quarantined, 1);
    await (await world.store("source")).delete("photo-3.jpg");
    const replay = await replayRun(driver, parent.runId, {});
    assert.equal(replay.exitCode, 0);
    assert.deepEqual({ listed: replay.listed, quarantined: replay.quarantined }, { listed: 1, quarantined: 1 });
    const plan = (await readJson<Plan>(driver.control, controlNames.plan(replay.runId)))!;
    assert.equal(plan.request.replay?.runId, parent.runId);
    assert.equal((await replayRun(driver, parent.runId, {})).finished, true);
    assert.notEqual((await replayRun(driver, parent.runId, { number: 2 })).runId, replay.runId);
    const none = await replayRun(driver, parent.runId, { reasons: ["timeout"] });
    assert.deepEqual({ listed: none.listed, exitCode: none.exitCode }, { listed: 0, exitCode: 0 });
  });

  it("waits for its parent", async () => {
    await using world = await createWorld("memory", objects);
    await using driver = await world.driver({ engine: { before: () => Promise.reject(new Error("no")) } });
    const { runId } = await run(driver, bareRun);
    await assert.rejects(replayRun(driver, runId, {}), { code: "USAGE" });
  });
});
