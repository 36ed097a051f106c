import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { imagemill, lastLine, startImagemill } from "./imagemill.ts";

const images = 24;

/** Whole runs, as a user types them, on a folder of small images with a few broken ones between. */
describe("runs on the command line", function () {
  this.timeout(120_000);
  this.slow(20_000);
  let cwd: string;
  beforeEach(async () => {
    cwd = await mkdtemp(join(tmpdir(), "imagemill-run-"));
    await mkdir(join(cwd, "photos", "deep"), { recursive: true });
    for (let index = 0; index < images; index++) {
      const create = { width: 40 + index, height: 30, channels: 3, background: { r: index * 9, g: 80, b: 120 } } as const;
      await sharp({ create })
        .jpeg()
        .toFile(join(cwd, "photos", index % 2 === 0 ? "deep" : "", `${index} 写真.jpg`));
    }
    await writeFile(join(cwd, "photos", "empty.png"), "");
    await writeFile(join(cwd, "photos", "text.jpg"), "no image\n");
    await writeFile(
      join(cwd, "imagemill.yaml"),
      "source: photos\npacking: { minShards: 2 }\njobs: [facts, { thumbnails: { sizes: [16] } }]\n",
    );
  });
  afterEach(() => rm(cwd, { recursive: true }));

  const run = async (...args: string[]) => imagemill(cwd, ...args);

  /** Every file with its time of change, but for locks and what a store keeps for itself. */
  const tree = async (): Promise<string[]> => {
    const names = (await readdir(cwd, { recursive: true })).filter((name) => !name.includes(".imagemill"));
    const entries = names.map(async (name) => {
      const found = await stat(join(cwd, name));
      return found.isFile() ? [`${name} ${found.size} ${found.mtimeMs}`] : [];
    });
    return (await Promise.all(entries)).flat().sort();
  };

  it("plan, run, run again, status, verify, report, replay", async () => {
    const plan = await run("plan", "--json", "--run-date", "2026-11-23");
    assert.equal(plan.code, 0, plan.err);
    const { planId, predictedSeconds, ...planned } = lastLine(plan.out);
    assert.match(String(planId), /^[0-9a-f]{24}$/);
    assert.equal(typeof predictedSeconds, "number");
    assert.deepEqual(Object.keys(planned), ["objects", "bytes", "shards", "predictedCost", "skew"]);
    assert.equal(planned["objects"], images + 2);
    assert.deepEqual((await readdir(cwd)).sort(), ["imagemill.yaml", "photos"], "a plan stores nothing");

    const first = await run("run", "--json", "--run-date", "2026-11-23");
    assert.equal(first.code, 0, first.err);
    const result = lastLine(first.out);
    const { runId, bytesIn, bytesOut, wallMs, imagesPerSecond, report, ...counts } = result;
    assert.deepEqual(counts, {
      planId,
      state: "done",
      listed: images + 2,
      ok: images,
      skipped: 0,
      quarantined: 2,
      outputs: 2 * images,
      rowsLoaded: images + 2,
    });
    assert.deepEqual(
      Object.keys(result).join(" "),
      "runId planId state listed ok skipped quarantined outputs rowsLoaded bytesIn bytesOut wallMs imagesPerSecond report",
    );
    assert.match(String(runId), /^2026-11-23-[0-9a-f]{12}$/);
    assert.ok(Number(bytesIn) > 0 && Number(bytesOut) > 0 && Number(wallMs) > 0 && Number(imagesPerSecond) > 0);
    assert.equal(first.out.trimEnd().split("\n").length, 1, "one line on stdout");
    assert.ok((await stat(new URL(String(report)))).size > 1000);

    const before = await tree();
    const again = await run("run", "--json", "--run-date", "2026-11-23");
    assert.equal(again.code, 0, again.err);
    assert.deepEqual(lastLine(again.out), result);
    const told = await run("run", "--run-date", "2026-11-23");
    assert.match(told.out, /was finished already; nothing was written/);
    assert.match(told.out, /imagemill run --run-date 2026-11-23 --rerun 2/);
    assert.deepEqual(await tree(), before, "a finished run writes nothing");

    const id = String(runId);
    const status = await run("status", id, "--json");
    assert.equal(status.code, 0, status.err);
    assert.equal(lastLine(status.out)["state"], "done");
    const verify = await run("verify", id, "--json");
    assert.equal(verify.code, 0, verify.out);
    assert.deepEqual(lastLine(verify.out), { runId: id, holds: true, violations: [] });
    assert.match((await run("verify", id)).out, /holds\n {2}looked at 2 shards, 26 rows, 48 outputs, 26 rows in the warehouse/);
    assert.deepEqual(lastLine((await run("report", id, "--json")).out)["runId"], id);
    assert.deepEqual(await tree(), before, "looking writes nothing");
    const dashboard = await run("report", "--json");
    assert.equal(dashboard.code, 0, dashboard.err);
    const { page, bytes, ...shown } = lastLine(dashboard.out);
    assert.deepEqual(shown, { runs: 1, images: images + 2, pictures: 0, share: 1, olderRuns: 0 });
    assert.equal((await stat(new URL(String(page)))).size, bytes);
    assert.match((await run("report")).out, /^dashboard of 1 run and 26 images \(\d+ kB\): out\/dashboard\.html$/m);
    assert.equal((await run("report", id, "--days", "3")).code, 2);
    const unwritable = await run("report", "--to", "imagemill.yaml/page.html");
    assert.equal(unwritable.code, 4);
    assert.match(unwritable.err, /error PAGE_UNWRITABLE: cannot write .*page\.html: /);

    await sharp({ create: { width: 9, height: 9, channels: 3, background: "red" } })
      .png()
      .toFile(join(cwd, "photos", "empty.png"));
    const replay = await run("replay", id, "--reason", "not_an_image", "--json");
    assert.equal(replay.code, 0, replay.err);
    const replayed = lastLine(replay.out);
    assert.deepEqual([replayed["listed"], replayed["quarantined"]], [1, 1]);
    assert.notEqual(replayed["runId"], id);
    const replayedAgain = await run("replay", id, "--reason", "not_an_image");
    assert.match(replayedAgain.out, new RegExp(`imagemill replay ${id} --reason not_an_image --number 2  takes them up once more`));

    const rerun = await run("run", "--json", "--run-date", "2026-11-23", "--rerun", "2");
    const { listed, ok, rowsLoaded } = lastLine(rerun.out);
    assert.deepEqual({ listed, ok, rowsLoaded }, { listed: images + 2, ok: 1, rowsLoaded: 1 }, "only what is new");

    const past = await run("archive", "prune", "--dry-run", "--json");
    assert.equal((lastLine(past.out)["archive"] as { objects: number }).objects, 0);
    assert.match((await run("doctor")).out, /ok {4}source .*listed and read/);
  });

  it("people get a summary: what happened, examples, places, next commands that work", async () => {
    const { code, out, err } = await run("run", "--archive", "an archive");
    assert.equal(code, 0, err);
    assert.match(err, /^run \d{4}-\d{2}-\d{2}-[0-9a-f]{12}: 26 objects \(.*\); 2 shards, about /m);
    assert.match(out, /is done: 26 images in /);
    assert.match(out, /quarantined +2 +empty 1: empty\.png\n +not_an_image 1: text\.jpg/);
    assert.match(out, /rows +out\/warehouse\.duckdb +26 rows/);
    const verify = /imagemill (verify \S+) --archive 'an archive'/.exec(out);
    assert.ok(verify, out);
    assert.equal((await run(...verify[1]!.split(" "), "--archive", "an archive")).code, 0);
    assert.doesNotMatch(out + err, /\x1b/);
  });

  it("a run stays where its plan says: a flag that says otherwise is refused, a changed configuration is told of", async () => {
    const { runId } = lastLine((await run("run", "--json")).out) as { runId: string };
    for (const verb of ["finish", "verify", "status", "cancel", "report"]) {
      const { code, err } = await run(verb, runId, "--warehouse", "elsewhere.duckdb");
      assert.equal(code, 2, `${verb}: ${err}`);
      assert.match(err, /the warehouse of run \S+ is \S+warehouse\.duckdb, not \S+elsewhere\.duckdb \(--warehouse\)/);
    }
    const other = await run("replay", runId, "--source", "photos/deep");
    assert.equal(other.code, 2, other.err);
    const same = await run("verify", runId, "--archive", "out/archive");
    assert.deepEqual([same.code, same.err], [0, ""]);
    await writeFile(join(cwd, "imagemill.yaml"), "source: photos/deep\narchive: moved\n");
    const { code, err } = await run("status", runId);
    assert.equal(code, 0);
    assert.match(err, /the archive of run \S+ is \S+out\/archive, not \S+moved \(imagemill\.yaml:2:10\): the run's own is used/);
    assert.doesNotMatch(err, /source/);
  });

  it("a closed gate loads nothing, exits with 3, and finish opens it", async () => {
    const closed = await run("run", "--json", "--set", "gate.maxQuarantinedRatio=0.01");
    assert.equal(closed.code, 3, closed.err);
    const { runId, rowsLoaded, error } = lastLine(closed.out) as {
      runId: string;
      rowsLoaded: number;
      error: { code: string; hint: string };
    };
    assert.equal(rowsLoaded, 0);
    assert.match(error.hint, /finish \S+ --accept-quarantined/);
    assert.match(closed.err, new RegExp(`^error ${error.code}: `, "m"));
    const still = await run("finish", runId, "--set", "gate.maxQuarantinedRatio=0.01");
    assert.equal(still.code, 3);
    const opened = await run("finish", runId, "--accept-quarantined", "--json");
    assert.equal(opened.code, 0, opened.err);
    assert.equal(lastLine(opened.out)["rowsLoaded"], images + 2);
    assert.equal((await run("verify", runId)).code, 0);
  });

  it("another configuration does not take over a run: exit code 4", async () => {
    const saved = await run("plan", "--save");
    assert.equal(saved.code, 0, saved.err);
    assert.equal((saved.out + saved.err).match(/^run .*26 objects/gm)?.length, 1, "said once");
    const other = await run("run", "--set", "limits.maxPixels=5MP", "--json");
    assert.equal(other.code, 4, other.err);
    const { error } = lastLine(other.out) as { error: { code: string; hint: string } };
    assert.ok(error.hint.length > 0);
  });

  it("a missing source ends with an exit code and the next step", async () => {
    const { code, err } = await run("run", "--source", "nowhere");
    assert.equal(code, 4);
    assert.match(err, /error SOURCE_MISSING: .*nowhere/);
    assert.match(err, /next: /);
  });

  it("exit code 4 where a second try cannot help: a file for a folder, no spark-submit, nothing to upload", async () => {
    const file = await run("run", "--source", "photos/text.jpg");
    assert.equal(file.code, 4, file.err);
    assert.match(file.err, /is not a folder\n.*next: Name the folder/);
    const spark = await run("run", "--spark-master", "local[2]", "--set", "spark.submitCommand=no-such-spark-submit");
    assert.equal(spark.code, 4, spark.err);
    assert.match(spark.err, /error SPARK_SUBMIT_FAILED: cannot start no-such-spark-submit/);
    const nothing = await run("ingest", "upload", "nowhere", "--to", "bucket");
    assert.equal(nothing.code, 4, nothing.err);
    assert.match(nothing.err, /error SOURCE_MISSING: there is no folder \S+nowhere\n/);
    assert.doesNotMatch(nothing.err, /mkdir/);
  });

  it("Ctrl-C ends within seconds with 130, a second process is told 5, the same command continues", async () => {
    // So many that a fast machine is not done before the second process has started.
    const more = 300;
    for (let index = 0; index < more; index++) {
      const create = { width: 16, height: 16, channels: 3, background: { r: index % 256, g: index >> 8, b: 7 } } as const;
      await sharp({ create })
        .jpeg()
        .toFile(join(cwd, "photos", `more-${index}.jpg`));
    }
    const options = ["--set", "packing.maxShardObjects=1", "--set", "local.processes=1"];
    const child = startImagemill(cwd, "run", "--json", ...options);
    let err = "";
    child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
    let out = "";
    child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
    while (child.exitCode === null && !(await commits(cwd))) await new Promise((resolve) => setTimeout(resolve, 50));
    const second = await run("run", ...options);
    assert.equal(second.code, 5, second.err);
    const stoppedAtMs = performance.now();
    child.kill("SIGINT");
    const [code] = (await once(child, "close")) as [number];
    assert.equal(code, 130, err);
    assert.ok(performance.now() - stoppedAtMs < 20_000);
    assert.match(err, /stopping: what is committed is kept/);
    assert.doesNotMatch(err, /worker-failed/, "a stop that was asked for is no failure");
    const stopped = lastLine(out) as { ok: number; error: { code: string } };
    assert.equal(stopped.error.code, "CANCELLED");
    const { runId } = lastLine(out);
    const { next } = lastLine((await run("status", String(runId), "--json")).out);
    const words = /imagemill (run --run-date [0-9-]+ --set packing\.maxShardObjects=1|finish \S+)$/.exec(String(next))?.[1];
    const continued = await run(...(words ?? String(next)).split(" "), "--json", "--set", "local.processes=1");
    assert.equal(continued.code, 0, continued.err);
    assert.equal(lastLine(continued.out)["rowsLoaded"], images + 2 + more);
    assert.equal((await run("verify", String(lastLine(continued.out)["runId"]))).code, 0);
  });
});

/** Whether some shard is committed. */
async function commits(cwd: string): Promise<boolean> {
  const control = join(cwd, "out", "control", "runs");
  const found = await readdir(control, { recursive: true }).catch(() => []);
  return found.some((name) => /commits\/.+\.json$/.test(name));
}
