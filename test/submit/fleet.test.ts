import assert from "node:assert/strict";
import type { SparkEngineConfig } from "../../configs/config.ts";
import { fleetOf } from "../../submit/fleet.ts";
import { planOf } from "./plans.ts";
import { configOf } from "./world.ts";

const config = configOf({ source: "", archive: "", control: "", warehouse: "" });
const { plan } = planOf(9, 1, { source: "", archive: "", control: "", warehouse: "" });
const sizing = { processes: 3, threadsPerProcess: 2 };
const spark = (changes: Partial<SparkEngineConfig>) =>
  fleetOf({ ...config, spark: { ...config.spark, ...changes } }, "spark", sizing, plan);
const machines = { count: 5, vcpus: 8, memoryBytes: 32 * 2 ** 30, spot: true };

describe("the fleet of an engine", () => {
  it("local is this machine", () => {
    const { workers, threads, billing, assumed } = fleetOf(config, "local", sizing, plan);
    assert.deepEqual({ workers, threads, billing, assumed }, { workers: 3, threads: 2, billing: "own", assumed: false });
  });

  it("compute is what the plan's shards are worth", () => {
    const { workers, threads, billing, assumed } = fleetOf(config, "compute", sizing, plan);
    assert.deepEqual({ workers, threads, billing, assumed }, { workers: 4, threads: 2, billing: "machines", assumed: false });
  });

  const cases: [string, Partial<SparkEngineConfig>, { workers: number; assumed: boolean }][] = [
    ["a cluster that nothing is said of", { master: "yarn" }, { workers: 3, assumed: true }],
    ["its machines", { master: "yarn", machines }, { workers: 40, assumed: false }],
    ["tasks of several cores", { master: "yarn", machines, taskCpus: 3 }, { workers: 13, assumed: false }],
    ["a bound on its cores", { master: "spark://h:1", machines, conf: { "spark.cores.max": "12" } }, { workers: 12, assumed: false }],
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
    assert.deepEqual(spark({ master: "yarn", machines }).machines, [machines]);
    assert.deepEqual(spark({ master: "yarn", conf: { "spark.cores.max": "4" } }).machines, []);
    assert.equal(spark({ master: "local[2]" }).billing, "own");
  });
});
