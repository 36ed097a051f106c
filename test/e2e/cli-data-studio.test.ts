import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { imagemill, lastLine } from "./imagemill.ts";

describe("imagemill report --data-studio", function () {
  this.timeout(60_000);
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "imagemill-data-studio-"));
  });
  after(() => rm(folder, { recursive: true }));

  const ask = async (...args: string[]) => imagemill(folder, "report", "--data-studio", ...args);
  const onBigquery = ["--warehouse", "bigquery://my-project/images"];

  it("prints the link, for people and for machines, without a run, a store or a login", async () => {
    const people = await ask(...onBigquery);
    assert.equal(people.code, 0, people.err);
    assert.match(people.out, /^A new report in Data Studio on run_summary:\nhttps:\/\/datastudio\.google\.com\/reporting\/create\?/);
    const machines = await ask(...onBigquery, "--set", "google.dataStudioTemplate=0B-1234-abcd", "--json");
    const { template, links } = lastLine(machines.out) as { template: string; links: { sources: string[]; url: string }[] };
    assert.deepEqual([template, links.length, links[0]!.sources[0]], ["0B-1234-abcd", 1, "run_summary"]);
    assert.match(links[0]!.url, /c\.reportId=0B-1234-abcd/);
  });

  it("says what to do where it cannot be: a DuckDB warehouse, one run, a template that is none", async () => {
    const duckdb = await ask();
    assert.equal(duckdb.code, 2);
    assert.match(duckdb.err, /Data Studio reads BigQuery[^]*imagemill report --open/);
    const run = await ask("2026-11-01-0123456789ab", ...onBigquery);
    assert.equal(run.code, 2);
    assert.match(run.err, /about all runs/);
    const template = await ask(...onBigquery, "--set", "google.dataStudioTemplate=https://x");
    assert.equal(template.code, 2);
    assert.match(template.err, /the id of a report/);
  });
});
