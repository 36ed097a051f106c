import { randomUUID } from "node:crypto";
import type { protos } from "@google-cloud/batch";
import { type Machine, reserved, startMachine, type MachineOptions } from "./machine.ts";
import type { Job } from "./validate.ts";

type StatusEvent = protos.google.cloud.batch.v1.IStatusEvent;
type TaskState = "PENDING" | "RUNNING" | "FAILED" | "SUCCEEDED" | "UNEXECUTED";
type JobState = "QUEUED" | "SCHEDULED" | "RUNNING" | "SUCCEEDED" | "FAILED" | "CANCELLATION_IN_PROGRESS" | "CANCELLED";

interface Task {
  index: number;
  name: string;
  state: TaskState;
  events: StatusEvent[];
  retries: number;
}

/** A job that runs: its tasks are processes of this machine. */
export interface RunningJob {
  readonly name: string;
  state(): JobState;
  describe(): Job;
  tasks(): { name: string; status: { state: TaskState; statusEvents: StatusEvent[] } }[];
  /** False when it has ended already. */
  cancel(): boolean;
  /** Takes away a machine on which something runs, with so much notice; resolves when it is gone. False where none is. */
  preempt(noticeMs: number): Promise<boolean>;
  /** Ends everything and resolves when it has. */
  stop(): Promise<void>;
}

export function startJob(name: string, job: Job, options: MachineOptions): RunningJob {
  const uid = `${name.split("/").at(-1)!.slice(0, 20)}-${randomUUID().slice(0, 8)}`;
  const group = job.taskGroups![0]!;
  const spec = group.taskSpec!;
  const groupName = `${name}/taskGroups/group0`;
  const count = Number(group.taskCount) || 1;
  const parallelism = Number(group.parallelism) || count;
  const perMachine = Number(group.taskCountPerNode) || 1;
  const tasks = Array.from({ length: count }, (_, index): Task => {
    return { index, name: `${groupName}/tasks/${index}`, state: "PENDING", events: [], retries: 0 };
  });
  const machines = new Map<Machine, number>();
  const jobEvents: StatusEvent[] = [];
  let state: JobState = "QUEUED";
  let machinesMade = 0;
  let stopped = false;

  const change = (next: JobState, why = ""): void => {
    jobEvents.push(event(`Job state is set from ${state} to ${next} for job ${name}.${why}`));
    state = next;
  };

  const place = async (): Promise<Machine> => {
    const free = machines.entries().find(([, busy]) => busy < perMachine)?.[0];
    const machine = free ?? (await startMachine((machinesMade += 1), options));
    machines.set(machine, (machines.get(machine) ?? 0) + 1);
    return machine;
  };

  const attempt = async (task: Task): Promise<void> => {
    const machine = await placing(place);
    if (stopped) return;
    move(task, "RUNNING", machine);
    const code = await machine.run({
      runnable: spec.runnables![0]!,
      environment: {
        ...spec.environment?.variables,
        BATCH_TASK_INDEX: String(task.index),
        BATCH_TASK_COUNT: String(count),
        BATCH_TASK_RETRY_ATTEMPT: String(task.retries),
        BATCH_JOB_UID: uid,
      },
      maxRunMs: Number(spec.maxRunDuration?.seconds || 14 * 86_400) * 1000,
    });
    if (machines.has(machine)) machines.set(machine, machines.get(machine)! - 1);
    if (stopped) return;
    if (code === 0) move(task, "SUCCEEDED", machine);
    else move(task, "FAILED", machine, code);
    if (code === 0 || !retried(task, code)) return;
    task.retries += 1;
    move(task, "PENDING", machine);
  };

  /** One after the other: two that look for a place at once would take the same. */
  let placed: Promise<unknown> = Promise.resolve();
  const placing = async (act: () => Promise<Machine>): Promise<Machine> => {
    const turn = placed.then(act);
    placed = turn.catch(() => undefined);
    return turn;
  };

  const retried = (task: Task, code: number): boolean => {
    const [policy] = spec.lifecyclePolicies ?? [];
    const named = policy?.actionCondition?.exitCodes?.includes(code) ?? false;
    if (policy !== undefined && named !== (policy.action === "RETRY_TASK")) return false;
    return task.retries < (spec.maxRetryCount ?? 0);
  };

  const move = (task: Task, next: TaskState, machine: Machine, exitCode?: number): void => {
    const cause = exitCode === reserved.preempted ? " due to Spot VM preemption" : "";
    const how = exitCode === undefined ? "" : `${cause} with exit code ${exitCode}`;
    const text = `Task state is updated from ${task.state} to ${next} on zones/here/instances/${machine.id}${how}.`;
    task.events.push({ ...event(text), taskState: next, ...(exitCode !== undefined && { taskExecution: { exitCode } }) });
    task.state = next;
  };

  const worker = async (): Promise<void> => {
    for (;;) {
      const task = tasks.find((one) => one.state === "PENDING" && !claimed.has(one));
      if (task === undefined || stopped) return;
      claimed.add(task);
      await attempt(task);
      claimed.delete(task);
    }
  };
  const claimed = new Set<Task>();

  const release = async (code: number): Promise<void> => {
    await placed;
    await Promise.all(machines.keys().map(async (machine) => machine.takeAway(5000, code)));
    machines.clear();
  };

  const work = async (): Promise<void> => {
    change("SCHEDULED");
    change("RUNNING");
    await Promise.all(Array.from({ length: parallelism }, worker));
    if (!stopped) await release(0);
    if (state !== "RUNNING") return;
    const failed = tasks.find((task) => task.state === "FAILED");
    if (failed === undefined) change("SUCCEEDED");
    else
      change(
        "FAILED",
        ` Job failed due to task failures. For example, task with index ${failed.index} failed, failed task event description is ${failed.events.at(-1)!.description}`,
      );
  };
  const done = new Promise<void>((resolve) => setImmediate(() => resolve(work())));

  const stop = async (): Promise<void> => {
    stopped = true;
    await release(0);
    await done;
  };

  const cancelled = async (): Promise<void> => {
    await stop();
    for (const task of tasks) if (task.state === "PENDING" || task.state === "RUNNING") task.state = "UNEXECUTED";
    change("CANCELLED");
  };

  return {
    name,
    state: () => state,
    describe: () => ({
      ...job,
      name,
      uid,
      taskGroups: [{ ...group, name: groupName, taskCount: count }],
      status: { state, statusEvents: jobEvents, taskGroups: { group0: { counts: countsOf(tasks) } } },
    }),
    tasks: () => tasks.map((task) => ({ name: task.name, status: { state: task.state, statusEvents: task.events } })),
    cancel: () => {
      if (state === "SUCCEEDED" || state === "FAILED" || state === "CANCELLED") return false;
      if (state === "CANCELLATION_IN_PROGRESS") return true;
      change("CANCELLATION_IN_PROGRESS");
      void cancelled();
      return true;
    },
    preempt: async (noticeMs) => {
      const machine = machines.entries().find(([, busy]) => busy > 0)?.[0];
      if (machine === undefined) return false;
      machines.delete(machine);
      await machine.takeAway(noticeMs, reserved.preempted);
      return true;
    },
    stop,
  };
}

function countsOf(tasks: Task[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { state } of tasks) counts[state] = (counts[state] ?? 0) + 1;
  return counts;
}

function event(description: string): StatusEvent {
  return { type: "STATUS_CHANGED", description, eventTime: { seconds: Math.floor(Date.now() / 1000) } };
}
