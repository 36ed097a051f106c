import { type ChildProcess, spawn, type SpawnOptions } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants } from "node:fs";
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { protos } from "@google-cloud/batch";

type Runnable = protos.google.cloud.batch.v1.IRunnable;

/** Codes that Batch reserves. */
export const reserved = { preempted: 50_001, overdue: 50_005 } as const;

export interface TaskRun {
  runnable: Runnable;
  environment: Record<string, string>;
  maxRunMs: number;
}

/** A machine that a job has: tasks on it share its disk. */
export interface Machine {
  readonly id: number;
  /** Resolves with the task's exit code. */
  run(task: TaskRun): Promise<number>;
  /** SIGTERM to all that runs, SIGKILL after the notice, and the disk is gone. */
  takeAway(noticeMs: number, code: number): Promise<void>;
}

export interface MachineOptions {
  metadata: string;
  /** Where a container image's own programs are. */
  imagePath: string | undefined;
  /** Of all tasks, as they print. */
  print: (text: string) => void;
}

/** All that a plain Debian has and our script asks for; above all no Node. */
const tools =
  "sh curl sed grep tee tail mkfifo mktemp mkdir mv rm tar gzip sha256sum flock cat dirname sleep kill env taskset uname id chmod ls".split(
    " ",
  );

export async function startMachine(id: number, { metadata, imagePath, print }: MachineOptions): Promise<Machine> {
  const disk = await mkdtemp(join(tmpdir(), "imagemill-machine-"));
  const path = await bareTools(join(disk, "bin"));
  const running = new Set<ChildProcess>();
  const runs = new Set<Promise<number>>();
  let verdict: number | undefined;
  let scripts = 0;

  const start = async ({ runnable, environment }: TaskRun): Promise<ChildProcess> => {
    const env = { HOME: disk, IMAGEMILL_METADATA: metadata, IMAGEMILL_HOME: join(disk, "imagemill"), ...environment };
    const options: SpawnOptions = { cwd: disk, detached: true, stdio: ["ignore", "pipe", "pipe"] };
    const { container, script } = runnable;
    if (container) {
      const within = [imagePath, path].filter((part) => part !== undefined).join(delimiter);
      return spawn(container.entrypoint!, container.commands!, { ...options, env: { ...env, PATH: within } });
    }
    scripts += 1;
    const file = join(disk, `script-${scripts}`);
    await writeFile(file, script!.text!);
    await chmod(file, 0o755);
    return spawn(file, { ...options, env: { ...env, PATH: path } });
  };

  const run = async (task: TaskRun): Promise<number> => {
    const child = await start(task);
    running.add(child);
    for (const stream of [child.stdout, child.stderr]) stream?.on("data", (data: Buffer) => print(data.toString()));
    let overdue = false;
    const deadline = setTimeout(() => {
      overdue = true;
      killGroup(child, "SIGKILL");
    }, task.maxRunMs);
    if (verdict !== undefined) killGroup(child, "SIGKILL");
    const [code, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
    clearTimeout(deadline);
    killGroup(child, "SIGKILL");
    running.delete(child);
    return overdue ? reserved.overdue : (code ?? (signal === "SIGTERM" ? 143 : 137));
  };

  /** What happens to a machine happens to its tasks, also to those that are just about to start. */
  const judged = async (task: TaskRun): Promise<number> => {
    try {
      const code = await run(task);
      return verdict ?? code;
    } catch (error) {
      if (verdict === undefined) throw error;
      return verdict;
    }
  };

  return {
    id,
    run: async (task) => {
      const one = judged(task);
      runs.add(one);
      return one.finally(() => runs.delete(one));
    },
    takeAway: async (noticeMs, code) => {
      verdict = code;
      for (const child of running) killGroup(child, "SIGTERM");
      await Promise.race([Promise.allSettled(runs), delay(noticeMs, undefined, { ref: false })]);
      for (const child of running) killGroup(child, "SIGKILL");
      await Promise.allSettled(runs);
      await rm(disk, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

async function bareTools(folder: string): Promise<string> {
  await mkdir(folder);
  for (const tool of tools) {
    const found = ["/usr/bin", "/bin"].map((place) => join(place, tool)).find(isExecutable);
    if (found !== undefined) await symlink(found, join(folder, tool));
  }
  return folder;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, signal);
  } catch {
    // ESRCH: the whole group has ended.
  }
}
