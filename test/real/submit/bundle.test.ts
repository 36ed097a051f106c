import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { codeDigests } from "../../../core/code.ts";
import { controlNames } from "../../../core/layout.ts";
import type { Commit, Plan } from "../../../core/types.ts";
import { type Bundle, makeBundle } from "../../../submit/bundle/bundle.ts";
import { imagemill } from "../../e2e/imagemill.ts";
import { writePhotos } from "../photos.ts";

const execute = promisify(execFile);

describe("the runtime archive", function () {
  this.timeout(240_000);
  let folder: string;
  let bundle: Bundle;
  let unpacked: string;

  before(async function () {
    if (process.platform !== "linux" || process.arch !== "x64") this.skip();
    folder = await mkdtemp(join(tmpdir(), "imagemill-bundle-"));
    bundle = await makeBundle(join(folder, "first"), new AbortController().signal);
    unpacked = join(folder, "unpacked");
    await mkdir(unpacked);
    await execute("tar", ["-xzf", bundle.file, "-C", unpacked]);
  });
  after(async () => rm(folder, { recursive: true, force: true }));

  it("is the same bytes each time, under a name that tells", async () => {
    const again = await makeBundle(join(folder, "second"), new AbortController().signal);
    assert.equal(again.name, bundle.name);
    assert.equal(Buffer.compare(await readFile(again.file), await readFile(bundle.file)), 0);
    assert.equal((await makeBundle(join(folder, "second"), new AbortController().signal)).written, false);
  });

  it("leaves nothing behind when it is stopped", async () => {
    await assert.rejects(makeBundle(join(folder, "stopped"), AbortSignal.abort(new Error("no more"))));
    assert.deepEqual(await readdir(join(folder, "stopped")), []);
  });

  it("holds the code of the tree that it was made from", () => {
    assert.deepEqual(codeDigests(join(unpacked, "app")), codeDigests());
  });

  it("does a shard where there is no Node and nothing in the environment", async () => {
    const cwd = join(folder, "run");
    await mkdir(cwd);
    await writePhotos(join(cwd, "photos"), 20);
    const planned = await imagemill(cwd, "plan", "--save", "--source", "photos", "--run-date", "2026-11-23");
    assert.equal(planned.code, 0, planned.err);
    const control = join(cwd, "out", "control");
    const runId = (await readdir(join(control, "runs")))[0]!;
    const plan = JSON.parse(await readFile(join(control, controlNames.plan(runId)), "utf8")) as Plan;
    const [shard] = plan.shards;

    const flags = ["--run", runId, "--shard", shard!.id, "--control", pathToFileURL(control).href, "--threads", "1"];
    const { stdout } = await execute("env", ["-i", join(unpacked, "bin", "imagemill"), "worker", ...flags], { cwd: folder });
    assert.match(stdout, /"type":"shard-committed"/);
    const commit = JSON.parse(await readFile(join(control, controlNames.commit(runId, shard!.id)), "utf8")) as Commit;
    assert.equal(commit.counts.ok, shard!.objects);
  });

  it("drives runs, too, into BigQuery, and says so", async () => {
    const cwd = join(folder, "driving");
    await mkdir(cwd);
    await writePhotos(join(cwd, "photos"), 1);
    const run = execute("env", ["-i", join(unpacked, "bin", "imagemill"), "run", "--source", "photos"], { cwd });
    await assert.rejects(run, { code: 2, stderr: /NOT_INSTALLED: DuckDB is not part of this runtime\n.*bigquery:\/\// });
  });
});
