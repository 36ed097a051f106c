import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import type { WorkerEvent } from "../../core/events.ts";
import { planRun, type PlannedRun } from "./planned-run.ts";
import { startWorker, type WorkerProcess } from "./worker-process.ts";
import { work } from "./working.ts";

/** Enough images that a worker is still at it when it is interrupted. */
async function longRun(count: number, shardCount = 1): Promise<PlannedRun> {
  const base = sharp({
    create: { width: 1200, height: 900, channels: 3, noise: { type: "gaussian", mean: 128, sigma: 40 }, background: "red" },
  });
  const bytes = await base.jpeg({ quality: 90 }).toBuffer();
  const objects = Array.from({ length: count }, (_, index) => {
    const own = Buffer.concat([bytes, Buffer.alloc(index + 1, 7)]);
    return [`${String(index).padStart(3, "0")}.jpg`, own] as const;
  });
  return planRun({ objects: Object.fromEntries(objects), shardCount });
}

/** Images that keep a fast machine busy for longer than the first report of progress takes. */
const long = 160;

const underWay = (event: WorkerEvent): boolean => event.type === "progress" && event.counts.objects > 2;

function poolPidOf(worker: WorkerProcess): number {
  const { pid } = worker.child;
  const found = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .find((name) => {
      try {
        return (
          readFileSync(join("/proc", name, "stat"), "utf8")
            .split(") ")[1]
            ?.split(" ")[1] === String(pid)
        );
      } catch {
        // It has ended since it was listed.
        return false;
      }
    });
  return Number(found);
}

async function assertWhole(run: PlannedRun, shard: string): Promise<void> {
  const rows = await run.rows(shard);
  const names: string[] = [];
  for await (const page of run.source.list()) names.push(...page.objects.map(({ name }) => name));
  assert.deepEqual(
    rows.map(({ name }) => name),
    names,
  );
  assert.ok(rows.every(({ outcome }) => outcome === "ok"));
}

describe("interrupted workers", function () {
  this.timeout(60_000);

  it("SIGKILL of the pool process costs nothing but time", async () => {
    await using run = await longRun(long);
    const worker = startWorker(run, run.shards[0]!);
    await worker.next(underWay);
    process.kill(poolPidOf(worker), "SIGKILL");
    assert.deepEqual(await worker.exit, { code: 0, signal: null });
    await assertWhole(run, run.shards[0]!);
  });

  it("SIGKILL of the supervisor ends its pool process, leaves no commit, and the next attempt finishes", async () => {
    await using run = await longRun(long);
    const worker = startWorker(run, run.shards[0]!);
    await worker.next(underWay);
    const pool = poolPidOf(worker);
    worker.child.kill("SIGKILL");
    await worker.exit;
    await ended(pool);
    assert.equal(await run.commit(run.shards[0]!), undefined);
    assert.equal((await work(run)).exitCode, 0);
    await assertWhole(run, run.shards[0]!);
  });

  for (const [signal, code] of [
    ["SIGTERM", 143],
    ["SIGINT", 130],
  ] as const) {
    it(`${signal} ends it within seconds with exit code ${code}, uncommitted; the next attempt suspects nobody and finishes`, async () => {
      await using run = await longRun(long);
      const worker = startWorker(run, run.shards[0]!);
      await worker.next(underWay);
      const since = performance.now();
      worker.child.kill(signal);
      assert.deepEqual(await worker.exit, { code, signal: null });
      assert.ok(performance.now() - since < 5000);
      assert.equal(await run.commit(run.shards[0]!), undefined);
      const again = startWorker(run, run.shards[0]!);
      assert.equal((await again.exit).code, 0);
      assert.doesNotMatch(again.stderr(), /suspects-of-earlier-attempts/);
      await assertWhole(run, run.shards[0]!);
    });
  }

  it("two attempts at one shard: one commits, the other is superseded, both end well", async () => {
    await using run = await longRun(12);
    const both = [startWorker(run, run.shards[0]!), startWorker(run, run.shards[0]!)];
    for (const { exit } of both) assert.equal((await exit).code, 0);
    const last = both.map(({ events }) => events.at(-1)!);
    const winner = last.find((event) => event.type === "shard-committed");
    const loser = last.find((event) => event.type === "shard-superseded");
    assert.ok(winner?.type === "shard-committed" && loser?.type === "shard-superseded");
    assert.equal(loser.winner, winner.attempt);
    assert.equal((await run.commit(run.shards[0]!))!.attempt, winner.attempt);
    await assertWhole(run, run.shards[0]!);
  });

  it("does shards that stdin names, one after the other, until stdin closes", async () => {
    await using run = await longRun(12, 3);
    const worker = startWorker(run, "-");
    worker.child.stdin!.write(`${run.shards[0]}\n`);
    await worker.next((event) => event.type === "shard-committed" && event.shard === run.shards[0]);
    worker.child.stdin!.write(`${run.shards[1]}\n${run.shards[2]}\n`);
    for (const shard of run.shards) await worker.next((event) => event.type === "shard-committed" && event.shard === shard);
    assert.equal(worker.child.exitCode, null);
    worker.child.stdin!.end();
    assert.equal((await worker.exit).code, 0, worker.stderr());
    assert.equal(worker.events.filter(({ type }) => type === "shard-committed").length, 3);
  });

  it("SIGTERM between two shards ends it, too", async () => {
    await using run = await longRun(2);
    const worker = startWorker(run, "-");
    worker.child.stdin!.write(`${run.shards[0]}\n`);
    await worker.next(({ type }) => type === "shard-committed");
    worker.child.kill("SIGTERM");
    assert.deepEqual(await worker.exit, { code: 143, signal: null });
  });
});

async function ended(pid: number): Promise<void> {
  for (;;) {
    try {
      process.kill(pid, 0);
    } catch {
      // ESRCH: gone.
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
