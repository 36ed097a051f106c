import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { setImmediate } from "node:timers/promises";
import { systemRandom, type Clock } from "../../core/clock.ts";
import type { RunEvent } from "../../core/events.ts";
import { silentLogger } from "../../core/log.ts";
import { dataproc } from "../../configs/engines/dataproc.ts";
import type { Config } from "../../configs/config.ts";
import { kafka } from "../../configs/kafka.ts";
import { compute } from "../../configs/engines/compute.ts";
import { openStore } from "../../storage/open.ts";
import type { ObjectStore } from "../../storage/store.ts";
import { createDriver, type Driver, type DriverParts, type RunOptions } from "../../submit/driver.ts";
import { fakeEngine, type FakeEngineOptions } from "./fake-engine.ts";
import { fakeWarehouse, type FakeWarehouse } from "./fake-warehouse.ts";
import { policy } from "./plans.ts";

export const bareRun: RunOptions = { rerun: 1, reprocess: false };

/** Ticks as it is asked, and makes every wait short. */
export function fakeClock(start = "2026-11-23T08:00:00Z"): Clock & { advance(ms: number): void } {
  let nowMs = Date.parse(start);
  return {
    now: () => (nowMs += 1),
    monotonicMs: () => (nowMs += 1),
    sleep: async (ms, signal) => {
      // A deadline is no wait: it must not make time pass.
      if (ms > 100_000) return new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason as Error)));
      signal?.throwIfAborted();
      nowMs += ms;
      await setImmediate();
    },
    advance: (ms) => void (nowMs += ms),
  };
}

export interface DriverWish {
  config?: Partial<Config>;
  clock?: Clock;
  signal?: AbortSignal;
  /** Drivers of one machine share its locks. */
  machine?: string;
  engine?: Pick<FakeEngineOptions, "remote" | "before">;
  /** Wraps each store that the driver and its workers open. */
  wrap?: (store: ObjectStore, url: string) => ObjectStore;
  parts?: Partial<DriverParts>;
}

/** Stores and a warehouse in which drivers come and go. */
export interface World extends AsyncDisposable {
  config: Config;
  events: RunEvent[];
  warehouse: FakeWarehouse;
  /** Bare, as the driver's own are, without its wrappers. */
  store(which: "source" | "archive" | "control"): Promise<ObjectStore>;
  driver(wish?: DriverWish): Promise<Driver>;
}

let worlds = 0;

export async function createWorld(kind: "memory" | "file", objects: Record<string, string>): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), "imagemill-driver-"));
  const id = `${process.pid}-${(worlds += 1)}`;
  const url = (name: string): string => (kind === "memory" ? `memory://${name}-${id}` : pathToFileURL(join(folder, name)).href);
  const config = configOf({ source: url("source"), archive: url("archive"), control: url("control"), warehouse: "duckdb:///fake.duckdb" });
  const clock = fakeClock();
  const context = { attempts: 1, concurrency: 16, log: silentLogger, clock, random: systemRandom };
  const events: RunEvent[] = [];
  const warehouse = fakeWarehouse(config.warehouse);
  const source = await openStore(config.source, context);
  for (const [name, text] of Object.entries(objects)) await source.write(name, Buffer.from(text));

  const driver = async (wish: DriverWish = {}): Promise<Driver> => {
    const own: Config = { ...config, ...(wish.engine?.remote === true && { engine: "spark" }), ...wish.config };
    const ownClock = wish.clock ?? clock;
    const open = async (at: string): Promise<ObjectStore> => {
      const store = await openStore(at, { ...context, clock: ownClock });
      return wish.wrap?.(store, at) ?? store;
    };
    const place = async () => ({
      control: await open(own.control),
      source: await open(own.source),
      archive: await open(own.archive),
      clock: ownClock,
      random: systemRandom,
    });
    return createDriver(
      own,
      {
        log: silentLogger,
        clock: ownClock,
        random: systemRandom,
        signal: wish.signal ?? new AbortController().signal,
        emit: (event) => events.push(event),
        environment: { XDG_STATE_HOME: join(folder, wish.machine ?? "here") },
      },
      {
        openStore: open,
        openWarehouse: () => Promise.resolve(warehouse),
        createEngine: (onEvent) => Promise.resolve(fakeEngine({ place, onEvent, ...wish.engine })),
        code: () => ({ imagemill: "1", sharp: "1", libvips: "1" }),
        sizing: () => ({ processes: 2, threadsPerProcess: 1 }),
        ...wish.parts,
      },
    );
  };
  return {
    config,
    events,
    warehouse,
    store: async (which) => openStore(config[which], context),
    driver,
    [Symbol.asyncDispose]: async () => rm(folder, { recursive: true, force: true }),
  };
}

export function configOf(urls: Pick<Config, "source" | "archive" | "control" | "warehouse">): Config {
  return {
    ...urls,
    engine: "local",
    jobs: [{ name: "facts", params: {} }],
    select: { include: ["**"], exclude: [] },
    policy,
    local: { processes: 2, threadsPerProcess: 1, pin: false, shardAttempts: 3 },
    kafka: kafka.parse({}),
    spark: { submitCommand: "spark-submit", conf: {}, taskCpus: 1, shardAttempts: 4, speculation: true, worker: "here" },
    dataproc: dataproc.parse({}),
    compute: compute.parse({}),
    google: { location: "EU", endpoints: {} },
    prices: { currency: "USD", minimumBilledMs: 60_000 },
    logLevel: "silent",
  };
}
