/*
 * How many worker processes and threads a machine gets. Processes of one thread, pinned to a core each, make a third
 * more images a second than one process of many threads: hand-overs between cores cost more than small images do.
 */

/** What a machine (or the container that we are in) offers; read by `readMachine`. */
export interface Machine {
  /** Numbers of the CPUs that this process may run on. */
  cpus: number[];
  /** CPU time per wall time that a cgroup grants; Infinity without a limit. */
  cpuQuota: number;
  /** Memory that can be taken without swapping or hitting a cgroup's limit. */
  memoryBytes: number;
  /** `taskset` is there. */
  canPin: boolean;
}

export interface SizingWish {
  processes: number | "auto";
  threadsPerProcess: number | "auto";
  pin: boolean;
  /** Of one worker's pool process, at most. */
  workerMemoryBytes: number;
}

export interface Sizing {
  processes: number;
  threadsPerProcess: number;
  /** By process: the CPUs to bind it to. Absent where pinning would not help. */
  pins?: number[][];
  /** For people, where something other than the cores decided. */
  note?: string;
}

/** The supervisor beside each pool process. */
const supervisorBytes = 100 * 2 ** 20;
/** The driver, the system, the page cache. */
const reserveBytes = 512 * 2 ** 20;

export function sizeMachine(machine: Machine, wish: SizingWish): Sizing {
  const cores = coresOf(machine);
  const threadsPerProcess = wish.threadsPerProcess === "auto" ? threadsFor(cores, wish) : wish.threadsPerProcess;
  const wanted = wish.processes === "auto" ? Math.max(1, Math.floor(cores / threadsPerProcess)) : wish.processes;
  const affordable = Math.max(1, Math.floor((machine.memoryBytes - reserveBytes) / (wish.workerMemoryBytes + supervisorBytes)));
  const processes = wish.processes === "auto" ? Math.min(wanted, affordable) : wanted;
  const pins = wish.pin ? pinsFor(machine, processes, threadsPerProcess) : undefined;
  return {
    processes,
    threadsPerProcess,
    ...(pins !== undefined && { pins }),
    ...(affordable < wanted && { note: memoryNote(wanted, affordable, processes) }),
  };
}

/** Whole cores' worth of time: a quota of 1.5 keeps two processes busy three quarters of the time. */
function coresOf({ cpus, cpuQuota }: Machine): number {
  return Math.max(1, Math.min(cpus.length, Math.ceil(cpuQuota)));
}

function threadsFor(cores: number, { processes }: SizingWish): number {
  return processes === "auto" ? 1 : Math.max(1, Math.floor(cores / processes));
}

/**
 * Only where all allowed CPUs are ours to use in full and are not oversubscribed: with a quota below them, neighbours
 * would pin to the same first ones.
 */
function pinsFor({ cpus, cpuQuota, canPin }: Machine, processes: number, threads: number): number[][] | undefined {
  if (!canPin || cpuQuota < cpus.length || processes < 2 || processes * threads > cpus.length) return undefined;
  return Array.from({ length: processes }, (_, index) => cpus.slice(index * threads, (index + 1) * threads));
}

function memoryNote(wanted: number, affordable: number, processes: number): string {
  return processes > affordable
    ? `${processes} workers may need more memory than there is; ${affordable} would fit within limits.workerMemoryBytes`
    : `memory allows ${affordable} workers of limits.workerMemoryBytes each, the cores would allow ${wanted}`;
}

/** The command that runs another one bound to CPUs. */
export function pinned(command: { file: string; arguments: string[] }, cpus: number[] | undefined): { file: string; arguments: string[] } {
  if (cpus === undefined || cpus.length === 0) return command;
  return { file: "taskset", arguments: ["-c", cpus.join(","), command.file, ...command.arguments] };
}
