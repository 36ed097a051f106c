import { systemClock, systemRandom } from "../../../core/clock.ts";
import { dataprocService } from "../../../submit/engines/dataproc/service.ts";
import { engineContract } from "../../contracts/engine.ts";
import { orSkip } from "../../servers/install.ts";
import { makeDataprocBench, project, region, startDataprocWorld, type DataprocWorld } from "./dataproc-world.ts";

const patience = { patienceMs: 120_000 };
const never = new AbortController().signal;

describe("the dataproc engine", function () {
  this.timeout(15 * 60_000);
  let world: DataprocWorld;
  before(async function () {
    world = await orSkip(this, "Spark and Cloud Storage", startDataprocWorld);
    await using service = closing(dataprocService({ endpoint: world.dataproc.endpoint, clock: systemClock, random: systemRandom }));
    const cluster = { projectId: project, clusterName: "standing", config: { softwareConfig: { imageVersion: "2.3-debian12" } } };
    await service.createCluster({ project, region }, cluster, "", never);
  });
  after(async () => world?.[Symbol.asyncDispose]());

  engineContract("dataproc, serverless", async (options) => makeDataprocBench(world, options), patience);
  engineContract(
    "dataproc, on a cluster",
    async (options) => makeDataprocBench(world, options, { mode: "cluster", cluster: "standing" }),
    patience,
  );
});

function closing<T extends { close(): Promise<void> }>(opened: T): T & AsyncDisposable {
  return Object.assign(opened, { [Symbol.asyncDispose]: async () => opened.close() });
}
