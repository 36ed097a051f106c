import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { controlNames } from "../../core/layout.ts";
import { createLogger } from "../../core/log.ts";
import type { Limits } from "../../core/types.ts";
import { jsonBytes, readJson } from "../../storage/objects.ts";
import type { InFlightFile } from "../../pool/suspects.ts";
import { planRun, runId, type PlannedRun } from "./planned-run.ts";
import { work } from "./working.ts";

const module = fileURLToPath(new URL("./hostile-job.ts", import.meta.url));

/** `good` ordinary images and the named ones among them. */
async function hostileRun(names: string[], limits: Partial<Limits> = {}, good = 20): Promise<PlannedRun> {
  const image = async (index: number): Promise<Buffer> =>
    sharp({ create: { width: 60 + index, height: 40, channels: 3, background: "red" } })
      .png()
      .toBuffer();
  const all = [...names, ...Array.from({ length: good }, (_, index) => `${"klm"[index % 3]}${String(index).padStart(2, "0")}`)];
  const objects = Object.fromEntries(await Promise.all(all.map(async (name, index) => [`${name}.png`, await image(index)] as const)));
  return planRun({ objects, jobs: [{ name: module, params: {} }], limits });
}

async function outcomes(run: PlannedRun): Promise<Record<string, string>> {
  const rows = await run.rows(run.shards[0]!);
  return Object.fromEntries(rows.filter(({ outcome }) => outcome !== "ok").map((row) => [row.name, `${row.reason}: ${row.message}`]));
}

describe("poison images", function () {
  this.timeout(60_000);

  const cases: [string, Partial<Limits>, RegExp][] = [
    ["kill-it", {}, /^crashed: alone in a process: .*SIGKILL/],
    ["segfault-it", {}, /^crashed: alone in a process: .*SIGSEGV/],
    ["exit-it", {}, /^crashed: alone in a process: .*code/],
    ["loop-it", { imageTimeoutMs: 700 }, /^timeout: alone in a process: not done after 700 ms/],
    ["hang-it", { imageTimeoutMs: 700 }, /^timeout: alone in a process: not done after 700 ms/],
    ["eat-it", { workerMemoryBytes: 400 * 2 ** 20 }, /^crashed: alone in a process: .*MiB.*limits\.workerMemoryBytes/],
    ["throw-it", {}, /^job_error: .*no such luck/],
  ];
  for (const [name, limits, expected] of cases) {
    it(`quarantine ${name.split("-")[0]} and nothing else; the shard is committed`, async () => {
      await using run = await hostileRun([name], limits);
      const { exitCode, of } = await work(run);
      assert.equal(exitCode, 0);
      const bad = await outcomes(run);
      assert.deepEqual(Object.keys(bad), [`${name}.png`]);
      assert.match(bad[`${name}.png`]!, expected);
      assert.equal(of("shard-committed")[0]!.counts.ok, 20);
      const row = (await run.rows(run.shards[0]!)).find((one) => one.outcome === "quarantined")!;
      assert.ok(await run.control.stat(controlNames.quarantine(runId, row.name, row.generation)));
    });
  }

  it("a job that scribbles over its input spoils its own outputs at most, never the archive's copy", async () => {
    await using run = await hostileRun(["scribble-it"]);
    assert.equal((await work(run)).exitCode, 0);
    const row = (await run.rows(run.shards[0]!)).find(({ name }) => name === "scribble-it.png")!;
    const copy = row.outputs.find(({ job }) => job === "source")!;
    const { info } = await run.archive.read(copy.uri.slice(run.archive.url.length + 1));
    assert.deepEqual([info.crc32c, copy.crc32c], [row.crc32c, row.crc32c]);
  });

  it("what is in flight is stored, and cleared when the worker is told to stop", async () => {
    await using run = await hostileRun(["hang-it"]);
    const name = async (): Promise<string | undefined> => {
      for await (const { objects } of run.control.list({ prefix: controlNames.attempts(runId, run.shards[0]!) })) return objects[0]?.name;
      return undefined;
    };
    const stop = new AbortController();
    const working = work(run, { signal: stop.signal, housekeeping: { firstLookMs: 5, lookIntervalMs: 20, progressIntervalMs: 1000 } });
    const inFlight = async (): Promise<string[]> => {
      const file = await name();
      return file === undefined ? [] : (await readJson<InFlightFile>(run.control, file))!.images.map((image) => image.name);
    };
    while (!(await inFlight()).includes("hang-it.png")) await new Promise((resolve) => setTimeout(resolve, 10));
    stop.abort(new Error("enough"));
    await assert.rejects(working, /enough/);
    assert.deepEqual(await inFlight(), []);
  });

  it("many of them, of different kinds, end one by one", async () => {
    const names = ["kill-a", "kill-b", "segfault-c", "exit-d", "hang-e", "kill-f"];
    await using run = await hostileRun(names, { imageTimeoutMs: 1500 });
    const { exitCode } = await work(run, { shape: { threads: 2, tasksPerThread: 2 } });
    assert.equal(exitCode, 0);
    assert.deepEqual(Object.keys(await outcomes(run)), names.map((name) => `${name}.png`).sort());
  });

  it("suspects of an earlier attempt are tried alone first", async () => {
    await using run = await hostileRun(["kill-it"]);
    const row = { name: "kill-it.png", generation: "" };
    for await (const page of run.source.list())
      row.generation = page.objects.find(({ name }) => name === row.name)?.generation ?? row.generation;
    const file: InFlightFile = { format: 1, images: [row] };
    await run.control.write(controlNames.inFlight(runId, run.shards[0]!, "1-dead"), jsonBytes(file));
    const lines: string[] = [];
    const { exitCode } = await work(run, { log: createLogger("warn", (line) => void lines.push(line)) });
    assert.equal(exitCode, 0);
    assert.deepEqual(Object.keys(await outcomes(run)), ["kill-it.png"]);
    const ended = lines
      .map((line) => JSON.parse(line) as { event: string; role?: string })
      .filter(({ event }) => event === "pool-process-ended");
    assert.deepEqual(
      ended.map(({ role }) => role),
      ["isolation"],
    );
  });
});
