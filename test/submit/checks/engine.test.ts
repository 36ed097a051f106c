import assert from "node:assert/strict";
import type { Config } from "../../../configs/config.ts";
import { preconditionError } from "../../../core/errors.ts";
import { checkEngine } from "../../../submit/checks/engine.ts";
import type { DataprocService } from "../../../submit/engines/dataproc/service.ts";
import { configOf } from "../world.ts";

const never = new AbortController().signal;
const config = configOf({ source: "", archive: "gs://a", control: "gs://c", warehouse: "bigquery://p/d" });

describe("doctor on the engine", () => {
  const findings = async (own: Partial<Config["dataproc"]>, answers: Partial<DataprocService> = {}) => {
    let closed = 0;
    const service = { project: async () => "p", batch: async () => undefined, cluster: async () => undefined, ...answers };
    const opened = { ...service, close: async () => void (closed += 1) } as unknown as DataprocService;
    const examined: Config = { ...config, engine: "dataproc", dataproc: { ...config.dataproc, ...own } };
    const found = await checkEngine(examined, async () => Promise.resolve(opened), never);
    return { closed, found: found.map(({ level, text, next }) => [level, text, next]) };
  };
  const region = "europe-west4";

  it("has nothing to say of this machine", async () => {
    assert.deepEqual(await checkEngine(config, async () => Promise.reject(new Error("not asked for")), never), []);
  });

  it("names what the configuration lacks, without asking anybody", async () => {
    const { found, closed } = await findings({});
    assert.deepEqual([found.length, closed], [1, 0]);
    assert.match(String(found[0]![1]), /^dataproc\.region is missing/);
  });

  it("asks Dataproc, and says what it answers", async () => {
    const fine = ["ok", "Dataproc answers in europe-west4 for the project p", undefined];
    assert.deepEqual(await findings({ region }), { found: [fine], closed: 1 });
    assert.deepEqual((await findings({ region, mode: "ephemeral" })).found, [fine]);
    const denied = preconditionError("PERMISSION_DENIED", "Dataproc could not look at the batch", "a role");
    const { found, closed } = await findings({ region }, { batch: async () => Promise.reject(denied) });
    assert.deepEqual([found, closed], [[["fail", "Dataproc could not look at the batch (PERMISSION_DENIED)", "a role"]], 1]);
  });

  it("looks whether the cluster is there and takes jobs", async () => {
    const on = async (state?: "RUNNING" | "STOPPED") =>
      (
        await findings(
          { region, mode: "cluster", cluster: "k" },
          { cluster: async () => Promise.resolve(state === undefined ? undefined : { status: { state } }) },
        )
      ).found[0]!;
    assert.equal((await on("RUNNING"))[0], "ok");
    assert.deepEqual((await on()).slice(0, 2), ["fail", "there is no cluster k in europe-west4"]);
    assert.deepEqual((await on("STOPPED")).slice(0, 2), ["fail", "the cluster k is in the state STOPPED"]);
  });
});
