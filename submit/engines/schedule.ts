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
  /** Front first. */
  waiting: string[];
  /** What each slot works on; null = a process that waits. A slot without a process is absent. */
  slots: Map<number, string | null>;
  readonly slotCount: number;
  /** Started tries, by shard. */
  attempts: Map<string, number>;
  retried: number;
  finished: number;
  /** Shards that failed `shardAttempts` times. */
  failed: ShardFailure[];
  /** Of shards given up, since a shard last succeeded. */
  failedInARow: number;
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
  | { do: "assign"; slot: number; shard: string; attempt: number }
  /** Nothing is left for this worker: it may end. */
  | { do: "dismiss"; slot: number };

/** When this many shards in a row used up their attempts, the cause is not the shards. */
const hopelessAfter = 3;

export function newSchedule(shards: string[], slotCount: number, shardAttempts: number): Schedule {
  return {
    shardAttempts,
    waiting: [...shards],
    slots: new Map(),
    slotCount: Math.max(1, Math.min(slotCount, shards.length)),
    attempts: new Map(),
    retried: 0,
    finished: 0,
    failed: [],
    failedInARow: 0,
    stopping: false,
  };
}

/** Nothing runs and nothing will. */
export function isOver(schedule: Schedule): boolean {
  return schedule.slots.size === 0 && (schedule.waiting.length === 0 || schedule.stopping);
}

export function runningShards(schedule: Schedule): number {
  return schedule.slots.values().reduce((sum, shard) => sum + (shard === null ? 0 : 1), 0);
}

/** Changes `schedule` and says what to do now. */
export function advance(schedule: Schedule, event: ScheduleEvent): ScheduleCommand[] {
  switch (event.type) {
    case "begin":
      break;
    case "stop":
      schedule.stopping = true;
      break;
    case "exited":
      exited(schedule, event);
      break;
    case "said":
      said(schedule, event.slot, event.event);
      break;
  }
  return [...dismissals(schedule), ...assignments(schedule), ...starts(schedule)];
}

function exited(schedule: Schedule, event: Extract<ScheduleEvent, { type: "exited" }>): void {
  const shard = schedule.slots.get(event.slot);
  schedule.slots.delete(event.slot);
  if (event.fatal) schedule.stopping = true;
  if (typeof shard === "string") attemptFailed(schedule, { shard, ...event.failure }, event.fatal);
}

function said(schedule: Schedule, slot: number, event: WorkerEvent): void {
  if (schedule.slots.get(slot) !== event.shard) return;
  if (event.type === "shard-committed" || event.type === "shard-superseded") {
    schedule.slots.set(slot, null);
    schedule.finished += 1;
    schedule.failedInARow = 0;
  } else if (event.type === "shard-failed") {
    schedule.slots.set(slot, null);
    const { shard, code, message, hint } = event;
    attemptFailed(schedule, { shard, code, message, ...(hint !== undefined && { hint }) }, false);
  }
}

function attemptFailed(schedule: Schedule, failure: ShardFailure, fatal: boolean): void {
  if (!fatal && (schedule.attempts.get(failure.shard) ?? 0) < schedule.shardAttempts) {
    schedule.retried += 1;
    // Next, not last: what can never succeed shows before the rest of the run has failed its first attempts.
    schedule.waiting.unshift(failure.shard);
    return;
  }
  schedule.failed.push(failure);
  schedule.failedInARow += 1;
  if (schedule.failedInARow >= hopelessAfter) schedule.stopping = true;
}

function nextShard(schedule: Schedule): string | undefined {
  return schedule.stopping ? undefined : schedule.waiting[0];
}

function assignments(schedule: Schedule): ScheduleCommand[] {
  const commands: ScheduleCommand[] = [];
  for (const [slot, current] of schedule.slots) {
    const shard = nextShard(schedule);
    if (current !== null || shard === undefined) continue;
    commands.push(give(schedule, slot));
  }
  return commands;
}

function give(schedule: Schedule, slot: number): ScheduleCommand {
  const shard = schedule.waiting.shift()!;
  const attempt = (schedule.attempts.get(shard) ?? 0) + 1;
  schedule.attempts.set(shard, attempt);
  schedule.slots.set(slot, shard);
  return { do: "assign", slot, shard, attempt };
}

/** A process is only started for a shard: one that dies at once costs that shard an attempt, so this ends. */
function starts(schedule: Schedule): ScheduleCommand[] {
  const commands: ScheduleCommand[] = [];
  for (let slot = 0; slot < schedule.slotCount; slot += 1) {
    if (schedule.slots.has(slot) || nextShard(schedule) === undefined) continue;
    commands.push({ do: "start", slot }, give(schedule, slot));
  }
  return commands;
}

/** An idle worker stays while a shard that runs elsewhere may come back. */
function dismissals(schedule: Schedule): ScheduleCommand[] {
  const mayComeBack = !schedule.stopping && (schedule.waiting.length > 0 || runningShards(schedule) > 0);
  if (mayComeBack) return [];
  return [...schedule.slots].filter(([, shard]) => shard === null).map(([slot]) => ({ do: "dismiss", slot }));
}
