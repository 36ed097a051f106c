import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { writePhotos } from "../real/photos.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const schedules = join(root, "configs", "schedules");
const units = ["imagemill.service", "imagemill.timer"].map((name) => join(schedules, name));
const read = (name: string): string => readFileSync(join(schedules, name), "utf8");

/** The command of the crontab, and that of the service, as the shell gets it. */
const crontabCommand = (): string =>
  /^15 2 \* \* \* (.*)$/m.exec(read("crontab"))![1]!.replaceAll("\\%", "%").replace("cd /srv/imagemill && ", "");
const serviceCommand = (): string => /^ExecStart=\/bin\/sh -c '(.*)'$/m.exec(read("imagemill.service"))![1]!.replaceAll("%%", "%");

describe("schedules without Airflow", function () {
  this.timeout(120_000);
  this.slow(20_000);
  let folder: string;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "imagemill-schedules-"));
    symlinkSync(join(root, "submit"), join(folder, "submit"));
    writeFileSync(join(folder, "nightly.yaml"), "source: photos/{run_date}\njobs: [facts]\n");
    await writePhotos(join(folder, "photos", yesterday()), 2);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it("systemd takes the units", function () {
    try {
      execFileSync("systemd-analyze", ["--version"], { stdio: "ignore" });
    } catch {
      this.skip();
    }
    assert.equal(execFileSync("systemd-analyze", ["verify", ...units], { encoding: "utf8", stdio: "pipe" }), "");
  });

  it("the service's command takes yesterday's images; cron's does the same and finds them done", async () => {
    const shell = async (command: string): Promise<string> =>
      (await promisify(execFile)("/bin/sh", ["-c", command], { cwd: folder, env: { ...process.env, XDG_STATE_HOME: folder } })).stdout;
    assert.match(await shell(`${serviceCommand()} --json`), new RegExp(`"runId":"${yesterday()}-.*"rowsLoaded":2`));
    assert.equal(await shell(crontabCommand()), "");
    assert.match(readFileSync(join(folder, "runs.ndjson"), "utf8"), new RegExp(`"runId":"${yesterday()}-.*"rowsLoaded":2`));
  });
});

function yesterday(): string {
  return new Date(Date.now() - 24 * 3_600_000).toISOString().slice(0, 10);
}
