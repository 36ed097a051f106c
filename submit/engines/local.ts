import { hostname } from "node:os";
import type { Clock } from "../../core/clock.ts";
import { exitCodes } from "../../core/errors.ts";
import type { WorkerEvent } from "../../core/events.ts";
import type { Logger } from "../../core/log.ts";
import type { Engine, EngineStatus, SubmitRequest, WorkerEventSink } from "./engine.ts";
import {
  advance,
  busySlots,
  isOver,
  newSchedule,
  type Schedule,
  type ScheduleCommand,
  type ScheduleEvent,
  type ShardFailure,
} from "./schedule.ts";
import { startWorker, type WorkerCommand, type WorkerExit, type WorkerProcess } from "./worker-process.ts";

export interface LocalEngineOptions {
  /** Worker processes at the same time; one slot each. */
  processes: number;
  /** Attempts a shard, the first one included. */
  shardAttempts: number;
  /** How the worker of a slot is started; it reads shard ids on stdin. */
  command: (runId: string, slot: number) => WorkerCommand;
  /** What workers say, as they say it. */
  onEvent: WorkerEventSink;
  log: Logger;
  clock: Clock;
  /** A worker that was asked to stop is killed after it. Default 8,000. */
  graceMs?: number;
}

export interface LocalHandle {
  runId: string;
  /** The driver: the workers live and die with it. */
  pid: number;
  host: string;
}

interface Work {
  handle: LocalHandle;
  schedule: Schedule;
  workers: Map<number, WorkerProcess>;
  /** When a slot's shard, or its dismissed worker, must have ended; by the monotonic clock. */
  deadlines: Map<number, number>;
  shardTimeoutMs: number;
  cancelled: boolean;
  reaped: Promise<void>[];
}

/** Beyond the worker's own deadline for a shard: it should have ended by itself. */
const overdueMs = 60_000;

/** Worker processes of this machine, as children of the driver. The handle means nothing to another process. */
export function createLocalEngine(options: LocalEngineOptions): Engine<LocalHandle> {
  const runs = new Map<string, Work>();
  const cancel = async (handle: LocalHandle): Promise<void> => {
    const work = runs.get(handle.runId);
    if (work !== undefined) await stopWork(work, options);
  };
  return {
    name: "local",
    remote: false,
    submit: async (request, signal) => {
      signal.throwIfAborted();
      const live = runs.get(request.plan.runId);
      if (live !== undefined && !isOver(live.schedule)) return live.handle;
      const work = newWork(request, options);
      runs.set(request.plan.runId, work);
      step(work, { type: "begin" }, options);
      return work.handle;
    },
    poll: async (handle, signal) => {
      signal.throwIfAborted();
      const work = runs.get(handle.runId);
      if (work === undefined)
        return { state: "lost", message: `the driver that ran it (process ${handle.pid} on ${handle.host}) has ended` };
      await killOverdue(work, options);
      return statusOf(work);
    },
    cancel,
    links: () => [],
    close: async () => {
      await Promise.all(runs.values().map(async (work) => cancel(work.handle)));
    },
  };
}

function newWork({ plan, shards }: SubmitRequest, options: LocalEngineOptions): Work {
  return {
    handle: { runId: plan.runId, pid: process.pid, host: hostname() },
    schedule: newSchedule(
      shards.map((shard) => shard.id),
      options.processes,
      options.shardAttempts,
    ),
    workers: new Map(),
    deadlines: new Map(),
    shardTimeoutMs: plan.policy.limits.shardTimeoutMs,
    cancelled: false,
    reaped: [],
  };
}

function step(work: Work, event: ScheduleEvent, options: LocalEngineOptions): void {
  for (const command of advance(work.schedule, event)) perform(work, command, options);
}

function perform(work: Work, command: ScheduleCommand, options: LocalEngineOptions): void {
  switch (command.do) {
    case "start":
      start(work, command.slot, options);
      break;
    case "assign":
      if (!work.deadlines.has(command.slot)) expectEnd(work, command.slot, options.clock);
      work.workers.get(command.slot)!.assign(command.shard);
      break;
    case "dismiss":
      dismiss(work, command.slot, options.clock);
      break;
  }
}

function expectEnd(work: Work, slot: number, clock: Clock): void {
  work.deadlines.set(slot, clock.monotonicMs() + work.shardTimeoutMs + overdueMs);
}

function dismiss(work: Work, slot: number, clock: Clock): void {
  if (work.deadlines.has(slot)) return;
  work.deadlines.set(slot, clock.monotonicMs() + overdueMs);
  work.workers.get(slot)!.dismiss();
}

function start(work: Work, slot: number, options: LocalEngineOptions): void {
  const sink = (event: WorkerEvent): void => {
    options.onEvent(event);
    if (event.type === "progress" || event.type === "quarantined") return;
    work.deadlines.delete(slot);
    step(work, { type: "said", slot, event }, options);
    if ((work.schedule.slots.get(slot)?.length ?? 0) > 0) expectEnd(work, slot, options.clock);
  };
  const worker = startWorker(options.command(work.handle.runId, slot), sink, options.log, options.clock);
  work.workers.set(slot, worker);
  work.reaped.push(reap(work, slot, worker, options));
}

async function reap(work: Work, slot: number, worker: WorkerProcess, options: LocalEngineOptions): Promise<void> {
  const exit = await worker.exited;
  work.workers.delete(slot);
  // It saw that the run was cancelled before we did.
  if (exit.code === exitCodes.cancelled) cancelWork(work, options);
  work.deadlines.delete(slot);
  step(work, { type: "exited", slot, failure: failureOf(exit), fatal: isFatal(exit.code) }, options);
}

/** Other code or another configuration than the plan's: a new process would say the same. */
function isFatal(code: number | null): boolean {
  return code === exitCodes.precondition || code === exitCodes.usage;
}

function failureOf(exit: WorkerExit): Omit<ShardFailure, "shard"> {
  const how = exit.signal === null ? `exit code ${exit.code ?? "unknown"}` : `signal ${exit.signal}`;
  const said = lastError(exit.tail);
  return { code: "WORKER_DIED", message: said === undefined ? `the worker ended with ${how}` : `the worker ended with ${how}: ${said}` };
}

function lastError(tail: string[]): string | undefined {
  const text = tail.findLast((line) => line.trim() !== "");
  return text?.slice(0, 500);
}

async function killOverdue(work: Work, options: LocalEngineOptions): Promise<void> {
  const now = options.clock.monotonicMs();
  for (const [slot, deadline] of work.deadlines) {
    if (now < deadline) continue;
    options.log.warn("worker-overdue", { shard: work.schedule.slots.get(slot)?.[0] ?? null });
    await work.workers.get(slot)?.stop(0);
  }
}

function cancelWork(work: Work, options: LocalEngineOptions): void {
  work.cancelled ||= !isOver(work.schedule);
  step(work, { type: "stop" }, options);
}

async function stopWork(work: Work, options: LocalEngineOptions): Promise<void> {
  cancelWork(work, options);
  await Promise.all(work.workers.values().map(async (worker) => worker.stop(options.graceMs ?? 8000)));
  await Promise.all(work.reaped);
}

function statusOf({ schedule, cancelled }: Work): EngineStatus {
  const counts = { running: busySlots(schedule), retried: schedule.retried, failed: schedule.failed.length };
  if (!isOver(schedule)) return { state: "running", ...counts };
  if (cancelled) return { state: "cancelled", ...counts };
  const last = schedule.failed.at(-1);
  if (last === undefined) return { state: "succeeded", ...counts };
  return {
    state: "failed",
    ...counts,
    message: `shard ${last.shard}: ${last.message} (${last.code})`,
    ...(last.hint !== undefined && { hint: last.hint }),
  };
}
