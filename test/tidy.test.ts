import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const tracked = execFileSync("git", ["ls-files", "-z"], { cwd: root, encoding: "utf8" }).split("\0").filter(Boolean);
const read = (file: string): string => readFileSync(join(root, file), "utf8");
const code = tracked.filter((file) => /\.(ts|js|py)$/.test(file));

/** Rules of the house that no linter knows. */
describe("tidy", () => {
  it("no file outside test/ and benchmarks/ holds more than one idea can hold", () => {
    const long = code.filter((file) => !/^(test|benchmarks)\//.test(file) && read(file).split("\n").length > 350);
    assert.deepEqual(long, []);
  });

  it("no path of a machine and no registry host is in a tracked file", () => {
    const machine = new RegExp(["(^|[^A-Za-z0-9_.])/(wo", "rk|ro", "ot|ho", "me)/[a-z.]"].join(""), "m");
    const hosts = new RegExp(["registry\\.npm", "js\\.org|files\\.python", "hosted\\.org|repo1\\.maven\\.org"].join(""));
    const found = tracked
      .filter((file) => !/\.(png|jpg|parquet)$/.test(file))
      .filter((file) => machine.test(read(file)) || hosts.test(read(file)));
    assert.deepEqual(found, []);
  });

  it("the lock file holds no download address", () => {
    assert.doesNotMatch(read("package-lock.json"), /"resolved": "https?:/);
  });

  it("nothing is left for later by its own word", () => {
    const word = new RegExp(["TO", "DO|FIX", "ME|XX", "X|not impl", "emented"].join(""));
    assert.deepEqual(
      code.filter((file) => word.test(read(file))),
      [],
    );
  });

  it("no folder is called after nothing in particular", () => {
    const vague = new Set(["src", "lib", "utils", "util", "common", "helpers", "misc", "shared"]);
    assert.deepEqual(
      tracked.filter((file) =>
        dirname(file)
          .split("/")
          .some((segment) => vague.has(segment)),
      ),
      [],
    );
  });

  it("every folder that the design names is there and has a purpose in ARCHITECTURE.md", () => {
    const architecture = read("ARCHITECTURE.md");
    const folders = [...new Set(tracked.filter((file) => file.includes("/") && !file.startsWith(".")).map((file) => file.split("/")[0]!))];
    assert.deepEqual(
      folders.filter((folder) => !architecture.includes(`${folder}/`)),
      [],
    );
    assert.ok(architecture.split("\n").length <= 200, "ARCHITECTURE.md stays within 200 lines");
  });
});
