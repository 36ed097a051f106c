import type { Clock } from "../core/clock.ts";
import { ImagemillError } from "../core/errors.ts";
import type { Logger } from "../core/log.ts";
import {
  fromPlainError,
  type FromPool,
  type ImageTask,
  type KnownTwin,
  type PlainError,
  type PoolSetup,
  type TaskResult,
} from "./channel.ts";
import type { PoolChild, PoolShape } from "./child.ts";
import { advance, newFlight, type Death, type Flight, type FlightCommand, type FlightEvent, type Role } from "./flight.ts";

/** The process is ended a little later than the soft deadline inside the thread: at most so much. */
const maxGraceMs = 2000;
const isolatedGraceMs = 500;
/** A main thread that says nothing for so long stands still. */
const silenceMs = 60_000;
const watchIntervalMs = 100;
const stopGraceMs = 3000;

export interface SupervisorOptions {
  shape: PoolShape;
  clock: Clock;
  log: Logger;
  startChild(shape: PoolShape): PoolChild;
  finished(seq: number, result: TaskResult): void;
  /** Proven alone: this image ends the process that works on it. */
  condemned(seq: number, death: Death): void;
  attemptFailed(attempt: string, error: ImagemillError): void;
  /** No shard can go on. */
  gaveUp(error: ImagemillError): void;
  /** `ok` objects of these attempts so far, for a process that starts in the middle. */
  knownTwins(attempts: ReadonlySet<string>): KnownTwin[];
}

/**
 * Keeps a pool process at work whatever images do to it. It knows what is in flight; when the process dies, stalls,
 * outgrows its memory or overstays a deadline, it tries the images in flight alone and goes on without the guilty one.
 */
export interface Supervisor {
  /** Once, before `add`. The process starts earlier: at creation. */
  begin(setup: Omit<PoolSetup, "isolated" | "shrink" | "threads" | "tasksPerThread">): void;
  add(images: ImageTask[], suspects: number[]): void;
  drop(attempt: string, seqs: number[]): void;
  /** In flight, as far as is known. */
  inFlight(): ReadonlySet<number>;
  slowest(): { seq: number; ms: number } | undefined;
  peakBytes(): number;
  stop(): Promise<void>;
}

interface Running {
  role: Role;
  child: PoolChild;
  /** Set when the supervisor itself ended it. */
  verdict: Death | undefined;
  heardAtMs: number;
  slowest: { seq: number; ms: number } | undefined;
}

export function createSupervisor(options: SupervisorOptions): Supervisor {
  const { shape, clock, log } = options;
  const flight: Flight = newFlight();
  const images = new Map<number, ImageTask>();
  const running: Record<Role, Running | undefined> = { main: undefined, isolation: undefined };
  let setup: Omit<PoolSetup, "isolated" | "shrink"> | undefined;
  let stopping = false;
  let peakBytes = 0;

  const open = (role: Role): Running => {
    const child = options.startChild(role === "isolation" ? { threads: 1, tasksPerThread: 1 } : shape);
    const process: Running = { role, child, verdict: undefined, heardAtMs: clock.monotonicMs(), slowest: undefined };
    child.onMessage((message) => hear(process, message));
    void child.ended.then((death) => ended(process, process.verdict ?? death));
    return process;
  };

  /** Started at once, so that it loads its code while the plan is read. */
  let spare: Running | undefined = open("main");

  const hear = (from: Running, message: FromPool): void => {
    from.heardAtMs = clock.monotonicMs();
    if (stopping || from.verdict !== undefined) return;
    switch (message.type) {
      case "report":
        from.slowest = message.slowest;
        if (message.started.length > 0) step({ type: "started", seqs: message.started });
        for (const { seq, result } of message.finished) if (images.has(seq)) options.finished(seq, result);
        if (message.finished.length > 0)
          finished(
            from.role,
            message.finished.map(({ seq }) => seq),
          );
        break;
      case "attempt-failed":
        options.attemptFailed(message.attempt, fromPlainError(message.error));
        break;
      case "pool-failed":
        giveUp(message.error);
        break;
      case "dying":
        break;
    }
  };

  const finished = (role: Role, seqs: number[]): void => {
    step({ type: "finished", role, seqs });
    for (const seq of seqs) images.delete(seq);
  };

  const giveUp = (error: PlainError): void => {
    flight.gaveUp = true;
    options.gaveUp(fromPlainError(error));
  };

  const ended = (process: Running, death: Death): void => {
    if (spare === process) spare = undefined;
    if (running[process.role] !== process) return;
    running[process.role] = undefined;
    if (stopping) return;
    log.warn("pool-process-ended", { role: process.role, kind: death.kind, message: death.message, pid: process.child.pid });
    const slowest = process.slowest?.seq;
    step({ type: "died", role: process.role, death, ...(slowest !== undefined && { slowest }) });
  };

  const step = (event: FlightEvent): void => {
    for (const command of advance(flight, event)) obey(command);
  };

  const obey = (command: FlightCommand): void => {
    switch (command.do) {
      case "start":
        start(command.role, command.shrink, command.seqs);
        break;
      case "give":
        give(running.main, command.seqs);
        break;
      case "end-isolation":
        endIsolation();
        break;
      case "condemn":
        options.condemned(command.seq, command.death);
        images.delete(command.seq);
        break;
      case "give-up":
        options.gaveUp(unstable(command.death));
        break;
    }
  };

  const start = (role: Role, shrink: number, seqs: number[]): void => {
    const process = role === "main" && spare !== undefined ? spare : open(role);
    if (process === spare) spare = undefined;
    running[role] = process;
    process.heardAtMs = clock.monotonicMs();
    process.child.send({ type: "setup", setup: { ...setup!, isolated: role === "isolation", shrink } });
    give(process, seqs);
  };

  const give = (process: Running | undefined, seqs: number[]): void => {
    const given = seqs.flatMap((seq) => images.get(seq) ?? []);
    const twins = options.knownTwins(new Set(given.filter(({ candidate }) => candidate).map(({ attempt }) => attempt)));
    process?.child.send({ type: "images", images: given, twins });
  };

  const endIsolation = (): void => {
    const process = running.isolation;
    running.isolation = undefined;
    process?.child.kill();
  };

  const watch = (process: Running): void => {
    if (process.verdict !== undefined || setup === undefined) return;
    const resident = process.child.residentBytes() ?? 0;
    peakBytes = Math.max(peakBytes, resident);
    const verdict = verdictOn(process, resident, setup.limits, clock.monotonicMs() - process.heardAtMs);
    if (verdict === undefined) return;
    process.verdict = verdict;
    process.child.kill();
  };

  const timer = setInterval(() => {
    for (const role of ["main", "isolation"] as const) if (running[role] !== undefined) watch(running[role]);
  }, watchIntervalMs);

  return {
    begin: (given) => {
      setup = { ...given, ...shape };
    },
    add: (added, suspects) => {
      for (const image of added) images.set(image.seq, image);
      step({ type: "added", seqs: added.map(({ seq }) => seq), suspects });
    },
    drop: (attempt, seqs) => {
      for (const seq of seqs) images.delete(seq);
      running.main?.child.send({ type: "drop", attempt });
      running.isolation?.child.send({ type: "drop", attempt });
      step({ type: "dropped", seqs });
    },
    inFlight: () => flight.started,
    slowest: () => running.isolation?.slowest ?? running.main?.slowest,
    peakBytes: () => peakBytes,
    stop: async () => {
      stopping = true;
      clearInterval(timer);
      const children = [spare, running.main, running.isolation].flatMap((process) => process?.child ?? []);
      await Promise.all(children.map(async (child) => stopChild(child, clock)));
    },
  };
}

function verdictOn(process: Running, residentBytes: number, limits: PoolSetup["limits"], silentForMs: number): Death | undefined {
  if (residentBytes > limits.workerMemoryBytes) {
    const mib = (bytes: number): number => Math.round(bytes / 2 ** 20);
    const message = `${mib(residentBytes)} MiB of memory in use; limits.workerMemoryBytes allows ${mib(limits.workerMemoryBytes)} MiB`;
    return { kind: "memory", message };
  }
  const deadlineMs =
    limits.imageTimeoutMs + (process.role === "isolation" ? isolatedGraceMs : Math.min(maxGraceMs, limits.imageTimeoutMs / 2));
  const slowestMs = process.slowest === undefined ? 0 : process.slowest.ms + silentForMs;
  if (slowestMs > deadlineMs && silentForMs < silenceMs) {
    return { kind: "timeout", message: `not done after ${limits.imageTimeoutMs} ms (limits.imageTimeoutMs)` };
  }
  return silentForMs > silenceMs ? { kind: "stalled", message: `the pool process said nothing for ${silenceMs} ms` } : undefined;
}

async function stopChild(child: PoolChild, clock: Clock): Promise<void> {
  const done = new AbortController();
  child.send({ type: "stop" });
  const patience = clock.sleep(stopGraceMs, done.signal).then(
    () => child.kill(),
    () => undefined,
  );
  await child.ended;
  done.abort();
  await patience;
}

function unstable(death: Death): ImagemillError {
  return new ImagemillError(
    "POOL_UNSTABLE",
    `the pool process ends again and again, and no image is to blame; the last time: ${death.message}`,
    {
      hint: "`imagemill doctor` checks this machine; --log-level debug shows what its processes say.",
    },
  );
}
