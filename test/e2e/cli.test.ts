import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { imagemill, lastLine, startImagemill, type Answer } from "./imagemill.ts";

describe("the command line", function () {
  this.timeout(60_000);
  let cwd: string;
  before(async () => {
    cwd = await mkdtemp(join(tmpdir(), "imagemill-cli-"));
  });
  after(() => rm(cwd, { recursive: true }));

  const run = async (...args: string[]): Promise<Answer> => imagemill(cwd, ...args);

  it("says its version", async () => {
    const { version } = JSON.parse(await readFile(new URL("../../package.json", import.meta.url), "utf8")) as { version: string };
    assert.deepEqual(await run("--version"), { code: 0, out: `${version}\n`, err: "" });
  });

  it("helps: verbs in groups, flags in groups with examples", async () => {
    const { code, out } = await run("--help");
    assert.equal(code, 0);
    assert.match(out, /^Set up:\n {2}init /m);
    assert.match(out, /Exit codes: 0 done, 1 failed, 2 usage/);
    assert.deepEqual(await run("help"), { code: 0, out, err: "" });
    const init = await run("init", "--help");
    assert.equal(init.code, 0);
    assert.match(init.out, /^Flags:\n +--dry-run/m);
    assert.match(init.out, /^Where and what:\n +--config/m);
    assert.match(init.out, /^Examples:\n +imagemill init --dry-run/m);
    assert.doesNotMatch(init.out, /\[string\]/);
  });

  it("shows the verbs when there is none", async () => {
    const { code, out, err } = await run();
    assert.equal(code, 2);
    assert.equal(out, "");
    assert.match(err, /^Set up:/m);
  });

  it("compares machines by time and price, and finds the fewest for a deadline", async () => {
    const prices = ["--set", "prices.vcpuHour=0.02", "--set", "prices.memoryGibHour=0.003"];
    const table = await run("capacity", "--objects", "1000000", ...prices);
    assert.equal(table.code, 0, table.err);
    assert.match(table.out, /^1,000,000 images of 1\.0 MB: .* of one core, \d+ shards/);
    assert.match(table.out, /^ +64 +\d+ min \d\d s +\d+\.\d\d USD +– +–$/m);
    const chosen = await run("capacity", "--objects", "1000000", "--by", "20m", "--json", ...prices);
    const { offers } = lastLine(chosen.out) as { offers: { machines: number; predictedSeconds: number; predictedCost: object }[] };
    assert.equal(offers.length, 1);
    assert.ok(offers[0]!.predictedSeconds <= 1200);
    assert.deepEqual(Object.keys(offers[0]!.predictedCost), ["machines", "cluster", "serverless"]);
    const tooSoon = await run("capacity", "--objects", "1000000", "--by", "1s");
    assert.match(tooSoon.out, /no number of machines ends by then.*\n {2}next: more time with --by,/);
    assert.deepEqual(await readdir(cwd), [], "nothing is stored");
  });

  const refused: [args: string[], error: RegExp, next: RegExp][] = [
    [["initt"], /^error USAGE: "initt" is no verb$/m, /did you mean imagemill init\?/],
    [["archive"], /no verb is given/, /imagemill archive prune/],
    [["archive", "prnue"], /"archive prnue" is no verb/, /did you mean imagemill archive prune\?/],
    [["rnu", "--source", "x", "--limit", "3"], /"rnu" is no verb/, /did you mean imagemill run\?/],
    [["run", "some photos"], /run takes no "some photos"/, /did you mean imagemill run --source 'some photos'\?/],
    [["--source", "x"], /no verb is given/, /imagemill run --source x/],
    [["init", "--sorce", "x"], /init has no flag --sorce/, /did you mean --source\?/],
    [["init", "extra"], /init takes no "extra"/, /imagemill init --help/],
    [["init", "--source"], /--source needs a value/, /imagemill init --help/],
    [["init", "--source", "x", "--source", "y"], /--source is given 2 times/, /once/],
    [["init", "--set", "limits.maxPixel=3"], /CONFIG_INVALID: --set limits\.maxPixel: /, /"limits\.maxPixels"/],
    [["init", "--config", "nope.yaml"], /CONFIG_NOT_FOUND: .*nope\.yaml/, /configs\/local\.yaml/],
    [["init", "--engine", "sprak"], /--engine: engine must be one of/, /"spark"/],
    [["run", "--engine", "compute", "--source", "x"], /compute\.region is missing: .*run\? --set compute\.region=/, /./],
    [["worker", "--run", "x"], /worker needs --run, --shard and --control/, /imagemill run/],
    [["worker", "--run", "x", "--control", "c", "--shard", "@tasks.txt"], /--shard @tasks\.txt: must be @NAME:N/, /a line from 0/],
    [["worker", "--nope"], /worker: Unknown option '--nope'/, /worker --help/],
  ];
  for (const [args, error, next] of refused) {
    it(`refuses \`${args.join(" ")}\` with exit code 2 and what to do next`, async () => {
      const { code, out, err } = await run(...args);
      assert.equal(code, 2, err);
      assert.equal(out, "");
      assert.match(err, error);
      assert.match(err, next);
      assert.doesNotMatch(err, /\n +at /, "no stack");
      assert.doesNotMatch(err, /\x1b/, "no color");
    });
  }

  it("tells errors to machines on the last line of stdout", async () => {
    const { code, out } = await run("init", "--json", "--engine", "x");
    assert.equal(code, 2);
    const { error } = lastLine(out) as { error: { code: string; message: string; hint: string } };
    assert.equal(error.code, "CONFIG_INVALID");
    assert.match(error.message, /engine must be one of/);
    assert.match(error.hint, /docs\/configuration\.md/);
  });

  it("shows a stack only when asked", async () => {
    const { err } = await run("init", "--engine", "x", "--log-level", "debug");
    assert.match(err, /\n +at /);
  });

  it("names the place in a configuration file", async () => {
    await writeFile(join(cwd, "imagemill.yaml"), "source: photos\nlimits:\n  maxPixel: 3\n");
    const { code, err } = await run("init");
    await rm(join(cwd, "imagemill.yaml"));
    assert.equal(code, 2);
    assert.match(err, /imagemill\.yaml:3:3: limits\.maxPixel is no key of the configuration\n {2}next: did you mean "limits\.maxPixels"\?/);
  });

  it("init shows the difference, makes it, and has nothing to do the second time", async () => {
    const dry = await run("init", "--dry-run");
    assert.equal(dry.code, 0, dry.err);
    assert.match(dry.out, /^\+ create folder .*out\/archive \(archive\)$/m);
    assert.match(dry.out, /^\+ create table images/m);
    assert.match(dry.out, /would make \d+ changes/);
    assert.deepEqual(await readdir(cwd), []);
    const first = await run("init", "--json");
    assert.equal(first.code, 0, first.err);
    const { changes, applied } = lastLine(first.out) as { changes: unknown[]; applied: number };
    assert.equal(applied, changes.length);
    assert.deepEqual((await readdir(join(cwd, "out"))).sort(), ["archive", "control", "warehouse.duckdb"]);
    assert.match((await run("init")).out, /^nothing to do/);
  });

  it("doctor leaves nothing behind and says what is wrong", async () => {
    // A store's own folder for files on their way stays.
    const files = async (): Promise<string[]> =>
      (await readdir(cwd, { recursive: true })).filter((path) => !path.includes(".imagemill")).sort();
    const before = await files();
    const well = await run("doctor", "--json");
    assert.equal(well.code, 0, well.out + well.err);
    const { healthy, findings, configuration } = lastLine(well.out) as {
      healthy: boolean;
      findings: { level: string; topic: string }[];
      configuration: { key: string; from: string }[];
    };
    assert.equal(healthy, true);
    assert.deepEqual(
      ["node", "sharp", "archive", "control", "warehouse"].filter(
        (topic) => !findings.some((finding) => finding.topic === topic && finding.level === "ok"),
      ),
      [],
    );
    assert.ok(configuration.some(({ key, from }) => key === "limits.maxPixels" && from === "default"));
    assert.deepEqual(await files(), before);
    const ill = await run("doctor", "--source", "nowhere");
    assert.equal(ill.code, 1);
    assert.match(ill.out, /FAIL {2}source .*nowhere/);
    assert.match(ill.out, /next: /);
  });

  it("doctor says when a folder's place, or one above it, is taken by a file", async () => {
    const file = join(cwd, "a-file");
    await writeFile(file, "in the way");
    for (const flags of [
      ["--archive", file],
      ["--archive", join(file, "deep", "below")],
      ["--control", file],
    ]) {
      const { code, out } = await run("doctor", ...flags);
      assert.equal(code, 1, out);
      assert.match(out, new RegExp(`FAIL {2}${flags[0]!.slice(2)} .*a-file is a file`));
    }
    await rm(file);
  });

  it("bundle uploads to no folder: a scheduler's cluster would not find it there", async () => {
    const { code, out, err } = await run("bundle", "--upload", "--control", "here");
    assert.equal(code, 2, err);
    assert.match(err, /error USAGE: .*here is a folder of this machine.*\n.*next: --control gs:/);
    assert.equal(out, "");
  });

  it("says in its own words that there are no credentials, whatever Google's client warns of", async () => {
    // A host of such a name cannot be asked.
    const environment = { CLOUDSDK_CONFIG: "/nowhere", GOOGLE_APPLICATION_CREDENTIALS: "", GCE_METADATA_HOST: "no host" };
    const place = ["--control", "gs://nowhere", "--set", "limits.storageAttempts=1"];
    const warned = await imagemill({ cwd, environment }, "status", "2026-11-23-0123456789ab", ...place);
    assert.match(warned.err, /^error /);
    assert.doesNotMatch(warned.err, /MetadataLookupWarning/);
  });

  it("archive prune deletes what is past its days and nothing else", async () => {
    const { code, out } = await run("archive", "prune", "--dry-run", "--json");
    assert.equal(code, 0);
    assert.deepEqual(lastLine(out), {
      dryRun: true,
      archive: { objects: 0, bytes: 0, runs: [], kept: 0, more: false },
      control: { objects: 0, bytes: 0, runs: [], kept: 0, more: false },
    });
  });

  it("survives a reader that leaves", async () => {
    const child = startImagemill(cwd, "doctor");
    child.stdout.destroy();
    const exited = new Promise((resolve) => child.on("close", resolve));
    assert.equal(await text(child.stderr), "");
    assert.equal(await exited, 0);
  });
});
