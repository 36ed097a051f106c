import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseDocument } from "yaml";
import { controlNames } from "../../../core/layout.ts";
import type { Plan, SubmitRecord } from "../../../core/types.ts";
import { type Answer, lastLine } from "../../e2e/imagemill.ts";
import type { SparkCluster } from "../../servers/spark.ts";

const bin = fileURLToPath(new URL("../../../submit/bin.js", import.meta.url));
export const runDate = "2026-11-23";

/** A folder with a configuration in which a user types commands; the source is beside it. */
export interface Workplace {
  folder: string;
  control: string;
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

/** Fewer threads in each of the many JVMs of one small machine. */
const thrifty = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1";

export async function workplace(root: string, name: string, cluster: SparkCluster, settings: object): Promise<Workplace> {
  const folder = join(root, name);
  await mkdir(folder, { recursive: true });
  const written = {
    source: "../photos",
    jobs: ["facts", { thumbnails: { sizes: [64] } }],
    engine: "spark",
    spark: {
      master: cluster.master,
      submitCommand: cluster.submitCommand,
      conf: {
        "spark.driver.memory": "512m",
        "spark.executor.memory": "512m",
        "spark.driver.extraJavaOptions": thrifty,
        "spark.executor.extraJavaOptions": thrifty,
        ...("conf" in settings ? (settings.conf as object) : {}),
      },
    },
    ...("top" in settings ? (settings.top as object) : {}),
  };
  await writeFile(join(folder, "imagemill.yaml"), JSON.stringify(written));
  assert.equal(parseDocument(JSON.stringify(written)).errors.length, 0);
  const environment = { ...process.env, ...cluster.environment, XDG_STATE_HOME: join(root, "state"), XDG_CACHE_HOME: join(root, "cache") };
  const control = join(folder, "out", "control");
  const start = (...args: string[]): Started => {
    const child = spawn(process.execPath, [bin, ...args], { cwd: folder, stdio: ["ignore", "pipe", "pipe"], env: environment });
    const closed = new Promise<number | null>((resolve) => child.on("close", resolve));
    const answer = Promise.all([text(child.stdout), text(child.stderr), closed]).then(([out, err, code]) => ({ code, out, err }));
    return { pid: child.pid!, answer };
  };
  const names = async (path: string): Promise<string[]> => readdir(join(control, path)).catch(() => []);
  const runId = async (): Promise<string> => (await readdir(join(control, "runs")))[0]!;
  const json = async <T>(path: string): Promise<T> => JSON.parse(await readFile(join(control, path), "utf8")) as T;
  return {
    folder,
    control,
    start,
    imagemill: async (...args) => start(...args).answer,
    runId,
    plan: async () => json(controlNames.plan(await runId())),
    submitRecord: async () => json(controlNames.submit(await runId())),
    commits: async () => {
      const found = await names("runs");
      return found[0] === undefined ? [] : (await names(controlNames.commits(found[0]))).map((file) => file.replace(/\.json$/, ""));
    },
    attemptsWithRows: async (shard) => {
      const attempts = controlNames.attempts(await runId(), shard);
      const files = await Promise.all(
        (await names(attempts)).map(async (attempt) => [attempt, await names(`${attempts}${attempt}`)] as const),
      );
      return files.filter(([, inside]) => inside.some((file) => file.startsWith("rows"))).map(([attempt]) => attempt);
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
