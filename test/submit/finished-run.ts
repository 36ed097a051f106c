import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { systemClock, systemRandom } from "../../core/clock.ts";
import { controlNames } from "../../core/layout.ts";
import { silentLogger } from "../../core/log.ts";
import type { Plan } from "../../core/types.ts";
import { readJson } from "../../storage/objects.ts";
import type { Driver } from "../../submit/driver.ts";
import { run } from "../../submit/run.ts";
import { openWarehouse } from "../../warehouse/open.ts";
import { bareRun, createWorld, type World } from "./world.ts";

/** A run that has come to its end, with its rows in a real DuckDB file. */
export interface Finished extends AsyncDisposable {
  world: World;
  driver: Driver;
  runId: string;
  plan: Plan;
  database: string;
}

export async function finishedRun(objects: Record<string, string>): Promise<Finished> {
  const folder = await mkdtemp(join(tmpdir(), "imagemill-verify-"));
  const database = join(folder, "w.duckdb");
  const warehouse = pathToFileURL(database).href.replace("file:", "duckdb:");
  const world = await createWorld("memory", objects);
  const context = { log: silentLogger, clock: systemClock, random: systemRandom, lockTimeoutMs: 5000 };
  const driver = await world.driver({ config: { warehouse }, parts: { openWarehouse: async (url) => openWarehouse(url, context) } });
  const { runId, exitCode } = await run(driver, bareRun);
  assert.equal(exitCode, 0);
  const plan = (await readJson<Plan>(driver.control, controlNames.plan(runId)))!;
  return {
    world,
    driver,
    runId,
    plan,
    database,
    [Symbol.asyncDispose]: async () => {
      await driver[Symbol.asyncDispose]();
      await world[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
  };
}
