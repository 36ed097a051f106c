import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { controlNames } from "../../../core/layout.ts";
import { lastLine } from "../../e2e/imagemill.ts";
import { orSkip } from "../../servers/install.ts";
import { startSpark, type SparkCluster } from "../../servers/spark.ts";
import { writePhotos } from "../photos.ts";
import { comparableRows } from "./rows.ts";
import { sparkWorkplace } from "./spark-world.ts";
import { processesWith, runDate, until, type Workplace } from "./workplace.ts";

const photos = 520;
const few = { top: { select: { include: ["000*", "001*"] }, packing: { minShards: 8 } } };

/** A job that takes its time, so that there is a middle of a run. */
const slowJob = `export default {
  name: "slow",
  version: 1,
  params: (zod) => zod.strictObject({ ms: zod.int() }),
  needs: () => ({}),
  run: async (_image, { ms }) => new Promise((resolve) => setTimeout(() => resolve({}), ms)),
};
`;

/** One image waits until two attempts have come to it: a straggler whose copy catches up. */
const meetingJob = `import { randomUUID } from "node:crypto";
import { readdirSync, writeFileSync } from "node:fs";
export default {
  name: "meeting",
  version: 1,
  params: (zod) => zod.strictObject({ folder: zod.string(), image: zod.string() }),
  needs: () => ({}),
  run: async (image, { folder, image: wanted }) => {
    if (image.name !== wanted) return {};
    writeFileSync(\`\${folder}/\${randomUUID()}.arrived\`, "");
    while (readdirSync(folder).filter((name) => name.endsWith(".arrived")).length < 2) await new Promise((resolve) => setTimeout(resolve, 20));
    return {};
  },
};
`;

describe("runs on a real Spark cluster", function () {
  this.timeout(10 * 60_000);
  let root: string;
  let cluster: SparkCluster;
  before(async function () {
    root = await mkdtemp(join(tmpdir(), "imagemill-spark-"));
    cluster = await orSkip(this, "Spark", async () => startSpark(2));
    await writePhotos(join(root, "photos"), photos);
    await writeFile(join(root, "slow.mjs"), slowJob);
    await writeFile(join(root, "meeting.mjs"), meetingJob);
  });
  after(async () => {
    await cluster?.[Symbol.asyncDispose]();
    await rm(root, { recursive: true, force: true });
  });

  const place = async (name: string, settings: object = few): Promise<Workplace> => sparkWorkplace(root, name, cluster, settings);
  const slow = { top: { ...few.top, jobs: ["facts", { name: "../slow.mjs", params: { ms: 60 } }] } };
  const run = ["run", "--json", "--run-date", runDate];

  it("gives the rows that the local engine gives", async () => {
    const spark = await place("equal-spark", {});
    const local = await place("equal-local", {});
    const [remote, here] = [await spark.imagemill(...run), await local.imagemill(...run, "--engine", "local")];
    assert.equal(remote.code, 0, remote.err);
    assert.equal(here.code, 0, here.err);
    assert.equal(lastLine(remote.out)["ok"], lastLine(here.out)["ok"]);
    const rows = await comparableRows(spark.folder);
    assert.equal(rows.length, photos);
    assert.deepEqual(rows, await comparableRows(local.folder));
    await spark.verify();
    assert.deepEqual(lastLine((await spark.imagemill(...run)).out)["rowsLoaded"], photos, "a finished run is found finished");
  });

  it("goes on when an executor is killed in the middle", async () => {
    const spark = await place("executor", slow);
    const running = spark.start(...run);
    await until("the first commits", async () => (await spark.commits()).length >= 2);
    const { activeapps } = await cluster.status();
    const [executor] = processesWith("CoarseGrainedExecutorBackend", activeapps[0]!.id, "java");
    process.kill(executor!, "SIGKILL");
    const { code, err } = await running.answer;
    assert.equal(code, 0, err);
    await spark.verify();
  });

  it("goes on when a worker process is killed", async () => {
    const spark = await place("worker", slow);
    const running = spark.start(...run);
    const control = pathToFileURL(spark.control).href;
    await until("a worker", () => processesWith(" worker --run ", control).length > 0);
    process.kill(processesWith(" worker --run ", control)[0]!, "SIGKILL");
    const { code, err } = await running.answer;
    assert.equal(code, 0, err);
    await spark.verify();
  });

  it("lets one attempt win when a straggler and its copy commit at once", async () => {
    const image = "00003.jpg";
    // Spark ends the loser as soon as it hears of the winner, which on a busy machine may be before the loser's rows.
    for (let round = 1, met = 0; met === 0; round += 1) {
      assert.ok(round <= 4, "in no round did two attempts of one shard write their rows");
      const folder = join(root, `meeting-${round}`);
      await mkdir(folder);
      const spark = await place(`straggler-${round}`, {
        conf: { "spark.speculation.quantile": "0.5", "spark.speculation.multiplier": "1.1" },
        top: { ...few.top, jobs: ["facts", { name: "../meeting.mjs", params: { folder, image } }], limits: { imageTimeoutMs: "5m" } },
      });
      const { code, err } = await spark.imagemill(...run);
      assert.equal(code, 0, err);
      await spark.verify();
      for (const { id } of (await spark.plan()).shards) if ((await spark.attemptsWithRows(id)).length > 1) met += 1;
      assert.ok(met <= 1, "only the straggler is tried twice");
    }
  });

  it("submit returns while the work goes on; run attaches to it, and submits what is left when it is lost", async () => {
    const spark = await place("lost", slow);
    const submitted = await spark.imagemill("submit", "--json", "--run-date", runDate);
    assert.equal(submitted.code, 0, submitted.err);
    assert.equal(lastLine(submitted.out)["remote"], true);
    const { pid } = (await spark.submitRecord()).handle as { pid: number };

    const attached = spark.start(...run);
    await until("the first commits", async () => (await spark.commits()).length >= 2);
    const { remote } = lastLine((await spark.imagemill("status", await spark.runId(), "--json", "--engine", "local")).out) as {
      remote: { engine: string; state: string; links: { url: string }[] };
    };
    assert.deepEqual([remote.engine, remote.state], ["spark", "running"]);
    assert.match(remote.links[0]!.url, /^http:/);
    process.kill(-pid, "SIGKILL");
    const first = await attached.answer;
    assert.equal(first.code, 1);
    assert.match(
      first.err,
      /SHARDS_FAILED: \d+ of \d+ shards could not be done .*spark-submit \(process \d+\) ended in the middle of the work/s,
    );
    assert.equal((await spark.submitRecord()).submission, 1);

    const kept = await spark.commits();
    const second = await spark.imagemill(...run);
    assert.equal(second.code, 0, second.err);
    assert.equal((await spark.submitRecord()).submission, 2);
    assert.ok(kept.length >= 2);
    await spark.verify();
  });

  it("is cancelled from another process, and goes on when run again", async () => {
    const spark = await place("cancel", slow);
    const running = spark.start(...run);
    await until("the first commit", async () => (await spark.commits()).length >= 1);
    const cancelled = await spark.imagemill("cancel", await spark.runId(), "--json");
    assert.equal(cancelled.code, 0, cancelled.err);
    assert.equal(lastLine(cancelled.out)["stopped"], "remote");
    assert.deepEqual(processesWith(" worker --run ", pathToFileURL(spark.control).href), []);
    assert.equal((await running.answer).code, 130);
    const again = await spark.imagemill(...run);
    assert.equal(again.code, 0, again.err);
    await spark.verify();
  });

  it("ends with what happened when a shard always fails, keeps the others, and goes on once the cause is gone", async () => {
    const spark = await place("poison");
    const planned = await spark.imagemill("plan", "--save", "--run-date", runDate);
    assert.equal(planned.code, 0, planned.err);
    const { runId, shards } = await spark.plan();
    const file = join(spark.control, controlNames.shard(runId, shards[1]!.id));
    const whole = await readFile(file);
    await writeFile(file, "not a shard");
    const failed = await spark.imagemill(...run);
    assert.equal(failed.code, 1);
    assert.match(failed.err, new RegExp(`SHARDS_FAILED: 1 of ${shards.length} shards .*shard ${shards[1]!.id}: `, "s"));
    assert.equal((await spark.commits()).length, shards.length - 1);

    await writeFile(file, whole);
    const again = await spark.imagemill(...run);
    assert.equal(again.code, 0, again.err);
    await spark.verify();
  });

  it("sends nodes the runtime archive", async () => {
    const spark = await place("bundle", { top: { ...few.top, select: { include: ["0000*"] } } });
    const { code, err } = await spark.imagemill(...run, "--set", "spark.worker=bundle");
    assert.equal(code, 0, err);
    await spark.verify();
  });
});
