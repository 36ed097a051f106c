import assert from "node:assert/strict";
import { ImagemillError } from "../../core/errors.ts";
import { controlNames } from "../../core/layout.ts";
import { jsonBytes } from "../../storage/objects.ts";
import { planRun, runId } from "./planned-run.ts";
import { tinyPng } from "./pictures.ts";
import { work } from "./working.ts";

async function refusal(working: Promise<unknown>): Promise<[string, number]> {
  const error = await working.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ImagemillError && error.hint !== undefined, String(error));
  return [error.code, error.exitCode];
}

describe("what a worker refuses", function () {
  this.timeout(30_000);

  it("a run without a plan", async () => {
    await using run = await planRun({ objects: { "a.png": await tinyPng("red") } });
    await run.control.delete(controlNames.plan(runId));
    assert.deepEqual(await refusal(work(run)), ["NO_PLAN", 4]);
  });

  it("a plan made by other code", async () => {
    await using run = await planRun({ objects: { "a.png": await tinyPng("red") } });
    assert.deepEqual(await refusal(work(run, { code: { ...run.plan.code, libvips: "8.0.0" } })), ["CODE_DIFFERS", 4]);
  });

  it("a job that is not the one that was planned", async () => {
    await using run = await planRun({
      objects: { "a.png": await tinyPng("red") },
      changePlan: (plan) => void (plan.request.jobs[0]!.digest = "other"),
    });
    assert.deepEqual(await refusal(work(run)), ["JOB_DIFFERS", 4]);
    assert.equal(await run.commit(run.shards[0]!), undefined);
  });

  it("a run that was cancelled, also in the middle", async () => {
    await using run = await planRun({ objects: { "a.png": await tinyPng("red") } });
    await run.control.write(controlNames.cancel(runId), jsonBytes({}));
    assert.deepEqual(await refusal(work(run)), ["CANCELLED", 130]);
  });

  it("a shard that the plan does not have; the others are done", async () => {
    await using run = await planRun({ objects: { "a.png": await tinyPng("red") } });
    const { exitCode, of } = await work(run, { shards: () => ["99999-none", ...run.shards] });
    assert.equal(exitCode, 4);
    assert.equal(of("shard-failed")[0]!.code, "NO_SUCH_SHARD");
    assert.equal(of("shard-committed").length, 1);
  });

  it("a shard that takes too long", async () => {
    const objects = Object.fromEntries(Array.from({ length: 400 }, (_, index) => [`${index}.txt`, Buffer.from(`no image ${index}`)]));
    await using run = await planRun({ objects, limits: { shardTimeoutMs: 1 } });
    const { exitCode, of } = await work(run, { housekeeping: { firstLookMs: 10, lookIntervalMs: 10, progressIntervalMs: 1000 } });
    assert.equal(exitCode, 1);
    assert.equal(of("shard-failed")[0]!.code, "SHARD_TIMEOUT");
    assert.equal(await run.commit(run.shards[0]!), undefined);
  });
});
