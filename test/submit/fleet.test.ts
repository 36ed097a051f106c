import assert from "node:assert/strict";
import type { Config, SparkEngineConfig } from "../../configs/config.ts";
import { fleetOf } from "../../submit/fleet.ts";
import { planOf } from "./plans.ts";
import { configOf } from "./world.ts";

const config = configOf({ source: "", archive: "", control: "", warehouse: "" });
const sizing = { processes: 3, threadsPerProcess: 2 };
const { plan } = planOf(400, 100, { source: "", archive: "", control: "", warehouse: "" });
for (const shard of plan.shards) shard.predictedMs = 240_000;
const spark = (changes: Partial<SparkEngineConfig>) =>
  fleetOf({ ...config, spark: { ...config.spark, ...changes } }, "spark", sizing, plan);
const gib = 2 ** 30;
const five = { count: 5, vcpus: 8, memoryBytes: 32 * gib, spot: true };

describe("the fleet of an engine", () => {
  it("local is this machine", () => {
    const { workers, threads, billing, assumed } = fleetOf(config, "local", sizing, plan);
    assert.deepEqual({ workers, threads, billing, assumed }, { workers: 3, threads: 2, billing: "own", assumed: false });
  });

  const cases: [string, Partial<SparkEngineConfig>, { workers: number; assumed: boolean }][] = [
    ["a cluster that nothing is said of", { master: "yarn" }, { workers: 3, assumed: true }],
    ["its machines", { master: "yarn", machines: five }, { workers: 40, assumed: false }],
    ["tasks of several cores", { master: "yarn", machines: five, taskCpus: 3 }, { workers: 13, assumed: false }],
    ["a bound on its cores", { master: "spark://h:1", machines: five, conf: { "spark.cores.max": "12" } }, { workers: 12, assumed: false }],
    [
      "its executors",
      { master: "yarn", conf: { "spark.executor.instances": "4", "spark.executor.cores": "2" } },
      { workers: 8, assumed: false },
    ],
    ["executors of unknown size", { master: "yarn", conf: { "spark.executor.instances": "4" } }, { workers: 3, assumed: true }],
    ["Spark in one process", { master: "local[4]" }, { workers: 4, assumed: false }],
    ["Spark in one process with retries", { master: "local[4,3]" }, { workers: 4, assumed: false }],
    ["Spark in one process, all of it", { master: "local[*]" }, { workers: 6, assumed: false }],
    ["Spark in one thread", { master: "local" }, { workers: 1, assumed: false }],
  ];
  for (const [what, changes, expected] of cases) {
    it(`spark is ${what}`, () => {
      const { workers, assumed } = spark(changes);
      assert.deepEqual({ workers, assumed }, expected);
    });
  }

  it("spark has the price of the machines that are named, and none otherwise", () => {
    assert.deepEqual(spark({ master: "yarn", machines: five }).machines, [five]);
    assert.deepEqual(spark({ master: "yarn", conf: { "spark.cores.max": "4" } }).machines, []);
    assert.equal(spark({ master: "local[2]" }).billing, "own");
  });

  it("compute is as many machines as the plan is worth, at the spot price where they are spot", () => {
    const { workers, threads, machines, billing, assumed } = fleetOf(config, "compute", sizing, plan);
    const { machineType, taskCpus, provisioning } = config.compute;
    assert.equal(machineType, "e2-standard-8");
    assert.deepEqual([threads, billing, assumed], [taskCpus, "machines", false]);
    assert.deepEqual(machines, [{ count: machines[0]!.count, vcpus: 8, memoryBytes: 32 * gib, spot: provisioning === "spot" }]);
    assert.ok(workers > 1 && workers <= (machines[0]!.count * 8) / taskCpus);
  });

  it("dataproc is executors and a driver, with the disks that are paid for; or a cluster with its master; or one that only its owner knows", () => {
    const of = (mode: Config["dataproc"]["mode"]) =>
      fleetOf({ ...config, dataproc: { ...config.dataproc, mode, targetDurationMs: 600_000 } }, "dataproc", sizing, plan);
    const serverless = of("serverless");
    const [executors, driver] = serverless.machines;
    assert.equal(serverless.billing, "dcus");
    assert.deepEqual([driver!.count, driver!.vcpus], [1, 4]);
    assert.equal(serverless.workers, executors!.count * 4);
    assert.equal(serverless.shuffleBytes, (executors!.count + 1) * 400 * gib);
    const ephemeral = of("ephemeral");
    assert.equal(ephemeral.billing, "managed");
    assert.deepEqual(
      ephemeral.machines.map(({ spot }) => spot),
      [false, true],
    );
    assert.equal(ephemeral.machines[0]!.count, 1 + config.dataproc.ephemeral.workers);
    assert.deepEqual(of("cluster").machines, []);
  });

  it("is assumed where the engine would refuse the configuration: a finished run is not held up by that", () => {
    const dataproc = { ...config.dataproc, executorCores: 4 as const, taskCpus: 16 };
    assert.equal(fleetOf({ ...config, dataproc }, "dataproc", sizing, plan).assumed, true);
  });
});
