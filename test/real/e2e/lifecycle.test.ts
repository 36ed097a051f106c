import assert from "node:assert/strict";
import { systemClock, systemRandom, type Clock } from "../../../core/clock.ts";
import { silentLogger } from "../../../core/log.ts";
import { loadConfig } from "../../../configs/load.ts";
import { openDriver } from "../../../submit/open.ts";
import type { VerifyResult } from "../../../submit/summary.ts";
import { verifyRun } from "../../../submit/verify.ts";
import type { LifecycleRule } from "../../servers/gcs-buckets.ts";
import { imagemill } from "../../e2e/imagemill.ts";
import { orSkip } from "../../servers/install.ts";
import { ask, assertCode, configure, fillBucket, objectsOf, smallImages, startCloud, type Cloud } from "./cloud.ts";

const dayMs = 86_400_000;
const own: LifecycleRule = { action: { type: "Delete" }, condition: { age: 7, matchesPrefix: ["20"] } };
const foreign: LifecycleRule = { action: { type: "Delete" }, condition: { age: 1, matchesPrefix: ["uploads-of-others/"] } };

/** What becomes of a run's outputs after seven days. */
describe("the archive's lifecycle", function () {
  this.timeout(120_000);
  this.slow(60_000);
  let cloud: Cloud;
  let config: string[];
  before(async function () {
    this.timeout(15 * 60_000);
    cloud = await orSkip(this, "Cloud Storage and BigQuery servers", startCloud);
    await fillBucket(cloud, "pictures", await smallImages(6));
    const places = { source: "gs://pictures", archive: "gs://kept", control: "gs://control", warehouse: cloud.warehouse("life") };
    config = await configure(cloud, "life", places);
  });
  after(async () => cloud?.[Symbol.asyncDispose]());

  const bucketPath = (bucket: string): string => `${cloud.gcs.endpoint}/storage/v1/b/${bucket}`;
  const rulesOf = async (bucket: string): Promise<LifecycleRule[]> => {
    const answer = (await (await fetch(bucketPath(bucket))).json()) as { lifecycle?: { rule?: LifecycleRule[] } };
    return answer.lifecycle?.rule ?? [];
  };
  const setRules = async (bucket: string, rule: LifecycleRule[]): Promise<void> => {
    const body = JSON.stringify({ lifecycle: { rule } });
    const answer = await fetch(bucketPath(bucket), { method: "PATCH", headers: { "content-type": "application/json" }, body });
    assert.equal(answer.status, 200);
  };
  const say = async (...args: string[]): Promise<string> => {
    const answer = await imagemill(cloud.where, ...args, ...config);
    assertCode(answer, 0, args);
    return answer.out;
  };

  it("is set by init, read back, and brought back when it drifted; rules of others stay", async () => {
    await say("init");
    assert.deepEqual(await rulesOf("kept"), [own]);
    assert.deepEqual(await rulesOf("control"), [
      { action: { type: "Delete" }, condition: { age: 200, matchesPrefix: ["quarantine/", "runs/"] } },
    ]);
    assert.match(await say("init"), /nothing to do/);

    await setRules("kept", [{ ...own, condition: { ...own.condition, age: 30 } }, foreign]);
    const difference = await say("init", "--dry-run");
    assert.match(difference, /gs:\/\/kept: lifecycle rule, drop: delete after 30 days under 20/);
    assert.match(difference, /gs:\/\/kept: lifecycle rule, add: delete after 7 days under 20/);
    assert.match(await say("doctor"), /30 days/);
    assert.equal((await rulesOf("kept"))[0]!.condition.age, 30, "--dry-run and doctor change nothing");
    await say("init");
    assert.deepEqual(await rulesOf("kept"), [foreign, own]);
    assert.match(await say("init"), /nothing to do/);
  });

  it("takes the outputs at day 7 and not at day 6; the ledger stays, and verify holds", async () => {
    await say("init");
    const { runId, ok } = await ask(cloud.where, ["run", ...config]);
    assert.equal(ok, 4);
    const outputs = await objectsOf(cloud, "kept");
    const control = await objectsOf(cloud, "control");
    assert.ok(outputs.length >= 8 && control.some(({ name }) => name.startsWith("ledger/")));
    const ended = Date.now();

    assert.deepEqual(await cloud.gcs.runLifecycle(ended + 6.9 * dayMs), []);
    assert.deepEqual((await verifyAt(6.9 * dayMs, String(runId))).expiredOutputs, 0);

    const deleted = await cloud.gcs.runLifecycle(ended + 7 * dayMs);
    assert.deepEqual(deleted.sort(), outputs.map(({ name }) => `gs://kept/${name}`).sort());
    assert.deepEqual(await objectsOf(cloud, "kept"), []);
    assert.deepEqual(await objectsOf(cloud, "control"), control);

    const early = await verifyAt(0, String(runId));
    assert.deepEqual([early.holds, [...new Set(early.violations.map(({ code }) => code))]], [false, ["OUTPUT_MISSING", "COPY_MISSING"]]);
    const late = await verifyAt(ended + 7 * dayMs - Date.now() + 1, String(runId));
    assert.deepEqual([late.holds, late.expiredOutputs, late.violations], [true, 8, []]);

    await cloud.gcs.runLifecycle(ended + 200 * dayMs);
    const left = (await objectsOf(cloud, "control")).map(({ name }) => name);
    assert.deepEqual(
      left,
      control.map(({ name }) => name).filter((name) => !name.startsWith("runs/") && !name.startsWith("quarantine/")),
    );
    assert.ok(left.some((name) => name.startsWith("ledger/")));
  });

  /** As the verb does, so much later. */
  const verifyAt = async (laterMs: number, runId: string): Promise<VerifyResult> => {
    const clock: Clock = { ...systemClock, now: () => Date.now() + laterMs };
    const loaded = await loadConfig({
      path: config[1]!,
      flags: {},
      env: cloud.where.environment,
      cwd: cloud.where.cwd,
      needsSource: false,
    });
    await using driver = await openDriver(loaded, {
      log: silentLogger,
      clock,
      random: systemRandom,
      signal: new AbortController().signal,
      emit: () => undefined,
      environment: cloud.where.environment,
    });
    return verifyRun(driver, runId);
  };
});
