import assert from "node:assert/strict";
import { controlNames } from "../../core/layout.ts";
import type { Commit, Plan } from "../../core/types.ts";
import { jsonBytes, readJson } from "../../storage/objects.ts";
import type { Driver } from "../../submit/driver.ts";
import type { EngineStatus } from "../../submit/engines/engine.ts";
import { readInWork } from "../../submit/in-work.ts";
import { paceOf } from "../../submit/pace.ts";
import { planRun } from "../../submit/plan.ts";
import { run } from "../../submit/run.ts";
import { runStatus, statusEvent } from "../../submit/status.ts";
import { submitRun } from "../../submit/submit.ts";
import { fakeEngine } from "./fake-engine.ts";
import { planOf } from "./plans.ts";
import { bareRun, createWorld, type DriverWish, type World } from "./world.ts";

const objects = Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`photo ${index}.jpg`, `image ${index}`]));
const never = new AbortController().signal;

async function planned(driver: Driver): Promise<Plan> {
  const { runId } = await planRun(driver, bareRun, { save: true });
  return (await readJson<Plan>(driver.control, controlNames.plan(runId)))!;
}

async function note(driver: Driver, plan: Plan, shard: number, attempt: string, ...names: string[]): Promise<number> {
  const images = names.map((name) => ({ name, generation: "1" }));
  const name = controlNames.inFlight(plan.runId, plan.shards[shard]!.id, attempt);
  const { createdAt } = await driver.control.write(name, jsonBytes({ format: 1, images }));
  return Date.parse(createdAt ?? (await driver.control.stat(name))!.createdAt!);
}

/** A remote engine that says this of itself, and does nothing. */
function saying(world: World, status: EngineStatus): DriverWish {
  const createEngine = async () => {
    const engine = fakeEngine({ place: () => Promise.reject(new Error("no work here")), onEvent: () => undefined, remote: true });
    return Promise.resolve({
      ...engine,
      submit: async () => Promise.resolve({ runId: world.config.control, submission: 1 }),
      poll: async () => Promise.resolve(status),
    });
  };
  return { engine: { remote: true }, parts: { createEngine } };
}

describe("shards in work", () => {
  it("are those that left a note: which image is slow, how many attempts, whose worker is gone", async () => {
    await using world = await createWorld("memory", objects);
    await using driver = await world.driver();
    const plan = await planned(driver);
    await note(driver, plan, 0, "1-aaaa", "old.jpg");
    const at = await note(driver, plan, 0, "2-bbbb", "slow.jpg", "next.jpg");
    await note(driver, plan, 1, "1-cccc");
    const look = async (afterMs: number) => readInWork(driver.control, plan, new Map(), at + afterMs, never);
    const [first, second, ...others] = await look(4000);
    assert.deepEqual(first, {
      shard: plan.shards[0]!.id,
      attempts: 2,
      images: 2,
      slowest: { name: "slow.jpg", ms: 4000 },
      lost: false,
    });
    assert.deepEqual(second, { shard: plan.shards[1]!.id, attempts: 1, images: 0, lost: false });
    assert.deepEqual(others, []);
    const later = await look(plan.policy.limits.imageTimeoutMs + 60_001);
    assert.deepEqual(
      later.map(({ lost }) => lost),
      [true, false],
    );
  });
});

describe("the status of a run", () => {
  it("tells what a remote engine says: in work, retried, given up; and whether anybody works", async () => {
    await using world = await createWorld("memory", objects);
    const status: EngineStatus = { state: "running", running: 2, retried: 3, failed: 1 };
    await using driver = await world.driver(saying(world, status));
    const { runId, shards } = await submitRun(driver, bareRun);
    const found = await runStatus(driver, runId);
    assert.deepEqual(found.shards, {
      committed: 0,
      total: shards.total,
      running: 2,
      waiting: shards.total - 3,
      retried: 3,
      lost: 0,
      failed: 1,
    });
    assert.equal(found.remote?.state, "running");
    assert.match(found.next, /status .* --watch/);
    const event = statusEvent(found);
    assert.ok(event.type === "progress");
    assert.deepEqual(event.pace, { imagesPerSecond: 0 });
    Object.assign(status, { state: "lost", running: undefined });
    assert.match((await runStatus(driver, runId)).next, /^imagemill run /, "nobody works on it");
  });

  it("takes the workers' notes for the word of an engine that cannot be seen from here", async () => {
    await using world = await createWorld("memory", objects);
    await using driver = await world.driver(saying(world, { state: "lost", message: "elsewhere" }));
    const { runId } = await submitRun(driver, bareRun);
    const plan = (await readJson<Plan>(driver.control, controlNames.plan(runId)))!;
    await note(driver, plan, 0, "1-aaaa", "slow.jpg");
    const found = await runStatus(driver, runId);
    assert.equal(found.shards.running, 1);
    assert.equal(found.slowest?.name, "slow.jpg");
    assert.equal(found.slowest?.shard, plan.shards[0]!.id);
    assert.match(found.next, /status .* --watch/);
  });

  it("of a finished run has nothing in work and no end to come", async () => {
    await using world = await createWorld("memory", objects);
    await using driver = await world.driver();
    const { runId } = await run(driver, bareRun);
    const { shards, predictedEndAt, slowest } = await runStatus(driver, runId);
    assert.equal(shards.committed, shards.total);
    assert.deepEqual([shards.running, shards.waiting, shards.lost], [0, 0, 0]);
    assert.deepEqual([predictedEndAt, slowest], [undefined, undefined]);
  });
});

describe("the pace", () => {
  const { plan } = planOf(4, 10, { source: "", archive: "", control: "", warehouse: "" });
  const commit = (shard: number, from: string, to: string): [string, Commit] => [
    plan.shards[shard]!.id,
    { startedAt: `2026-11-23T08:00:${from}Z`, endedAt: `2026-11-23T08:00:${to}Z`, counts: { objects: 10 } } as Commit,
  ];
  const commits = new Map([commit(0, "00", "08"), commit(1, "00", "10")]);

  it("is that of the work done, by predicted work", () => {
    assert.deepEqual(paceOf(plan, commits), { imagesPerSecond: 2, remainingMs: 10_000 });
  });

  it("knows that work went on since the last commit, and never ends before now", () => {
    assert.equal(paceOf(plan, commits, Date.parse("2026-11-23T08:00:14Z")).remainingMs, 6000);
    assert.equal(paceOf(plan, commits, Date.parse("2026-11-23T09:00:00Z")).remainingMs, 0);
  });

  it("has no end before the first commit", () => {
    assert.deepEqual(paceOf(plan, new Map()), { imagesPerSecond: 0 });
  });
});
