import type { WorkerEvent } from "../../core/events.ts";

/*
 * Which worker gets which shard when: the local engine's decisions, as a pure state machine. A slot is a place for one
 * worker process; the process in it may die and be replaced.
 */

export interface ShardFailure {
  shard: string;
  code: string;
  message: string;
  hint?: string;
}

export interface Schedule {
  readonly shardAttempts: number;
  readonly slotCount: number;
  /** The last is the next: taking it costs the same however many wait. */
  waiting: string[];
  /** Shards that each slot's process has been given and has not ended, in that order. No process: absent. */
  slots: Map<number, string[]>;
  /** Shards that a process has begun. */
  begun: Set<string>;
  /** Failed attempts, by shard. */
  failures: Map<string, number>;
  retried: number;
  finished: number;
  /** Shards that get no further attempt. */
  failed: ShardFailure[];
  /** Attempts, of any shards, since one last succeeded. */
  failuresInARow: number;
  /** No shard is given out any more: cancelled, or nothing can succeed. */
  stopping: boolean;
}

export type ScheduleEvent =
  | { type: "begin" }
  | { type: "said"; slot: number; event: WorkerEvent }
  /** `fatal`: a new process would end the same way. */
  | { type: "exited"; slot: number; failure: Omit<ShardFailure, "shard">; fatal: boolean }
  | { type: "stop" };

export type ScheduleCommand =
  | { do: "start"; slot: number }
  | { do: "assign"; slot: number; shard: string }
  /** Nothing is left for this worker: it may end. */
  | { do: "dismiss"; slot: number };

/** When as many attempts in a row failed as this many shards have, the cause is not the shards. */
const hopelessAfterShards = 3;

export function newSchedule(shards: string[], slotCount: number, shardAttempts: number): Schedule {
  return {
    shardAttempts,
    slotCount: Math.max(1, Math.min(slotCount, shards.length)),
    waiting: shards.toReversed(),
    slots: new Map(),
    begun: new Set(),
    failures: new Map(),
    retried: 0,
    finished: 0,
    failed: [],
    failuresInARow: 0,
    stopping: false,
  };
}

/** Nothing runs and nothing will. */
export function isOver(schedule: Schedule): boolean {
  return schedule.slots.size === 0 && (schedule.waiting.length === 0 || schedule.stopping);
}

export function busySlots(schedule: Schedule): number {
  return schedule.slots.values().reduce((sum, shards) => sum + (shards.length > 0 ? 1 : 0), 0);
}

/** Changes `schedule` and says what to do now. */
export function advance(schedule: Schedule, event: ScheduleEvent): ScheduleCommand[] {
  if (event.type === "stop") schedule.stopping = true;
  else if (event.type === "exited") exited(schedule, event);
  else if (event.type === "said") said(schedule, event.slot, event.event);
  return [...toIdle(schedule), ...toNewProcesses(schedule), ...ahead(schedule), ...dismissals(schedule)];
}

function exited(schedule: Schedule, { slot, failure, fatal }: Extract<ScheduleEvent, { type: "exited" }>): void {
  const given = schedule.slots.get(slot) ?? [];
  schedule.slots.delete(slot);
  if (fatal) schedule.stopping = true;
  const begun = given.filter((shard) => schedule.begun.has(shard));
  // One that died before it began anything must cost an attempt, too, or this would never end.
  const blamed = begun.length > 0 ? begun : given.slice(0, 1);
  schedule.waiting.push(...given.filter((shard) => !blamed.includes(shard)).toReversed());
  for (const shard of blamed) attemptFailed(schedule, { shard, ...failure });
}

function said(schedule: Schedule, slot: number, event: WorkerEvent): void {
  const given = schedule.slots.get(slot);
  if (given === undefined || !given.includes(event.shard)) return;
  switch (event.type) {
    case "shard-started":
      schedule.begun.add(event.shard);
      break;
    case "shard-committed":
    case "shard-superseded":
      schedule.slots.set(slot, without(given, event.shard));
      schedule.begun.delete(event.shard);
      schedule.finished += 1;
      schedule.failuresInARow = 0;
      break;
    case "shard-failed": {
      const { shard, code, message, hint } = event;
      schedule.slots.set(slot, without(given, shard));
      attemptFailed(schedule, { shard, code, message, ...(hint !== undefined && { hint }) });
      break;
    }
    case "progress":
    case "quarantined":
      break;
  }
}

function without(shards: string[], shard: string): string[] {
  return shards.filter((one) => one !== shard);
}

function attemptFailed(schedule: Schedule, failure: ShardFailure): void {
  const failures = (schedule.failures.get(failure.shard) ?? 0) + 1;
  schedule.failures.set(failure.shard, failures);
  schedule.begun.delete(failure.shard);
  schedule.failuresInARow += 1;
  if (schedule.failuresInARow >= hopelessAfterShards * schedule.shardAttempts) schedule.stopping = true;
  if (!schedule.stopping && failures < schedule.shardAttempts) {
    schedule.retried += 1;
    // Next, not last: what can never succeed shows before the rest of the run has failed its first attempts.
    schedule.waiting.push(failure.shard);
    return;
  }
  schedule.failed.push(failure);
}

function mayGive(schedule: Schedule): boolean {
  return !schedule.stopping && schedule.waiting.length > 0;
}

function give(schedule: Schedule, slot: number): ScheduleCommand {
  const shard = schedule.waiting.pop()!;
  schedule.slots.set(slot, [...(schedule.slots.get(slot) ?? []), shard]);
  return { do: "assign", slot, shard };
}

function toIdle(schedule: Schedule): ScheduleCommand[] {
  const idle = [...schedule.slots].filter(([, shards]) => shards.length === 0).map(([slot]) => slot);
  return idle.flatMap((slot) => (mayGive(schedule) ? give(schedule, slot) : []));
}

/** A process is only started for a shard. */
function toNewProcesses(schedule: Schedule): ScheduleCommand[] {
  const commands: ScheduleCommand[] = [];
  for (let slot = 0; slot < schedule.slotCount && mayGive(schedule); slot += 1) {
    if (!schedule.slots.has(slot)) commands.push({ do: "start", slot }, give(schedule, slot));
  }
  return commands;
}

/** One more each, so that no thread waits between two shards; not the last ones, which go to whoever is free first. */
function ahead(schedule: Schedule): ScheduleCommand[] {
  const one = [...schedule.slots].filter(([, shards]) => shards.length === 1).map(([slot]) => slot);
  return one.flatMap((slot) => (mayGive(schedule) && schedule.waiting.length > schedule.slotCount ? give(schedule, slot) : []));
}

/** An idle worker stays while a shard that runs elsewhere may come back. */
function dismissals(schedule: Schedule): ScheduleCommand[] {
  if (!schedule.stopping && (schedule.waiting.length > 0 || busySlots(schedule) > 0)) return [];
  return [...schedule.slots].filter(([, shards]) => shards.length === 0).map(([slot]) => ({ do: "dismiss", slot }));
}
