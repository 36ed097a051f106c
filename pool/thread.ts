import { move, transferableSymbol, valueSymbol } from "piscina";
import { loadJobs, type LoadedJob } from "../jobs/load.ts";
import { processImage, transferList, type ImageResult } from "../jobs/process.ts";
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
export type ThreadResult = Computed | { error: PlainError };

export interface Computed {
  result: ImageResult;
  /** The source object's, given back. */
  bytes: Uint8Array<ArrayBuffer>;
}

interface Loaded {
  text: string;
  setup: ThreadSetup;
  jobs: Promise<LoadedJob[]>;
}

let loaded: Loaded | undefined;

/** What a piscina thread does. */
export default async function run(task: ThreadTask): Promise<ThreadResult | ReturnType<typeof move>> {
  const { setup, jobs } = loadedFor(task.setup);
  let ready: LoadedJob[];
  try {
    ready = await jobs;
  } catch (error) {
    return { error: toPlainError(error) };
  }
  const { name, bytes } = task;
  const result = await processImage({ name, bytes, jobs: ready, maxPixels: setup.maxPixels, timeoutMs: setup.timeoutMs });
  const value: ThreadResult = { result, bytes };
  return move({ [transferableSymbol]: [...transferList(result), bytes.buffer], [valueSymbol]: value });
}

function loadedFor(text: string): Loaded {
  if (loaded?.text !== text) {
    const setup = JSON.parse(text) as ThreadSetup;
    loaded = { text, setup, jobs: loadJobs(setup.jobs) };
  }
  return loaded;
}
