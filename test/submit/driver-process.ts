/*
 * A driver in a process of its own, to be killed: folders, DuckDB and worker processes, all real but for what a worker
 * does to an image. `node driver-process.ts FOLDER`; KILL_AT=N: dies by SIGKILL at the Nth call of its control store.
 */
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { systemClock, systemRandom } from "../../core/clock.ts";
import { silentLogger } from "../../core/log.ts";
import type { Config } from "../../configs/config.ts";
import { openStore } from "../../storage/open.ts";
import type { ObjectStore } from "../../storage/store.ts";
import { createDriver, type Driver } from "../../submit/driver.ts";
import { createLocalEngine } from "../../submit/engines/local.ts";
import { run } from "../../submit/run.ts";
import { openWarehouse } from "../../warehouse/open.ts";
import { configOf } from "./world.ts";

export async function openFolderDriver(
  folder: string,
  wrapControl: (store: ObjectStore) => ObjectStore = (store) => store,
): Promise<Driver> {
  const url = (name: string): string => pathToFileURL(join(folder, name)).href;
  const config: Config = configOf({
    source: url("source"),
    archive: url("archive"),
    control: url("control"),
    warehouse: url("w.duckdb").replace("file:", "duckdb:"),
  });
  const context = { attempts: 1, concurrency: 8, log: silentLogger, clock: systemClock, random: systemRandom };
  const worker = fileURLToPath(new URL("fake-worker.ts", import.meta.url));
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
  return createDriver(
    config,
    {
      log: silentLogger,
      clock: systemClock,
      random: systemRandom,
      signal: stop.signal,
      emit: () => undefined,
      environment: process.env,
    },
    {
      openStore: async (at) => {
        const store = await openStore(at, context);
        return at === config.control ? wrapControl(store) : store;
      },
      openWarehouse: async (at) => openWarehouse(at, { ...context, lockTimeoutMs: 20_000 }),
      createEngine: (onEvent) =>
        Promise.resolve(
          createLocalEngine({
            processes: 2,
            shardAttempts: 3,
            command: (runId) => ({
              file: process.execPath,
              arguments: [worker, "--run", runId, "--shard", "-", "--control", config.control],
              environment: process.env,
            }),
            onEvent,
            log: silentLogger,
            clock: systemClock,
          }),
        ),
      code: () => ({ imagemill: "1", sharp: "1", libvips: "1" }),
      sizing: () => ({ processes: 2, threadsPerProcess: 1 }),
    },
  );
}

function dyingAt(nth: number): (store: ObjectStore) => ObjectStore {
  let calls = 0;
  const count = (): void => {
    calls += 1;
    if (calls === nth) process.kill(process.pid, "SIGKILL");
  };
  return (store) => ({
    ...store,
    read: async (name, options) => {
      count();
      return store.read(name, options);
    },
    write: async (name, bytes, options) => {
      const written = await store.write(name, bytes, options);
      count();
      return written;
    },
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const killAt = Number(process.env["KILL_AT"] ?? 0);
  await using driver = await openFolderDriver(process.argv[2]!, dyingAt(killAt));
  const summary = await run(driver, { rerun: 1, reprocess: false, runDate: "2026-11-23" });
  process.stdout.write(`${JSON.stringify(summary)}\n`);
  process.exitCode = summary.exitCode;
}
