import { loadJobs, type LoadedJob } from "../jobs/load.ts";
import type { ImageResult } from "../jobs/process.ts";
import { processImage } from "../jobs/process.ts";
import type { PlannedJob } from "../core/types.ts";
import { toPlainError, type PlainError } from "./channel.ts";

export interface ThreadTask {
  /** `ThreadSetup` as JSON: the same text with every task, so that threads can start before the plan is known. */
  setup: string;
  name: string;
  bytes: Uint8Array<ArrayBuffer>;
}

export interface ThreadSetup {
  jobs: PlannedJob[];
  maxPixels: number;
  timeoutMs: number;
}

/** `error`: the jobs cannot be loaded here, which is no image's fault. */
export type ThreadResult = { result: ImageResult } | { error: PlainError };

interface Loaded {
  text: string;
  setup: ThreadSetup;
  jobs: Promise<LoadedJob[]>;
}

let loaded: Loaded | undefined;

/** What a piscina thread does. */
export default async function run(task: ThreadTask): Promise<ThreadResult> {
  const { setup, jobs } = loadedFor(task.setup);
  let ready: LoadedJob[];
  try {
    ready = await jobs;
  } catch (error) {
    return { error: toPlainError(error) };
  }
  const { maxPixels, timeoutMs } = setup;
  return { result: await processImage({ name: task.name, bytes: task.bytes, jobs: ready, maxPixels, timeoutMs }) };
}

function loadedFor(text: string): Loaded {
  if (loaded?.text !== text) {
    const setup = JSON.parse(text) as ThreadSetup;
    loaded = { text, setup, jobs: loadJobs(setup.jobs) };
  }
  return loaded;
}
