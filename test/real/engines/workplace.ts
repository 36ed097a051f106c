import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { systemClock, systemRandom } from "../../../core/clock.ts";
import { controlNames } from "../../../core/layout.ts";
import { silentLogger } from "../../../core/log.ts";
import type { Plan, SubmitRecord } from "../../../core/types.ts";
import { readJson } from "../../../storage/objects.ts";
import { openStore } from "../../../storage/open.ts";
import type { ObjectStore } from "../../../storage/store.ts";
import { type Answer, lastLine } from "../../e2e/imagemill.ts";

const bin = fileURLToPath(new URL("../../../submit/bin.js", import.meta.url));
export const runDate = "2026-11-23";

/** A folder with a configuration in which a user types commands; the source is beside it. */
export interface Workplace {
  folder: string;
  /** A folder, or a bucket's URL. */
  control: string;
  store: ObjectStore;
  imagemill(...args: string[]): Promise<Answer>;
  start(...args: string[]): Started;
  runId(): Promise<string>;
  plan(): Promise<Plan>;
  submitRecord(): Promise<SubmitRecord>;
  /** Ids of committed shards. */
  commits(): Promise<string[]>;
  /** Names of attempts of a shard that have got so far as to have rows. */
  attemptsWithRows(shard: string): Promise<string[]>;
  verify(): Promise<void>;
}

export interface Started {
  pid: number;
  answer: Promise<Answer>;
}

export interface WorkplaceOptions {
  /** Folder of all workplaces of a suite. */
  root: string;
  name: string;
  /** What imagemill.yaml says. */
  settings: Record<string, unknown>;
  environment?: NodeJS.ProcessEnv;
  /** Default: the folder that imagemill makes where nothing is said. */
  control?: string;
}

export async function openWorkplace({ root, name, settings, environment = {}, ...where }: WorkplaceOptions): Promise<Workplace> {
  const folder = join(root, name);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "imagemill.yaml"), JSON.stringify(settings));
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    ...environment,
    XDG_STATE_HOME: join(root, "state"),
    XDG_CACHE_HOME: join(root, "cache"),
  };
  const control = where.control ?? join(folder, "out", "control");
  const store = await openStore(control, {
    attempts: 3,
    concurrency: 8,
    log: silentLogger,
    clock: systemClock,
    random: systemRandom,
    ...(env.IMAGEMILL_STORAGE_ENDPOINT !== undefined && { endpoint: env.IMAGEMILL_STORAGE_ENDPOINT }),
  });
  const start = (...args: string[]): Started => {
    const child = spawn(process.execPath, [bin, ...args], { cwd: folder, stdio: ["ignore", "pipe", "pipe"], env });
    const closed = new Promise<number | null>((resolve) => child.on("close", resolve));
    const answer = Promise.all([text(child.stdout), text(child.stderr), closed]).then(([out, err, code]) => ({ code, out, err }));
    return { pid: child.pid!, answer };
  };
  const below = async (prefix: string): Promise<string[]> => {
    const found: string[] = [];
    for await (const { objects } of store.list({ prefix })) found.push(...objects.map((object) => object.name.slice(prefix.length)));
    return found;
  };
  const runs = async (): Promise<string[]> => [...new Set((await below("runs/").catch(() => [])).map((object) => object.split("/")[0]!))];
  const runId = async (): Promise<string> => (await runs())[0]!;
  const json = async <T>(object: string): Promise<T> => (await readJson<T>(store, object))!;
  return {
    folder,
    control,
    store,
    start,
    imagemill: async (...args) => start(...args).answer,
    runId,
    plan: async () => json(controlNames.plan(await runId())),
    submitRecord: async () => json(controlNames.submit(await runId())),
    commits: async () => {
      const [run] = await runs();
      return run === undefined ? [] : (await below(controlNames.commits(run))).map((file) => file.replace(/\.json$/, ""));
    },
    attemptsWithRows: async (shard) => {
      const files = await below(controlNames.attempts(await runId(), shard));
      return files.filter((file) => file.includes("/rows")).map((file) => file.split("/")[0]!);
    },
    verify: async () => {
      const { code, out, err } = await start("verify", await runId(), "--json").answer;
      assert.equal(code, 0, out + err);
      assert.equal(lastLine(out)["holds"], true);
    },
  };
}

export async function until(what: string, condition: () => Promise<boolean> | boolean, patienceMs = 120_000): Promise<void> {
  for (const deadline = Date.now() + patienceMs; Date.now() < deadline; await delay(100)) if (await condition()) return;
  assert.fail(`${what}: not within ${patienceMs} ms`);
}

/** Ids of processes whose command line holds all of these. */
export function processesWith(...words: string[]): number[] {
  const lines = execFileSync("ps", ["-eo", "pid=,args="], { encoding: "utf8", maxBuffer: 1 << 26 }).split("\n");
  return lines.filter((line) => words.every((word) => line.includes(word))).map((line) => Number.parseInt(line, 10));
}
