import { z } from "zod";
import type { LocalEngineConfig } from "../config.ts";
import { auto, flag, whole } from "../fields.ts";

export const local = z.strictObject({
  processes: auto(1, 1024).default("auto").describe("Worker processes at once; `auto` is one a core, as memory allows."),
  threadsPerProcess: auto(1, 256).default("auto").describe("Threads of a worker process."),
  pin: flag().default(true).describe("Bind each worker to a core where the system can."),
  shardAttempts: whole(1, 10).default(3).describe("Attempts at a shard before the run fails."),
}) satisfies z.ZodType<LocalEngineConfig>;
