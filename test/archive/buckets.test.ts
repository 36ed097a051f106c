import assert from "node:assert/strict";
import { bucketDifference, type BucketFacts, type BucketWish } from "../../archive/buckets.ts";
import { archiveRules, controlRules, type LifecycleRule } from "../../archive/lifecycle.ts";

const archive: BucketWish = { bucket: "a", places: ["archive"], location: "EU", rules: archiveRules(7, "") };
const facts: BucketFacts = {
  location: "EU",
  uniformAccess: true,
  publicAccessPrevented: true,
  softDeleteDays: 0,
  rules: archive.rules,
  metageneration: "1",
};

describe("what a bucket should be", () => {
  it("is nothing to do where it is so", () => {
    assert.deepEqual(bucketDifference(facts, archive), { changes: [], settings: {}, notices: [] });
  });

  it("a new bucket is closed to the public, has its rules, and keeps nothing of the archive longer than they say", () => {
    const { settings, changes } = bucketDifference(undefined, archive);
    assert.deepEqual(settings, {
      location: "EU",
      uniformAccess: true,
      publicAccessPrevented: true,
      softDeleteDays: 0,
      rules: archive.rules,
    });
    assert.equal(changes.length, 2);
    assert.equal(bucketDifference(undefined, { ...archive, places: ["control"], rules: controlRules("") }).settings.softDeleteDays, 7);
  });

  it("each drift is one change", () => {
    const foreign: LifecycleRule = { action: { type: "SetStorageClass", storageClass: "NEARLINE" }, condition: { age: 3 } };
    const drifted = {
      ...facts,
      uniformAccess: false,
      publicAccessPrevented: false,
      softDeleteDays: 7,
      rules: [foreign, ...archiveRules(30, "")],
    };
    const { settings, changes } = bucketDifference(drifted, archive);
    assert.equal(changes.length, 5);
    assert.deepEqual(settings.rules, [foreign, ...archive.rules], "rules that are not ours stay");
  });

  it("the ingestion bucket is talked about, not changed, but for the rules of what else is in it", () => {
    const open = { ...facts, uniformAccess: false, softDeleteDays: 7, rules: [] };
    const source = bucketDifference(open, { ...archive, places: ["source"], rules: [] });
    assert.deepEqual([source.changes, source.settings], [[], {}]);
    assert.equal(source.notices.length, 1);
    const shared = bucketDifference(open, { ...archive, places: ["source", "archive"] });
    assert.deepEqual(Object.keys(shared.settings), ["rules"]);
    assert.match(shared.notices.join("\n"), /keeps deleted objects 7 days more/);
  });

  it("a bucket elsewhere is a notice: it cannot be moved", () => {
    assert.match(bucketDifference({ ...facts, location: "US" }, archive).notices.join(), /cannot be moved/);
    assert.deepEqual(bucketDifference({ ...facts, location: "eu" }, archive).notices, []);
  });
});
