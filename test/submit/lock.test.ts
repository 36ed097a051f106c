import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { systemClock } from "../../core/clock.ts";
import { ImagemillError } from "../../core/errors.ts";
import { acquireRunLock, lockFolder, runLockHolder } from "../../submit/lock.ts";

const runId = "2026-11-23-0123456789ab";

describe("the lock of a local run", () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "imagemill-lock-"))));
  afterEach(() => rmSync(folder, { recursive: true }));

  it("is held once, and again after its release", () => {
    {
      using _held = acquireRunLock(folder, runId, systemClock);
      assert.throws(
        () => acquireRunLock(folder, runId, systemClock),
        (error) =>
          error instanceof ImagemillError && error.exitCode === 5 && error.message.includes(`process ${process.pid} on ${hostname()}`),
      );
      using _other = acquireRunLock(folder, "2026-11-24-0123456789ab", systemClock);
      assert.equal(runLockHolder(folder, runId)?.pid, process.pid);
    }
    assert.equal(runLockHolder(folder, runId), undefined);
    using _again = acquireRunLock(folder, runId, systemClock);
  });

  it("ends with its process, however that ends", async () => {
    const code = `
      import { acquireRunLock } from ${JSON.stringify(new URL("../../submit/lock.ts", import.meta.url).href)};
      import { systemClock } from ${JSON.stringify(new URL("../../core/clock.ts", import.meta.url).href)};
      const held = acquireRunLock(${JSON.stringify(folder)}, ${JSON.stringify(runId)}, systemClock);
      console.log("held");
      setInterval(() => held, 1000);`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", code], { stdio: ["ignore", "pipe", "inherit"] });
    try {
      await once(child.stdout, "data");
      assert.equal(runLockHolder(folder, runId)?.pid, child.pid);
      assert.throws(() => acquireRunLock(folder, runId, systemClock), { code: "ALREADY_RUNNING" });
    } finally {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    assert.equal(runLockHolder(folder, runId), undefined);
    using _mine = acquireRunLock(folder, runId, systemClock);
  });

  it("lies beside a control folder, else in the user's state", () => {
    assert.equal(lockFolder(pathToFileURL(folder).href, {}), join(folder, ".imagemill", "locks"));
    const state = lockFolder("gs://bucket/control", { XDG_STATE_HOME: folder });
    assert.ok(state.startsWith(join(folder, "imagemill", "locks")));
    assert.notEqual(state, lockFolder("gs://other/control", { XDG_STATE_HOME: folder }));
  });
});
