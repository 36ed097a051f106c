import { engineContract } from "../../contracts/engine.ts";
import { orSkip } from "../../servers/install.ts";
import { makeDataprocBench, startDataprocWorld, type DataprocWorld } from "./dataproc-world.ts";

describe("the dataproc engine", function () {
  this.timeout(15 * 60_000);
  let world: DataprocWorld;
  before(async function () {
    world = await orSkip(this, "Spark and Cloud Storage", startDataprocWorld);
  });
  after(async () => world?.[Symbol.asyncDispose]());

  engineContract("dataproc, serverless", async (options) => makeDataprocBench(world, options), { patienceMs: 120_000 });
});
