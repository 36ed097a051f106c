import assert from "node:assert/strict";
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { seededRandom } from "../../core/clock.ts";
import type { RunSummary } from "../../submit/summary.ts";
import { cancelRun } from "../../submit/cancel.ts";
import { run } from "../../submit/run.ts";
import { runStatus } from "../../submit/status.ts";
import { verifyRun } from "../../submit/verify.ts";
import { openFolderDriver } from "./driver-process.ts";

const script = fileURLToPath(new URL("driver-process.ts", import.meta.url));
const options = { rerun: 1, reprocess: false, runDate: "2026-11-23" };
const objects = 24;
const seed = Number(process.env["SEED"] ?? 20261123);

describe("a driver that is killed", function () {
  this.timeout(120_000);
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "imagemill-kill-"));
    await mkdir(join(folder, "source"));
    for (let index = 0; index < objects; index += 1) {
      await writeFile(join(folder, "source", `photo-${index}.jpg`), index === 5 ? "bad" : `image ${index}`);
    }
  });
  afterEach(async () => rm(folder, { recursive: true, maxRetries: 5, retryDelay: 100 }));

  const start = (environment: NodeJS.ProcessEnv = {}): ChildProcess =>
    spawn(process.execPath, [script, folder], {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, FAKE_WORK_MS: "100", ...environment },
    });

  /** Processes that have the folder in their command line: drivers and workers. */
  const alive = (): string[] =>
    execFileSync("ps", ["-eo", "pid,args"], { encoding: "utf8" })
      .split("\n")
      .filter((line) => line.includes(folder));

  const assertWhole = async (expected: Partial<RunSummary> = {}): Promise<void> => {
    await using driver = await openFolderDriver(folder);
    const summary = await run(driver, options);
    assert.equal(summary.exitCode, 0);
    const { rowsLoaded, quarantined } = summary;
    assert.deepEqual({ rowsLoaded, quarantined, ...expected }, { rowsLoaded: objects, quarantined: 1, ...expected });
    const audit = await verifyRun(driver, summary.runId);
    assert.deepEqual(audit.violations, []);
    assert.equal(audit.checked.warehouseRows, objects);
  };

  it(`at moments of no choosing (seed ${seed}), leaves what the next one finishes, and no process behind`, async () => {
    const random = seededRandom(seed);
    for (let round = 0; round < 4; round += 1) {
      const child = start();
      await Promise.race([delay(300 + random.next() * 1500), once(child, "exit")]);
      child.kill("SIGKILL");
      await waitFor(() => alive().length === 0, "workers end with their driver");
    }
    await assertWhole();
  });

  it("at each of some calls of its control store, leaves what the next one finishes", async () => {
    for (let nth = 2; nth < 200; nth += 11) {
      const child = start({ KILL_AT: String(nth), FAKE_WORK_MS: "1" });
      const [code, signal] = (await once(child, "exit")) as [number | null, string | null];
      if (signal === null) {
        assert.equal(code, 0);
        break;
      }
    }
    await assertWhole();
  });

  it("frees its lock, which held off a second driver while it lived", async () => {
    const first = start({ FAKE_WORK_MS: "1000" });
    await using driver = await openFolderDriver(folder);
    await waitFor(() => alive().length >= 3, "two workers are up");
    await assert.rejects(run(driver, options), (error) => {
      assert.match(String(error), new RegExp(`process ${first.pid} `));
      return (error as { exitCode?: number }).exitCode === 5;
    });
    first.kill("SIGKILL");
    await once(first, "exit");
    await assertWhole({ resumed: true });
  });

  it("by cancel from another process ends with 130 and is taken up again", async () => {
    const first = start({ FAKE_WORK_MS: "1000" });
    let output = "";
    first.stdout!.on("data", (piece) => (output += String(piece)));
    await using driver = await openFolderDriver(folder);
    let runId = "";
    await waitFor(async () => {
      if (!existsSync(join(folder, "control", "runs"))) return false;
      for await (const page of driver.control.list({ prefix: "runs/", delimiter: "/" })) runId = page.prefixes[0]!.slice(5, -1);
      return runId !== "" && (await runStatus(driver, runId).catch(() => undefined))?.driver?.pid === first.pid && alive().length >= 3;
    }, "the run is seen from here");
    const exit = once(first, "exit");
    assert.equal((await cancelRun(driver, runId)).stopped, "driver");
    assert.deepEqual(await exit, [130, null]);
    assert.equal((JSON.parse(output) as RunSummary).problem?.code, "CANCELLED");
    assert.deepEqual(alive(), []);
    await assertWhole();
  });
});

async function waitFor(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!(await condition())) {
    assert.ok(Date.now() < deadline, `in vain: ${what}`);
    await delay(50);
  }
}
