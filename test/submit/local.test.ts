import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { systemClock } from "../../core/clock.ts";
import type { WorkerEvent } from "../../core/events.ts";
import { controlNames } from "../../core/layout.ts";
import { silentLogger } from "../../core/log.ts";
import { createNdjson, jsonBytes } from "../../storage/objects.ts";
import { fileStore } from "../../storage/file.ts";
import { createLocalEngine } from "../../submit/engines/local.ts";
import { engineContract, type EngineBench, type EngineBenchOptions } from "../contracts/engine.ts";
import { planOf } from "./plans.ts";

const fakeWorker = fileURLToPath(new URL("fake-worker.ts", import.meta.url));

const noStores = { source: "", archive: "", control: "", warehouse: "" };

async function makeBench(
  { shards, shardMs, poison = [] }: EngineBenchOptions,
  extra: { environment?: NodeJS.ProcessEnv; onEvent?: (event: WorkerEvent) => void; entry?: string } = {},
): Promise<EngineBench> {
  const folder = await mkdtemp(join(tmpdir(), "imagemill-local-"));
  const [source, control] = [fileStore(join(folder, "source")), fileStore(join(folder, "control"))];
  const url = (name: string): string => pathToFileURL(join(folder, name)).href;
  const { plan, entries } = planOf(shards, 3, {
    source: url("source"),
    archive: url("archive"),
    control: url("control"),
    warehouse: "duckdb:///none",
  });
  for (const [shard, own] of entries) {
    for (const entry of own) entry.generation = (await source.write(entry.name, Buffer.from(entry.name))).generation;
    await createNdjson(control, controlNames.shard(plan.runId, shard), own);
  }
  await control.write(controlNames.plan(plan.runId), jsonBytes(plan));
  const engine = createLocalEngine({
    processes: 2,
    shardAttempts: 3,
    command: (runId) => ({
      file: process.execPath,
      arguments: [extra.entry ?? fakeWorker, "--run", runId, "--shard", "-", "--control", url("control")],
      environment: {
        ...process.env,
        FAKE_WORK_MS: String(shardMs),
        FAKE_POISON: poison.map((index) => plan.shards[index]!.id).join(","),
        ...extra.environment,
      },
    }),
    onEvent: extra.onEvent ?? ((): void => undefined),
    log: silentLogger,
    clock: systemClock,
  });
  const names = async (path: string): Promise<string[]> => readdir(join(folder, "control", path)).catch(() => []);
  return {
    engine,
    plan,
    committed: async () => (await names(controlNames.commits(plan.runId))).map((name) => name.replace(/\.json$/, "")),
    attempts: async () => (await Promise.all(plan.shards.map(async ({ id }) => names(controlNames.attempts(plan.runId, id))))).flat(),
    [Symbol.asyncDispose]: async () => {
      await engine.close();
      await rm(folder, { recursive: true });
    },
  };
}

engineContract("local", makeBench, { patienceMs: 10_000 });

describe("the local engine", () => {
  const never = new AbortController().signal;
  const finish = async ({ engine, plan }: EngineBench) => {
    const handle = await engine.submit({ plan, shards: plan.shards, submission: 1 }, never);
    for (;;) {
      const status = await engine.poll(handle, never);
      if (status.state !== "running") return status;
      await systemClock.sleep(20);
    }
  };

  it("names the shard, the way its worker ended and its last words, after three attempts", async () => {
    await using bench = await makeBench({ shards: 3, shardMs: 1, poison: [0] });
    const status = await finish(bench);
    assert.equal(status.retried, 2);
    assert.match(
      status.message!,
      new RegExp(`shard ${bench.plan.shards[0]!.id}: the worker ended with signal SIGKILL: the decoder ran into a wall`),
    );
  });

  it("passes on the code and hint of a worker that gives a shard up", async () => {
    const refused = planOf(3, 3, noStores).plan.shards[1]!.id;
    await using bench = await makeBench({ shards: 3, shardMs: 1 }, { environment: { FAKE_REFUSE: refused } });
    const status = await finish(bench);
    assert.equal(status.state, "failed");
    assert.match(status.message!, /the disk is full \(NO_SPACE\)/);
    assert.equal(status.hint, "Make room.");
  });

  it("ends soon when no worker can even start", async () => {
    await using bench = await makeBench({ shards: 50, shardMs: 1 }, { entry: "/nonexistent/worker.ts" });
    const status = await finish(bench);
    assert.equal(status.state, "failed");
    assert.match(status.message!, /exit code 1: /);
  });

  it("tells what its workers say", async () => {
    const heard: WorkerEvent[] = [];
    await using bench = await makeBench({ shards: 3, shardMs: 1 }, { onEvent: (event) => heard.push(event) });
    await finish(bench);
    assert.equal(heard.filter((event) => event.type === "shard-started").length, 3);
    assert.equal(heard.filter((event) => event.type === "shard-committed").length, 3);
  });

  it("leaves no process behind", async function () {
    if (process.platform !== "linux") this.skip();
    await using bench = await makeBench({ shards: 8, shardMs: 5000 });
    await bench.engine.submit({ plan: bench.plan, shards: bench.plan.shards, submission: 1 }, never);
    await systemClock.sleep(300);
    assert.ok(workersOf(bench).length > 0);
    await bench.engine.close();
    assert.deepEqual(workersOf(bench), []);
  });
});

/** Process ids of workers of the bench's control folder. */
function workersOf({ plan }: EngineBench): string[] {
  const lines = execFileSync("ps", ["-eo", "pid,args"], { encoding: "utf8" }).split("\n");
  return lines.filter((line) => line.includes(plan.stores.control));
}
