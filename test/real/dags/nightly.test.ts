import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { status } from "@grpc/grpc-js";
import type { protos } from "@google-cloud/dataproc";
import { ask, assertHolds, query, rowsOf } from "../e2e/cloud.ts";
import { orSkip } from "../../servers/install.ts";
import type { Ended } from "../../servers/airflow.ts";
import { bringImages, imagesAnight, startNight, type NightWorld } from "./night-world.ts";

const dag = "imagemill_nightly";

/** The DAG in the real Airflow, which runs batches for real. */
describe("a night in Airflow", function () {
  this.timeout(20 * 60_000);
  this.slow(120_000);
  let world: NightWorld;
  before(async function () {
    this.timeout(20 * 60_000);
    world = await orSkip(this, "Airflow, Spark, Cloud Storage and BigQuery servers", startNight);
    const { code, said } = await world.airflow.airflow("db", "migrate");
    assert.equal(code, 0, said);
  });
  after(async () => world?.[Symbol.asyncDispose]());

  const night = async (date: string, params: object = {}): Promise<Ended> =>
    world.airflow.airflow("dags", "test", dag, date, "--conf", JSON.stringify(params));
  /** Ids of batches that were asked for since the call of that index. */
  const created = (since: number): string[] =>
    world.dataproc.calls
      .slice(since)
      .filter(({ method }) => method === "CreateBatch")
      .map(({ request }) => (request as protos.google.cloud.dataproc.v1.CreateBatchRequest).batchId);
  const runIdIn = (said: string): string => /"runId":"([^"]+)"/.exec(said)![1]!;
  const loaded = async (runId: string): Promise<number> => (await rowsOf(world.cloud, world.warehouse, runId)).length;

  it("every source is loaded once and adds up; then the gate opens", async () => {
    for (const [index, name] of ["cats", "dogs"].entries()) await bringImages(world, `${name}/2026-03-20`, index);
    const sources = ["gs://nights/cats/{run_date}", "gs://nights/dogs/{run_date}"];
    const { code, said } = await night("2026-03-20", { sources });
    assert.equal(code, 0, said);
    const runs = [...new Set([...said.matchAll(/"runId":"([^"]+)"/g)].map(([, runId]) => runId!))];
    assert.equal(runs.length, 2, said);
    for (const runId of runs) assert.equal(await loaded(runId), imagesAnight);
    assert.match(said, /end task task_id=open_gate/);
    assert.deepEqual(world.alerts, []);
    assert.equal(created(0).length, 2);
  });

  it("a batch that fails ends the task with its log, and what no retry helps is not tried again", async () => {
    await bringImages(world, "2026-03-21", 21);
    const since = world.dataproc.calls.length;
    const { code, said } = await night("2026-03-21", { flags: ["--set", "limits.nonsense=1"] });
    assert.notEqual(code, 0, said);
    assert.match(said, /The end of the batch's log:[\s\S]*limits\.nonsense/);
    assert.match(said, /AirflowFailException: [A-Z_]+: .*limits\.nonsense/);
    assert.equal(created(since).length, 1);
    assert.match(world.alerts.at(-1)!, /night\.process of .* failed: .*limits\.nonsense/);
  });

  it("a closed gate loads nothing, alerts, and says what to do", async () => {
    await bringImages(world, "2026-03-23", 23);
    const since = world.dataproc.calls.length;
    const flags = ["--set", "gate.maxQuarantinedRatio=0.1"];
    const { code, said } = await night("2026-03-23", { flags });
    assert.notEqual(code, 0, said);
    const runId = runIdIn(said);
    assert.equal(await loaded(runId), 0);
    const alert = world.alerts.at(-1)!;
    assert.match(alert, /GATE_CLOSED: 2 of 8 objects are quarantined/);
    assert.match(alert, new RegExp(`imagemill finish ${runId} --accept-quarantined`));
    assert.equal(created(since).length, 1);
    assert.doesNotMatch(said, /starting task_id=open_gate/);

    await ask(world.cloud.where, ["finish", runId, "--accept-quarantined", ...world.config]);
    const again = await night("2026-03-23", { flags });
    assert.equal(again.code, 0, again.said);
    assert.equal(await loaded(runId), imagesAnight);
  });

  it("a retry attaches to the batch whose creation was not answered", async () => {
    await bringImages(world, "2026-03-22", 22);
    const since = world.dataproc.calls.length;
    world.dataproc.faults = ({ method }) =>
      method === "CreateBatch" && created(since).length === 1 ? { code: status.INTERNAL, when: "after" } : undefined;
    const { code, said } = await night("2026-03-22");
    world.dataproc.faults = () => undefined;
    assert.equal(code, 0, said);
    assert.match(said, /Batch imagemill-20260322-\w+-1 of an earlier try: (PENDING|RUNNING)/);
    const ids = created(since);
    assert.equal(ids.length, 2, "the second call is answered that the batch is there");
    assert.equal(new Set(ids).size, 1);
    assert.equal(await loaded(runIdIn(said)), imagesAnight);
    await assertHolds(world.cloud.where, runIdIn(said), world.config);
  });

  it("a backfill of three dates loads each once, though a watcher fails and images come late", async () => {
    const [first, second, late] = ["2026-03-01", "2026-03-02", "2026-03-03"] as const;
    await bringImages(world, first, 50);
    await bringImages(world, second, 51);
    const since = world.dataproc.calls.length;
    const idsOf = (date: string): string[] => created(since).filter((id) => id.includes(date.replaceAll("-", "")));
    let failures = 0;
    world.dataproc.faults = ({ method, request }) => {
      const { name } = request as protos.google.cloud.dataproc.v1.GetBatchRequest;
      const watches = method === "GetBatch" && idsOf(first).some((id) => name.endsWith(id));
      return watches && failures++ === 0 ? { code: status.PERMISSION_DENIED, when: "before" } : undefined;
    };
    await using _running = await world.airflow.startAll();
    const range = ["--from-date", `${first}T00:00:00Z`, "--to-date", `${late}T23:59:59Z`];
    const { code, said } = await world.airflow.airflow("backfill", "create", "--dag-id", dag, ...range, "--max-active-runs", "3");
    assert.equal(code, 0, said);
    await world.airflow.airflow("dags", "unpause", dag);
    await until("a batch of the second date", async () => idsOf(second).length > 0);
    assert.deepEqual(idsOf(late), []);
    await bringImages(world, late, 53);
    await until("the end of the backfill", async () => {
      const runs = await world.airflow.airflow("dags", "list-runs", dag, "--output", "json");
      const states = backfilled(runs.said);
      assert.ok(!states.includes("failed"), runs.said);
      return states.filter((state) => state === "success").length === 3;
    });
    assert.deepEqual(
      [first, second, late].map((date) => new Set(idsOf(date)).size),
      [1, 1, 1],
    );
    assert.ok(failures > 1 && idsOf(first).length === 2, "the first date was tried again, and attached");
    const sql = "SELECT CAST(run_date AS STRING) AS d, COUNT(*) AS n, COUNT(DISTINCT run_id) AS r FROM images GROUP BY 1 ORDER BY 1";
    const found = await query(world.cloud, world.warehouse, sql);
    assert.deepEqual(
      found.filter(({ d }) => (d as string) <= late),
      [first, second, late].map((d) => ({ d, n: imagesAnight, r: 1 })),
    );
  });
});

async function until(what: string, happens: () => Promise<boolean>): Promise<void> {
  const startedMs = Date.now();
  while (!(await happens())) {
    if (Date.now() - startedMs > 8 * 60_000) throw new Error(`${what} did not come`);
    await delay(1000);
  }
}

/** States of the backfill's runs, from `dags list-runs --output json` among what else is said. */
function backfilled(said: string): string[] {
  const runs = JSON.parse(said.slice(said.indexOf("[{"), said.lastIndexOf("}]") + 2) || "[]") as { run_id: string; state: string }[];
  return runs.filter(({ run_id }) => run_id.startsWith("backfill")).map(({ state }) => state);
}
