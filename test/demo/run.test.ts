import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const script = join(import.meta.dirname, "..", "..", "demo", "run.ts");
const run = promisify(execFile);

describe("npm run demo", function () {
  this.timeout(120_000);
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "imagemill-demo-"));
  });
  after(() => rm(folder, { recursive: true }));

  it("processes the photographs and quarantines what is broken", async () => {
    const places = [
      "--archive",
      join(folder, "archive"),
      "--control",
      join(folder, "control"),
      "--warehouse",
      `duckdb://${folder}/w.duckdb`,
    ];
    const { stdout, stderr } = await run(process.execPath, [script, ...places, "--json"], { cwd: folder });
    const summary = JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "") as Record<string, unknown>;
    const { listed, ok, skipped, quarantined, rowsLoaded } = summary;
    assert.deepEqual({ listed, ok, skipped, quarantined, rowsLoaded }, { listed: 13, ok: 8, skipped: 0, quarantined: 5, rowsLoaded: 13 });
    assert.match(stderr, /^\$ npx imagemill run --config demo\/demo\.yaml /);
  });

  it("takes a folder as it was typed, and passes flags and exit codes on", async () => {
    const places = ["--archive", join(folder, "a2"), "--control", join(folder, "c2"), "--warehouse", `duckdb://${folder}/w2.duckdb`];
    const failed = (await run(process.execPath, [script, "nowhere", ...places], {
      cwd: folder,
      env: { ...process.env, INIT_CWD: folder },
    }).catch((error: unknown) => error)) as { code: number; stderr: string };
    assert.ok(failed.code > 0, String(failed.code));
    assert.ok(failed.stderr.includes(join(folder, "nowhere")), failed.stderr);
  });
});
