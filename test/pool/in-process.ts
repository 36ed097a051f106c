import { systemClock } from "../../core/clock.ts";
import { silentLogger } from "../../core/log.ts";
import { loadJobs } from "../../jobs/load.ts";
import { processImage } from "../../jobs/process.ts";
import type { FromPool } from "../../pool/channel.ts";
import type { PoolChild, PoolShape } from "../../pool/child.ts";
import type { Death } from "../../pool/flight.ts";
import { createPool } from "../../pool/obey.ts";
import type { ObjectStore } from "../../storage/store.ts";

/** A pool "process" in this process, over the given stores: everything but processes and threads is real. */
export function startInProcess(open: (url: string) => Promise<ObjectStore>): (shape: PoolShape) => PoolChild {
  return (shape) => {
    const { promise: ended, resolve } = Promise.withResolvers<Death>();
    const listeners: ((message: FromPool) => void)[] = [];
    let alive = true;
    const pool = createPool({
      shape,
      clock: systemClock,
      logger: () => silentLogger,
      openStores: async ({ stores }) => ({
        source: await open(stores.source),
        archive: await open(stores.archive),
        control: await open(stores.control),
      }),
      compute: ({ jobs, limits }) => {
        const loaded = loadJobs(jobs);
        return async (name, bytes) => {
          const input = { name, bytes, jobs: await loaded, maxPixels: limits.maxPixels, timeoutMs: limits.imageTimeoutMs };
          return { result: await processImage(input), bytes };
        };
      },
      // As over a channel: copied, later, and not at all once the process is gone.
      send: (message) => {
        const copy = structuredClone(message);
        setImmediate(() => alive && listeners.forEach((listener) => listener(copy)));
      },
      end: (code) =>
        void setImmediate(() => {
          alive = false;
          resolve({ kind: "exit", message: `code ${code}` });
        }),
    });
    return {
      pid: undefined,
      send: (message) => void setImmediate((copy) => pool.obey(copy), structuredClone(message)),
      onMessage: (listener) => void listeners.push(listener),
      kill: () => {
        alive = false;
        resolve({ kind: "signal", message: "killed" });
      },
      residentBytes: () => undefined,
      ended,
    };
  };
}
