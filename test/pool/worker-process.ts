import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { WorkerEvent } from "../../core/events.ts";
import { runWorker } from "../../pool/worker.ts";
import { runId, type PlannedRun } from "./planned-run.ts";

/** `imagemill worker` as a process of its own: this file, started, is it. */
export interface WorkerProcess {
  child: ChildProcess;
  events: WorkerEvent[];
  stderr(): string;
  next(wanted: (event: WorkerEvent) => boolean): Promise<WorkerEvent>;
  exit: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

export function startWorker(run: PlannedRun, shards: string): WorkerProcess {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), run.plan.stores.control, shards], {
    stdio: ["pipe", "pipe", "pipe"],
  });
  const events: WorkerEvent[] = [];
  const waiting = new Set<() => void>();
  const wake = (): void => {
    for (const check of waiting) check();
  };
  createInterface({ input: child.stdout }).on("line", (line) => {
    events.push(JSON.parse(line) as WorkerEvent);
    wake();
  });
  let stderr = "";
  child.stderr.on("data", (data: Buffer) => (stderr += data.toString()));
  const exit = once(child, "close").then(([code, signal]) => ({ code: code as number | null, signal: signal as NodeJS.Signals | null }));
  return {
    child,
    events,
    stderr: () => stderr,
    exit,
    next: async (wanted) =>
      new Promise((resolve, reject) => {
        const check = (): void => {
          const found = events.find(wanted);
          if (found === undefined) return;
          waiting.delete(check);
          resolve(found);
        };
        waiting.add(check);
        void exit.then(() => reject(new Error(`the worker ended first: ${stderr}`)));
        check();
      }),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , control, shards] = process.argv;
  process.exitCode = await runWorker({ runId, control: control!, shards: shards === "-" ? "stdin" : shards!.split(","), threads: 1 });
}
