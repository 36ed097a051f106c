import assert from "node:assert/strict";
import { DuckDBInstance } from "@duckdb/node-api";
import { controlNames } from "../../core/layout.ts";
import { decodeNdjson, encodeNdjson } from "../../core/ndjson.ts";
import type { ImageRow } from "../../core/rows.ts";
import type { Commit, Plan, Seal, ShardEntry } from "../../core/types.ts";
import { jsonBytes, readJson } from "../../storage/objects.ts";
import type { ObjectStore } from "../../storage/store.ts";
import type { Driver } from "../../submit/driver.ts";
import { run } from "../../submit/run.ts";
import { verifyRun } from "../../submit/verify.ts";
import { finishedRun, type Finished } from "./finished-run.ts";
import { bareRun, createWorld, fakeClock } from "./world.ts";

const objects = {
  ...Object.fromEntries(Array.from({ length: 9 }, (_, index) => [`photo ${index}.jpg`, `image ${index}`])),
  "ünïcode/é.jpg": "bad",
  a: "one",
  "a/b": "two",
};

async function codesOf(driver: Driver, runId: string): Promise<string[]> {
  const result = await verifyRun(driver, runId);
  assert.equal(result.holds, result.violations.length === 0);
  return [...new Set(result.violations.map((violation) => violation.code))].sort();
}

describe("verify", function () {
  this.timeout(60_000);
  let run1: Finished;
  before(async () => {
    run1 = await finishedRun(objects);
  });
  after(async () => run1[Symbol.asyncDispose]());

  it("finds that a finished run holds, and counts what it looked at", async () => {
    const result = await verifyRun(run1.driver, run1.runId);
    assert.deepEqual(result.violations, []);
    assert.equal(result.state, "done");
    assert.deepEqual(result.checked, { shards: run1.plan.shards.length, rows: 12, outputs: 22, warehouseRows: 12 });
  });

  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("utf8");
  type Tamper = (bytes: Uint8Array, control: ObjectStore, plan: Plan) => Uint8Array | undefined | Promise<Uint8Array | undefined>;
  const changedJson = <T>(change: (value: T) => void): Tamper => {
    return (bytes) => {
      const value = JSON.parse(text(bytes)) as T;
      change(value);
      return jsonBytes(value);
    };
  };
  const changedLines = <T>(change: (values: T[]) => void): Tamper => {
    return (bytes) => {
      const values = decodeNdjson<T>(bytes, "tampered");
      change(values);
      return encodeNdjson(values);
    };
  };
  const gone: Tamper = () => undefined;
  const firstShard = ({ shards }: Plan): string => shards[0]!.id;
  const rowsName = async ({ driver, plan }: Finished): Promise<string> => {
    const commit = await readJson<Commit>(driver.control, controlNames.commit(plan.runId, firstShard(plan)));
    return commit!.rows.name;
  };
  const ledgerName = async ({ driver }: Finished): Promise<string> => {
    for await (const page of driver.control.list({ prefix: "ledger/" })) {
      const found = page.objects.find((object) => /\/\d{6}\.json$/.test(object.name));
      if (found !== undefined) return found.name;
    }
    return assert.fail("no segment");
  };

  const cases: [string, (run: Finished) => string | Promise<string>, Tamper, string[]][] = [
    [
      "a plan with another limit",
      ({ runId }) => controlNames.plan(runId),
      changedJson<Plan>((plan) => (plan.policy.limits.maxPixels = 1)),
      ["PLAN_CHANGED"],
    ],
    [
      "a plan with another order",
      ({ runId }) => controlNames.plan(runId),
      changedJson<Plan>((plan) => plan.shards.push(plan.shards.shift()!)),
      ["PLAN_CHANGED"],
    ],
    [
      "a manifest part that is gone",
      ({ plan }) => plan.manifest.parts[0]!,
      gone,
      ["MANIFEST_COUNTS", "MANIFEST_MISSING", "PARTITION_BROKEN"],
    ],
    [
      "a manifest without one entry",
      ({ plan }) => plan.manifest.parts[0]!,
      changedLines((lines) => lines.pop()),
      ["MANIFEST_CHANGED", "MANIFEST_COUNTS", "PARTITION_BROKEN"],
    ],
    [
      "a manifest out of order",
      ({ plan }) => plan.manifest.parts[0]!,
      changedLines((lines) => lines.push(lines.shift())),
      ["MANIFEST_CHANGED", "MANIFEST_ORDER"],
    ],
    [
      "a shard with another generation",
      ({ plan }) => controlNames.shard(plan.runId, firstShard(plan)),
      changedLines<ShardEntry>((lines) => (lines[0]!.generation = "99")),
      ["PARTITION_BROKEN", "ROW_FOREIGN", "ROW_MISSING", "SHARD_CHANGED"],
    ],
    [
      "a shard that is gone",
      ({ plan }) => controlNames.shard(plan.runId, firstShard(plan)),
      gone,
      ["PARTITION_BROKEN", "SHARD_MISSING", "LEDGER_DIFFERS"],
    ],
    [
      "a commit that counts wrongly",
      ({ plan }) => controlNames.commit(plan.runId, firstShard(plan)),
      changedJson<Commit>((commit) => (commit.counts.ok -= 1)),
      ["COMMIT_COUNTS", "COUNTS_DIFFER", "SEAL_DIFFERS"],
    ],
    [
      "a commit of another plan",
      ({ plan }) => controlNames.commit(plan.runId, firstShard(plan)),
      changedJson<Commit>((commit) => (commit.planId = "x")),
      ["COMMIT_FOREIGN"],
    ],
    [
      "a commit that is gone after the seal",
      ({ plan }) => controlNames.commit(plan.runId, firstShard(plan)),
      gone,
      ["LEDGER_DIFFERS", "SEAL_DIFFERS", "SEAL_INCOMPLETE", "WAREHOUSE_ROW_FOREIGN"],
    ],
    [
      "a seal that says something else",
      ({ runId }) => controlNames.seal(runId),
      changedJson<Seal>((seal) => (seal.unchanged = 7)),
      ["LOAD_OTHER_SEAL", "SEAL_DIFFERS"],
    ],
    ["a seal that is gone", ({ runId }) => controlNames.seal(runId), gone, ["LOAD_UNSEALED", "WAREHOUSE_COUNT"]],
    ["a rows file that is gone", rowsName, gone, ["LEDGER_DIFFERS", "ROWS_MISSING", "WAREHOUSE_ROW_FOREIGN"]],
    [
      "a rows file that is cut off",
      rowsName,
      (bytes) => bytes.subarray(0, bytes.length - 9),
      ["LEDGER_DIFFERS", "ROWS_CHANGED", "WAREHOUSE_ROW_FOREIGN"],
    ],
    [
      "a row that says it was of another attempt",
      rowsName,
      changedLines<ImageRow>((rows) => (rows[0]!.attempt = "x")),
      ["ROWS_CHANGED", "ROW_FOREIGN", "WAREHOUSE_ROW_DIFFERS"],
    ],
    [
      "an object with two rows and one with none",
      rowsName,
      changedLines<ImageRow>((rows) => (rows[1] = rows[0]!)),
      ["LEDGER_DIFFERS", "ROWS_CHANGED", "ROW_MISSING", "ROW_TWICE", "WAREHOUSE_ROW_FOREIGN", "WAREHOUSE_ROW_MISSING"],
    ],
    [
      "an outcome without a reason",
      rowsName,
      changedLines<ImageRow>((rows) => (rows[0]!.outcome = "skipped")),
      ["COUNTS_DIFFER", "LEDGER_DIFFERS", "OUTCOME_INVALID", "ROWS_CHANGED", "WAREHOUSE_ROW_DIFFERS"],
    ],
    [
      "an output in a place that is not its own",
      rowsName,
      changedLines<ImageRow>((rows) => (rows[0]!.outputs[0]!.uri = "memory://elsewhere/x@1.txt")),
      ["OUTPUT_MISPLACED", "ROWS_CHANGED"],
    ],
    [
      "a twin that is no twin",
      rowsName,
      changedLines<ImageRow>((rows) => (rows[0]!.twin = { run_id: rows[0]!.run_id, name: "nobody", generation: "1" })),
      ["ROWS_CHANGED", "TWIN_MISSING"],
    ],
    ["a ledger that never heard of the run", ledgerName, gone, ["LEDGER_MISSING"]],
  ];
  for (const [what, nameOf, tamper, expected] of cases) {
    it(`finds ${what}`, async () => {
      const { driver, runId, plan } = run1;
      const name = await nameOf(run1);
      const { bytes } = await driver.control.read(name);
      const changed = await tamper(bytes, driver.control, plan);
      if (changed === undefined) await driver.control.delete(name);
      else await driver.control.write(name, changed);
      try {
        assert.deepEqual(await codesOf(driver, runId), [...expected].sort());
      } finally {
        await driver.control.write(name, bytes);
      }
      assert.deepEqual(await codesOf(driver, runId), []);
    });
  }
});

describe("verify, against the warehouse", function () {
  this.timeout(60_000);
  const statements: [string, string, string[]][] = [
    ["a row less", "DELETE FROM images WHERE name = 'photo 3.jpg'", ["WAREHOUSE_COUNT", "WAREHOUSE_ROW_MISSING"]],
    ["a row twice", "INSERT INTO images SELECT * FROM images WHERE name = 'ünïcode/é.jpg'", ["WAREHOUSE_COUNT", "WAREHOUSE_ROW_FOREIGN"]],
    ["a row that differs", "UPDATE images SET sha256 = 'x' WHERE name = 'a/b'", ["WAREHOUSE_ROW_DIFFERS"]],
    ["no row of the run", "DELETE FROM runs", ["RUN_ROW"]],
    ["none of the rows", "DELETE FROM images", ["WAREHOUSE_COUNT"]],
  ];
  for (const [what, sql, expected] of statements) {
    it(`finds ${what}`, async () => {
      await using run1 = await finishedRun(objects);
      const instance = await DuckDBInstance.create(run1.database);
      const connection = await instance.connect();
      await connection.run(sql);
      connection.closeSync();
      instance.closeSync();
      assert.deepEqual(await codesOf(run1.driver, run1.runId), expected);
    });
  }
});

describe("verify, against the archive", () => {
  const anOutput = async ({ world, runId }: Finished, which: RegExp): Promise<{ archive: ObjectStore; name: string }> => {
    const archive = await world.store("archive");
    for await (const page of archive.list({ prefix: `${runId.slice(0, 10)}/${runId}/` })) {
      const found = page.objects.find((object) => which.test(object.name));
      if (found !== undefined) return { archive, name: found.name };
    }
    return assert.fail(`no output like ${String(which)}`);
  };

  it("finds outputs that were deleted early or replaced, and a copy of the rows that is gone", async () => {
    await using run1 = await finishedRun(objects);
    const thumbnail = await anOutput(run1, /thumbnails/);
    await thumbnail.archive.delete(thumbnail.name);
    assert.deepEqual(await codesOf(run1.driver, run1.runId), ["OUTPUT_MISSING"]);
    const source = await anOutput(run1, /\/source\//);
    await source.archive.write(source.name, Buffer.from("image X"));
    assert.deepEqual(await codesOf(run1.driver, run1.runId), ["OUTPUT_CHANGED", "OUTPUT_MISSING"]);
    const rows = await anOutput(run1, /_metadata/);
    await rows.archive.delete(rows.name);
    assert.deepEqual(await codesOf(run1.driver, run1.runId), ["COPY_MISSING", "OUTPUT_CHANGED", "OUTPUT_MISSING"]);
  });

  it("counts what the lifecycle took after its days as expired, and holds", async () => {
    await using run1 = await finishedRun(objects);
    const archive = await run1.world.store("archive");
    for await (const page of archive.list()) for (const { name } of page.objects) await archive.delete(name);
    const eighth = fakeClock("2026-12-01T09:00:00Z");
    await using later = await run1.world.driver({
      clock: eighth,
      config: { warehouse: run1.plan.stores.warehouse },
      parts: { openWarehouse: async () => run1.driver.warehouse(run1.plan.stores.warehouse) },
    });
    const result = await verifyRun(later, run1.runId);
    assert.deepEqual(result.violations, []);
    assert.equal(result.expiredOutputs, 22);
    assert.deepEqual(await codesOf(run1.driver, run1.runId), ["COPY_MISSING", "OUTPUT_MISSING"]);
  });

  it("verifies as much as there is of a run that is not finished, and says where it stands", async () => {
    await using world = await createWorld("memory", objects);
    let left = 2;
    await using driver = await world.driver({
      engine: {
        before: () => {
          if ((left -= 1) < 0) throw new Error("enough");
        },
      },
    });
    const { runId } = await run(driver, bareRun);
    const result = await verifyRun(driver, runId);
    assert.deepEqual(result.violations, []);
    assert.equal(result.state, "running");
    assert.ok(result.checked.rows > 0);
  });

  it("names a run that is not there", async () => {
    await using world = await createWorld("memory", objects);
    await using driver = await world.driver();
    await assert.rejects(verifyRun(driver, "2026-11-23-0123456789ab"), { code: "RUN_ABSENT" });
  });
});
