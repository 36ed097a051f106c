import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import sharp from "sharp";
import { seededRandom } from "../../core/clock.ts";
import { imagemill, lastLine, startImagemill } from "./imagemill.ts";

const images = 36;
const seed = Number(process.env["SEED"] ?? 7);

interface Process {
  pid: number;
  parent: number;
  command: string;
}

function processes(): Process[] {
  const lines = execFileSync("ps", ["-eo", "pid,ppid,args"], { encoding: "utf8" }).trim().split("\n").slice(1);
  return lines.map((line) => {
    const [, pid, parent, command] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line)!;
    return { pid: Number(pid), parent: Number(parent), command: command! };
  });
}

/** SIGKILL to each kind of process of a local run, while it works on real images. */
describe("a run whose processes are killed", function () {
  this.timeout(180_000);
  this.slow(60_000);
  let cwd: string;
  let photo: Buffer;
  before(async () => {
    const background = { r: 90, g: 120, b: 150 };
    const noise = { type: "gaussian", mean: 120, sigma: 40 } as const;
    photo = await sharp({ create: { width: 1400, height: 1000, channels: 3, background, noise } })
      .jpeg({ quality: 70 })
      .toBuffer();
  });
  beforeEach(async () => {
    cwd = await mkdtemp(join(tmpdir(), "imagemill-kill-"));
    await mkdir(join(cwd, "photos"));
    for (let index = 0; index < images; index += 1) {
      // What follows the end of a JPEG is no part of the image, and makes each file another.
      await writeFile(join(cwd, "photos", `${index}.jpg`), Buffer.concat([photo, Buffer.from(`${index}`)]));
    }
    await writeFile(
      join(cwd, "imagemill.yaml"),
      "source: photos\npacking: { minShards: 12 }\njobs: [facts, { thumbnails: { sizes: [900] } }]\n",
    );
  });
  afterEach(async () => rm(cwd, { recursive: true, maxRetries: 10, retryDelay: 200 }));

  const workers = (): Process[] => processes().filter(({ command }) => command.includes(" worker ") && command.includes(cwd));
  /** Of the workers: what decodes. */
  const pools = (): Process[] => {
    const own = new Set(workers().map(({ pid }) => pid));
    return processes().filter(({ parent }) => own.has(parent));
  };
  const until = async (condition: () => boolean, what: string): Promise<void> => {
    const deadline = Date.now() + 30_000;
    while (!condition()) {
      assert.ok(Date.now() < deadline, `in vain: ${what}`);
      await delay(50);
    }
  };

  const assertWhole = async (): Promise<void> => {
    const { code, out, err } = await imagemill(cwd, "run", "--json");
    assert.equal(code, 0, err);
    const line = lastLine(out);
    assert.deepEqual({ ok: line["ok"], rowsLoaded: line["rowsLoaded"] }, { ok: images, rowsLoaded: images });
    const audit = await imagemill(cwd, "verify", String(line["runId"]), "--json");
    assert.equal(audit.code, 0, audit.out);
    await until(() => workers().length === 0, "no worker is left");
  };

  it(`the driver, again and again (seed ${seed}): its workers end with it, and the next one finishes`, async () => {
    const random = seededRandom(seed);
    for (let round = 0; round < 3; round += 1) {
      const child = startImagemill(cwd, "run");
      const exit = once(child, "exit");
      await until(() => pools().length > 0 || child.exitCode !== null, "a pool process is up");
      const decoders = new Set(pools().map(({ pid }) => pid));
      await delay(random.next() * 1200);
      child.kill("SIGKILL");
      await exit;
      await until(() => workers().length === 0, "workers end with their driver");
      await until(() => !processes().some(({ pid }) => decoders.has(pid)), "pool processes end with their worker");
    }
    await assertWhole();
  });

  it("a worker: its shard is tried again, by another", async () => {
    const child = startImagemill(cwd, "run", "--json");
    const exit = once(child, "exit");
    await until(() => pools().length > 0, "a pool process is up");
    await delay(300);
    for (const { pid } of workers().slice(0, 1)) process.kill(pid, "SIGKILL");
    const [code] = (await exit) as [number];
    assert.equal(code, 0);
    await assertWhole();
  });

  it("a pool process: its worker goes on with another", async () => {
    const child = startImagemill(cwd, "run", "--json");
    const exit = once(child, "exit");
    await until(() => pools().length > 0, "a pool process is up");
    await delay(300);
    for (const { pid } of pools().slice(0, 1)) process.kill(pid, "SIGKILL");
    const [code] = (await exit) as [number];
    assert.equal(code, 0);
    await assertWhole();
  });
});
