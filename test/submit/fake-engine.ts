import { setImmediate } from "node:timers/promises";
import { codeOf, messageOf } from "../../core/errors.ts";
import type { Engine, EngineStatus, SubmitRequest, WorkerEventSink } from "../../submit/engines/engine.ts";
import { workShard, type FakePlace } from "./fake-work.ts";

export interface FakeEngineOptions {
  place: () => Promise<FakePlace>;
  onEvent: WorkerEventSink;
  remote?: boolean;
  /** Called before each shard; may throw, may wait. */
  before?: (shard: string) => Promise<void> | void;
}

interface FakeHandle {
  runId: string;
  submission: number;
}

/** What remote engines share between drivers: the service behind them. */
export const fakeService = new Map<string, { status: EngineStatus; stopped: boolean; submissions: number }>();

/** Works shards in this process, one after the other. */
export function fakeEngine({ place, onEvent, remote = false, before = () => undefined }: FakeEngineOptions): Engine<FakeHandle> {
  const jobs = remote ? fakeService : new Map<string, { status: EngineStatus; stopped: boolean; submissions: number }>();
  const running = new Set<Promise<void>>();
  const keyOf = ({ runId, submission }: FakeHandle): string => `${runId}#${submission}`;

  const work = async ({ plan, shards }: SubmitRequest, job: { status: EngineStatus; stopped: boolean }): Promise<void> => {
    try {
      const where = await place();
      for (const shard of shards) {
        await setImmediate();
        if (job.stopped) break;
        await before(shard.id);
        await workShard(where, plan.runId, shard.id, onEvent);
      }
      job.status = { state: job.stopped ? "cancelled" : "succeeded" };
    } catch (error) {
      job.status = { state: "failed", message: `${messageOf(error)} (${codeOf(error) ?? "?"})` };
    }
  };
  const engine: Engine<FakeHandle> = {
    name: remote ? "spark" : "local",
    remote,
    submit: async (request, signal) => {
      signal.throwIfAborted();
      const handle = { runId: request.plan.runId, submission: request.submission };
      if (jobs.has(keyOf(handle))) return Promise.resolve(handle);
      const job = { status: { state: "running" } as EngineStatus, stopped: false, submissions: 1 };
      jobs.set(keyOf(handle), job);
      const working = work(request, job).finally(() => running.delete(working));
      running.add(working);
      return Promise.resolve(handle);
    },
    poll: async (handle, signal) => {
      signal.throwIfAborted();
      return Promise.resolve(jobs.get(keyOf(handle))?.status ?? { state: "lost" });
    },
    cancel: async (handle) => {
      const job = jobs.get(keyOf(handle));
      if (job === undefined) return;
      job.stopped = true;
      if (job.status.state === "running") job.status = { state: "cancelled" };
      await Promise.all(running);
    },
    links: () => (remote ? [{ label: "console", url: "https://console.example/job" }] : []),
    close: async () => {
      if (remote) return;
      for (const job of jobs.values()) job.stopped = true;
      await Promise.all(running);
    },
  };
  return engine;
}
