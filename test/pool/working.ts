import { systemClock, systemRandom } from "../../core/clock.ts";
import type { WorkerEvent } from "../../core/events.ts";
import { silentLogger } from "../../core/log.ts";
import { startPoolChild } from "../../pool/child.ts";
import { runShards, type ShardsOptions } from "../../pool/shards.ts";
import { runId, type PlannedRun } from "./planned-run.ts";

export type EventOf<T extends WorkerEvent["type"]> = Extract<WorkerEvent, { type: T }>;

export interface Worked {
  exitCode: number;
  events: WorkerEvent[];
  of<T extends WorkerEvent["type"]>(type: T): EventOf<T>[];
}

/** The worker of the given run, in this process, with real pool processes. */
export async function work(run: PlannedRun, options: Partial<ShardsOptions> = {}): Promise<Worked> {
  const events: WorkerEvent[] = [];
  const exitCode = await runShards({
    runId,
    shards: () => run.shards,
    control: run.plan.stores.control,
    shape: { threads: 1, tasksPerThread: 2 },
    engineAttempt: "1",
    startChild: startPoolChild,
    clock: systemClock,
    random: systemRandom,
    log: silentLogger,
    emit: (event) => void events.push(event),
    signal: new AbortController().signal,
    ...options,
  });
  return { exitCode, events, of: (type) => events.filter((event): event is EventOf<typeof type> => event.type === type) };
}
