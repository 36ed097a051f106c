import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const script = fileURLToPath(new URL("../../submit/engines/compute/task.sh", import.meta.url));

/** As in a container image: imagemill is on the path, here a script that stands in for it. */
describe("the script of a Batch task", function () {
  this.timeout(60_000);
  let folder: string;
  before(function () {
    if (process.platform === "win32") this.skip();
  });
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "imagemill-task-"));
  });
  afterEach(async () => rm(folder, { recursive: true, force: true }));

  const start = async (imagemill: string): Promise<ChildProcess> => {
    await writeFile(join(folder, "imagemill"), `#!/bin/sh\n${imagemill}\n`, { mode: 0o755 });
    const env = {
      PATH: `${folder}:/usr/bin:/bin`,
      TMPDIR: folder,
      BATCH_TASK_INDEX: "7",
      BATCH_TASK_RETRY_ATTEMPT: "2",
      IMAGEMILL_RUN: "the-run",
      IMAGEMILL_CONTROL: "gs://control/a b",
      IMAGEMILL_SHARDS: "runs/the-run/tasks/0.txt",
      IMAGEMILL_THREADS: "2",
      IMAGEMILL_LOG_LEVEL: "warn",
      IMAGEMILL_LAST_WORDS: "/none?name=",
      IMAGEMILL_STORAGE_ENDPOINT: "http://127.0.0.1:9",
      IMAGEMILL_METADATA: "http://127.0.0.1:9",
    };
    return spawn("sh", [script], { env, stdio: ["ignore", "ignore", "pipe"] });
  };
  const ended = async (child: ChildProcess): Promise<{ code: number | null; said: string }> => {
    const [said, [code]] = await Promise.all([text(child.stderr!), once(child, "exit") as Promise<[number | null]>]);
    return { code, said };
  };

  it("has the worker do the task's line of shards, and leaves nothing behind", async () => {
    const child = await start(`printf '%s\\n' "$@" >"${folder}/arguments"; echo '{"type":"progress"}'; echo '{"type":"shard-committed"}'`);
    const { code, said } = await ended(child);
    assert.equal(code, 0, said);
    assert.equal(said, '{"type":"shard-committed"}\n');
    assert.equal(
      (await readFile(join(folder, "arguments"), "utf8")).trim().replaceAll("\n", " "),
      "worker --run the-run --control gs://control/a b --shard @runs/the-run/tasks/0.txt:7 --threads 2 --engine-attempt 7.2 --log-level warn",
    );
    assert.deepEqual((await readdir(folder)).sort(), ["arguments", "imagemill"]);
  });

  it("ends as the worker ends, also where its last words cannot be kept", async () => {
    const { code, said } = await ended(await start("exit 4"));
    assert.equal(code, 4);
    assert.match(said, /imagemill task 7\.2: its last words could not be kept/);
  });

  it("passes a signal on and waits for the worker", async () => {
    const child = await start(`trap 'echo told >"${folder}/told"; exit 143' TERM; echo up >"${folder}/up"; while :; do sleep 0.1; done`);
    const end = ended(child);
    while ((await readFile(join(folder, "up"), "utf8").catch(() => "")) === "") await delay(50);
    child.kill("SIGTERM");
    assert.equal((await end).code, 143);
    assert.equal(await readFile(join(folder, "told"), "utf8"), "told\n");
  });
});
