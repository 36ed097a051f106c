/*
 * Speaks as `imagemill worker` does, with shards on stdin, on the command line or in an object, with the work of fake-work.ts. FAKE_WORK_MS: how long a shard takes;
 * FAKE_POISON: shards at which it dies; FAKE_REFUSE: shards that it says it cannot do.
 */
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { systemClock, systemRandom } from "../../core/clock.ts";
import type { WorkerEvent } from "../../core/events.ts";
import { controlNames } from "../../core/layout.ts";
import { silentLogger } from "../../core/log.ts";
import type { Plan } from "../../core/types.ts";
import { readJson } from "../../storage/objects.ts";
import { openStore } from "../../storage/open.ts";
import { workShard } from "./fake-work.ts";

const text = { type: "string" } as const;
const options = { run: text, shard: text, control: text, threads: text, "engine-attempt": text, "log-level": text };
const { values } = parseArgs({ options, allowPositionals: true });
const runId = values.run!;
const endpoint = process.env["IMAGEMILL_STORAGE_ENDPOINT"];
const context = {
  attempts: 1,
  concurrency: 4,
  log: silentLogger,
  clock: systemClock,
  random: systemRandom,
  ...(endpoint !== undefined && { endpoint }),
};
const control = await openStore(values.control!, context);
const plan = (await readJson<Plan>(control, controlNames.plan(runId)))!;
const place = {
  control,
  source: await openStore(plan.stores.source, context),
  archive: await openStore(plan.stores.archive, context),
  clock: systemClock,
  random: systemRandom,
};
const named = (variable: string, shard: string): boolean => (process.env[variable] ?? "").split(",").includes(shard);
const emit = (event: WorkerEvent): void => void process.stdout.write(`${JSON.stringify(event)}\n`);

process.on("SIGTERM", () => process.exit(143));
if (values.shard === "-") fromStdin();
else for (const shard of await shardsOf(values.shard!)) await work(shard);

async function shardsOf(written: string): Promise<string[]> {
  const [, object, line] = /^@(.+):(\d+)$/.exec(written) ?? [];
  if (object === undefined) return written.split(",");
  const { bytes } = await control.read(object);
  return Buffer.from(bytes).toString("utf8").split("\n")[Number(line)]!.split(" ");
}

function fromStdin(): void {
  const lines = createInterface({ input: process.stdin });
  lines.on("close", () => process.exit(0));
  let last: Promise<void> = Promise.resolve();
  lines.on("line", (shard) => {
    last = last.then(async () => work(shard));
  });
}

async function work(shard: string): Promise<void> {
  if (named("FAKE_POISON", shard)) {
    process.stderr.write("the decoder ran into a wall\n");
    process.kill(process.pid, "SIGKILL");
  }
  if (named("FAKE_REFUSE", shard)) {
    emit({ type: "shard-failed", shard, attempt: "fake-0", code: "NO_SPACE", message: "the disk is full", hint: "Make room." });
    process.exitCode = 1;
    return;
  }
  await delay(Number(process.env["FAKE_WORK_MS"] ?? 0));
  await workShard(place, runId, shard, emit);
}
