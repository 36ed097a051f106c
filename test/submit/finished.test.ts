import assert from "node:assert/strict";
import type { Config } from "../../configs/config.ts";
import type { ImagemillError } from "../../core/errors.ts";
import { finishRun } from "../../submit/finish.ts";
import { replayRun } from "../../submit/replay.ts";
import { run } from "../../submit/run.ts";
import { submitRun } from "../../submit/submit.ts";
import { counting } from "./counting.ts";
import { bareRun, createWorld } from "./world.ts";

const objects = { "a.jpg": "image a", "b.jpg": "image b", "broken.jpg": "this one is bad" };

describe("a finished run", () => {
  it("is refused once it is finished, too, when it is asked for with other settings: exit code 4, and what differs", async () => {
    await using world = await createWorld("memory", objects);
    await using driver = await world.driver();
    const { runId } = await run(driver, bareRun);
    const { policy } = world.config;
    const others: [Partial<Config>, RegExp][] = [
      [{ warehouse: "duckdb:///other.duckdb" }, /stores\.warehouse was "duckdb:\/\/\/fake\.duckdb", is now "duckdb:\/\/\/other\.duckdb"/],
      [{ archive: `${world.config.archive}-2` }, /stores\.archive was /],
      [{ policy: { ...policy, limits: { ...policy.limits, maxPixels: 7 } } }, /policy\.limits\.maxPixels was \d+, is now 7/],
    ];
    for (const [config, what] of others) {
      const calls: string[] = [];
      await using other = await world.driver({ config, wrap: counting(calls) });
      await assert.rejects(run(other, bareRun), (error: ImagemillError) => {
        assert.equal(error.code, "PLAN_DIFFERS");
        assert.equal(error.exitCode, 4);
        assert.match(error.message, what);
        assert.match(error.hint!, /finished.*duckdb:\/\/\/fake\.duckdb.*--rerun 2/);
        return true;
      });
      await assert.rejects(submitRun(other, bareRun), { code: "PLAN_DIFFERS", exitCode: 4 });
      assert.deepEqual(
        calls.filter((call) => !call.startsWith("list")),
        [],
        "nothing is written",
      );
      const shown = await finishRun(other, runId, { acceptQuarantined: false });
      assert.equal(shown.finished, true);
      assert.equal(shown.places.warehouse, "duckdb:///fake.duckdb", "where its rows are, not where they would be now");
    }
    await using again = await world.driver();
    const replayed = await replayRun(again, runId, {});
    assert.equal(replayed.listed, 1);
    await using other = await world.driver({ config: { archive: `${world.config.archive}-2` } });
    await assert.rejects(replayRun(other, runId, {}), { code: "PLAN_DIFFERS", exitCode: 4 });
  });
});
