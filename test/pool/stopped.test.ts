import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { ImagemillError } from "../../core/errors.ts";
import { controlNames } from "../../core/layout.ts";
import type { InFlightFile } from "../../pool/suspects.ts";
import { readJson } from "../../storage/objects.ts";
import type { ObjectStore } from "../../storage/store.ts";
import { startInProcess } from "./in-process.ts";
import { tinyPng } from "./pictures.ts";
import { planRun, runId, type PlannedRun } from "./planned-run.ts";
import { work } from "./working.ts";

const bin = fileURLToPath(new URL("../../submit/bin.js", import.meta.url));
const slowJob = fileURLToPath(new URL("./slow-job.ts", import.meta.url));
/** Promised is about five seconds; a machine that is busy gets more. */
const promisedMs = 10_000;

interface Waiting extends AsyncDisposable {
  run: PlannedRun;
  /** Images end from now on. */
  release(): Promise<void>;
}

/** A shard of images that are under way until they are released. */
async function waitingRun(busy: boolean): Promise<Waiting> {
  const bytes = await tinyPng("red");
  const objects = Object.fromEntries(
    Array.from({ length: 12 }, (_, index) => [`${index}.png`, Buffer.concat([bytes, Buffer.alloc(index + 1)])]),
  );
  const folder = await mkdtemp(join(tmpdir(), "imagemill-stopped-"));
  const gate = join(folder, "gate");
  await writeFile(gate, "");
  const run = await planRun({ objects, jobs: [{ name: slowJob, params: { gate, busy } }], limits: { imageTimeoutMs: 60_000 } });
  return {
    run,
    release: async () => rm(gate),
    [Symbol.asyncDispose]: async () => {
      await rm(folder, { recursive: true });
      await run[Symbol.asyncDispose]();
    },
  };
}

async function notesOf({ control, shards }: PlannedRun): Promise<{ rows: string[]; inFlight: InFlightFile[] }> {
  const names: string[] = [];
  for await (const page of control.list({ prefix: controlNames.attempts(runId, shards[0]!) })) {
    names.push(...page.objects.map(({ name }) => name));
  }
  const notes = names.filter((name) => name.endsWith("/in-flight.json"));
  return {
    rows: names.filter((name) => !notes.includes(name)),
    inFlight: await Promise.all(notes.map(async (name) => (await readJson<InFlightFile>(control, name))!)),
  };
}

/** Processes whose line of descent leads to it. */
function descendantsOf(pid: number): number[] {
  const lines = execFileSync("ps", ["-eo", "pid=,ppid="], { encoding: "utf8" }).trim().split("\n");
  const pairs = lines.map((line) => line.trim().split(/\s+/).map(Number));
  const found = [pid];
  for (const one of found) found.push(...pairs.filter(([, parent]) => parent === one).map(([child]) => child!));
  return found.slice(1);
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe("a worker that is told to stop in the middle of a shard of slow images", function () {
  this.timeout(120_000);

  for (const busy of [false, true]) {
    it(`ends within seconds with a code of its own, leaves nothing half-made and nobody behind (${busy ? "busy" : "waiting"} threads)`, async () => {
      await using waiting = await waitingRun(busy);
      const { run } = waiting;
      const [shard] = run.shards;
      const flags = ["--run", runId, "--shard", shard!, "--control", run.plan.stores.control, "--threads", "2"];
      const worker = spawn(process.execPath, [bin, "worker", ...flags], { stdio: ["ignore", "pipe", "pipe"] });
      const exit = once(worker, "close");
      const said = Promise.all([text(worker.stdout), text(worker.stderr)]);
      while ((await notesOf(run)).inFlight.every(({ images }) => images.length === 0)) {
        assert.equal(worker.exitCode, null);
        await delay(50);
      }
      const others = descendantsOf(worker.pid!);
      assert.ok(others.length > 0);

      const sinceMs = performance.now();
      worker.kill("SIGTERM");
      const [code, signal] = (await exit) as [number | null, NodeJS.Signals | null];
      assert.deepEqual([code, signal], [143, null], (await said).join("\n"));
      assert.ok(performance.now() - sinceMs < promisedMs, `${performance.now() - sinceMs} ms`);
      assert.deepEqual(others.filter(isThere), []);
      const { rows, inFlight } = await notesOf(run);
      assert.deepEqual(rows, [], "no rows without a commit");
      assert.deepEqual(
        inFlight.flatMap(({ images }) => images),
        [],
        "nobody is suspected of what no image did",
      );
      assert.equal(await run.commit(shard!), undefined);

      await waiting.release();
      assert.equal((await work(run)).exitCode, 0);
      assert.deepEqual(
        (await run.rows(shard!)).map(({ outcome }) => outcome),
        Array.from({ length: 12 }, () => "ok"),
      );
    });
  }

  it("does not wait for a control store that does not answer", async () => {
    await using waiting = await waitingRun(false);
    const { run } = waiting;
    const stopped = new AbortController();
    const { promise: noted, resolve: note } = Promise.withResolvers<void>();
    const silent: ObjectStore["write"] = async (_name, _bytes, options) =>
      new Promise((_resolve, reject) => {
        note();
        options?.signal?.addEventListener("abort", () => reject(options.signal!.reason as Error));
      });
    const open = async (url: string): Promise<ObjectStore> => {
      const store = url === run.plan.stores.source ? run.source : url === run.plan.stores.archive ? run.archive : run.control;
      return {
        ...store,
        write: async (name, bytes, options) => (name.includes("/attempts/") ? silent : store.write)(name, bytes, options),
      };
    };
    const working = work(run, { open, startChild: startInProcess(open), signal: stopped.signal, code: run.plan.code });
    await noted;
    const sinceMs = performance.now();
    stopped.abort(new ImagemillError("STOPPED", "the worker was told to stop", { exitCode: 143 }));
    await assert.rejects(working, { code: "STOPPED" });
    assert.ok(performance.now() - sinceMs < promisedMs);
    await waiting.release();
  });
});
