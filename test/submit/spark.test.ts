import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { hostname } from "node:os";
import { join } from "node:path";
import type { SparkEngineConfig } from "../../configs/config.ts";
import type { ConfigFlags } from "../../configs/layers.ts";
import { loadConfig } from "../../configs/load.ts";
import { identityOf, isAlive } from "../../submit/engines/process-identity.ts";
import { isHere, refuseOwnJobs, sparkArguments } from "../../submit/engines/spark/command.ts";
import { filesIn } from "../../submit/engines/spark/submission.ts";
import { planOf } from "./plans.ts";

const config: SparkEngineConfig = {
  master: "spark://cluster:7077",
  submitCommand: "spark-submit",
  conf: {},
  taskCpus: 2,
  shardAttempts: 4,
  speculation: true,
  worker: "auto",
};
const { plan } = planOf(2, 1, { source: "", archive: "", control: "", warehouse: "" });
const files = filesIn(join("state", "run-1"));

describe("the spark engine's command", () => {
  const properties = (parameters: string[]): string[] => parameters.filter((_, index) => parameters[index - 1] === "--conf");

  it("gives a task the cores of its worker, and a user's properties the last word", () => {
    const given = properties(
      sparkArguments({ ...config, conf: { "spark.speculation": "false" } }, plan, { kind: "here", command: [] }, files),
    );
    assert.ok(given.includes("spark.task.cpus=2"));
    assert.deepEqual(
      given.filter((property) => property.startsWith("spark.speculation=")),
      ["spark.speculation=false"],
    );
  });

  it("has Spark retry in one JVM, too", () => {
    const masterOf = (master: string): string | undefined =>
      sparkArguments({ ...config, master }, plan, { kind: "here", command: [] }, files)[1];
    assert.deepEqual(["local", "local[*]", "local[2]", "local[2,9]", "yarn"].map(masterOf), [
      "local[1,5]",
      "local[*,5]",
      "local[2,5]",
      "local[2,9]",
      "yarn",
    ]);
  });

  it("sends the archive only where nodes need it", () => {
    const archive = sparkArguments(config, plan, { kind: "archive", file: "/b/runtime.tar.gz" }, files);
    assert.equal(archive[archive.indexOf("--archives") + 1], "/b/runtime.tar.gz#imagemill-runtime");
    assert.ok(!sparkArguments(config, plan, { kind: "here", command: [] }, files).includes("--archives"));
    assert.deepEqual(archive.slice(-1), [files.spec]);
  });

  const places: [master: string, here: boolean][] = [
    ["local", true],
    ["local[4]", true],
    ["spark://127.0.0.1:7077", true],
    [`spark://${hostname()}:7077`, true],
    ["spark://cluster:7077", false],
    ["yarn", false],
    ["k8s://https://10.0.0.1:6443", false],
  ];
  for (const [master, here] of places) {
    it(`nodes of ${master} ${here ? "run this installation" : "are sent the archive"}`, () => {
      assert.equal(isHere({ ...config, master }), here);
      assert.equal(isHere({ ...config, master, worker: "here" }), true);
      assert.equal(isHere({ ...config, master, worker: "bundle" }), false);
    });
  }

  it("refuses a user's own job where nodes could not have it", () => {
    const own = { ...plan, request: { ...plan.request, jobs: [{ ...plan.request.jobs[0]!, module: "/home-made.ts" }] } };
    assert.throws(() => refuseOwnJobs(own, { kind: "archive", file: "x" }), { code: "JOB_NOT_ON_NODES", hint: /spark\.worker=here/ });
    refuseOwnJobs(own, { kind: "here", command: [] });
    refuseOwnJobs(plan, { kind: "archive", file: "x" });
  });
});

describe("the spark engine's configuration", () => {
  const load = async (set: string[], sparkMaster?: string) =>
    loadConfig({
      flags: { source: "p", engine: "spark", set, ...(sparkMaster !== undefined && { sparkMaster }) },
      env: {},
      cwd: "/nowhere",
    });

  it("takes the master from its flag and properties as one writes them", async () => {
    const { spark } = await load(["spark.conf.spark.executor.memory=2g", "spark.conf.spark.executor.cores=4"], "yarn");
    assert.equal(spark.master, "yarn");
    assert.deepEqual(spark.conf, { "spark.executor.memory": "2g", "spark.executor.cores": "4" });
  });

  it("is the engine where only its cluster is named", async () => {
    const engineOf = async (flags: ConfigFlags) =>
      (await loadConfig({ flags: { source: "p", ...flags }, env: {}, cwd: "/nowhere" })).engine;
    assert.equal(await engineOf({ sparkMaster: "local[2]" }), "spark");
    assert.equal(await engineOf({ sparkMaster: "local[2]", engine: "local" }), "local");
    assert.equal(await engineOf({}), "local");
  });

  it("finds spark-submit on the path, or where its own path says", async () => {
    assert.equal(
      (await load(["spark.submitCommand=spark/bin/spark-submit"], "yarn")).spark.submitCommand,
      "/nowhere/spark/bin/spark-submit",
    );
    assert.equal((await load([], "yarn")).spark.submitCommand, "spark-submit");
  });

  it("asks for the cluster where something is to be submitted", async () => {
    await assert.rejects(load([]), /spark\.master is missing: which Spark cluster\?/);
    await assert.rejects(load([], "http://x"), /must be a Spark master/);
    await assert.rejects(
      load(["spark.conf.spark.jars=[a]"], "yarn"),
      /must map Spark properties to texts or numbers; spark\.jars is neither/,
    );
    const looking = await loadConfig({ flags: { engine: "spark" }, env: {}, cwd: "/nowhere", needsSource: false });
    assert.equal(looking.spark.master, undefined);
  });
});

describe("a process found again", () => {
  it("lives until it ends, and is not another one of its number", async () => {
    const child = spawn("sleep", ["60"]);
    const identity = identityOf(child.pid!)!;
    assert.equal(isAlive(identity), true);
    assert.equal(isAlive({ ...identity, started: "long ago" }), false);
    child.kill("SIGKILL");
    await once(child, "exit");
    assert.equal(isAlive(identity), false);
  });
});
