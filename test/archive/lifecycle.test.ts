import assert from "node:assert/strict";
import fc from "fast-check";
import { archiveRules, controlRules, describeRule, difference, type LifecycleRule } from "../../archive/lifecycle.ts";

const foreign: LifecycleRule = { action: { type: "SetStorageClass", storageClass: "NEARLINE" }, condition: { age: 30 } };

describe("lifecycle", () => {
  it("deletes archived runs, and nothing else, after the days of the policy", () => {
    assert.deepEqual(archiveRules(7, "images/"), [{ action: { type: "Delete" }, condition: { age: 7, matchesPrefix: ["images/20"] } }]);
    assert.deepEqual(archiveRules(7, "")[0]?.condition.matchesPrefix, ["20"]);
  });

  it("never covers the ledger", () => {
    const covered = controlRules("control/").flatMap((rule) => rule.condition.matchesPrefix ?? [""]);
    assert.deepEqual(covered, ["control/quarantine/", "control/runs/"]);
    assert.ok(!covered.some((prefix) => "control/ledger/".startsWith(prefix)));
  });

  it("says nothing to do where the rule is there, in whatever order its prefixes are", () => {
    const actual = [foreign, { action: { type: "Delete" }, condition: { matchesPrefix: ["runs/", "quarantine/"], age: 200 } }];
    const found = difference(actual, controlRules(""));
    assert.deepEqual(
      { inSync: found.inSync, changes: found.changes, warnings: found.warnings },
      { inSync: true, changes: [], warnings: [] },
    );
  });

  it("adds the rule beside foreign ones", () => {
    const found = difference([foreign], archiveRules(7, ""));
    assert.equal(found.inSync, false);
    assert.deepEqual(found.rules, [foreign, ...archiveRules(7, "")]);
    assert.deepEqual(found.changes, ["add: delete after 7 days under 20"]);
  });

  it("replaces our own rule of another age instead of leaving both", () => {
    const found = difference([foreign, ...archiveRules(3, "a/")], archiveRules(7, "a/"));
    assert.deepEqual(found.rules, [foreign, ...archiveRules(7, "a/")]);
    assert.deepEqual(found.changes, ["drop: delete after 3 days under a/20", "add: delete after 7 days under a/20"]);
    assert.deepEqual(found.warnings, []);
  });

  it("drops a double of our rule", () => {
    const found = difference([...archiveRules(7, ""), ...archiveRules(7, "")], archiveRules(7, ""));
    assert.deepEqual(found.rules, archiveRules(7, ""));
    assert.equal(found.changes.length, 1);
  });

  it("keeps, and warns of, a foreign rule that deletes our objects sooner", () => {
    const sooner: LifecycleRule[] = [
      { action: { type: "Delete" }, condition: { age: 1 } },
      { action: { type: "Delete" }, condition: { age: 2, matchesPrefix: ["arch"] } },
      { action: { type: "Delete" }, condition: { createdBefore: "2020-01-01" } },
    ];
    const found = difference(sooner, archiveRules(7, "archive/"));
    assert.equal(found.warnings.length, 3);
    assert.deepEqual(found.rules.slice(0, 3), sooner);
  });

  it("does not warn of rules that cannot reach our objects, or only later", () => {
    const harmless: LifecycleRule[] = [
      foreign,
      { action: { type: "Delete" }, condition: { age: 1, matchesPrefix: ["other/"] } },
      { action: { type: "Delete" }, condition: { age: 30 } },
      { action: { type: "Delete" }, condition: { isLive: false, numNewerVersions: 3 } },
    ];
    assert.deepEqual(difference(harmless, archiveRules(7, "archive/")).warnings, []);
  });

  it("is settled after one application, and loses no foreign rule", () => {
    const ages = fc.option(fc.nat(400), { nil: undefined });
    const rule = fc
      .record({
        type: fc.constantFrom("Delete", "SetStorageClass"),
        age: ages,
        prefixes: fc.option(fc.subarray(["20", "a/20", "x"]), { nil: undefined }),
      })
      .map(({ type, age, prefixes }): LifecycleRule => ({
        action: { type },
        condition: { ...(age !== undefined && { age }), ...(prefixes && { matchesPrefix: prefixes }) },
      }));
    fc.assert(
      fc.property(fc.array(rule, { maxLength: 6 }), fc.constantFrom("", "a/"), fc.integer({ min: 1, max: 60 }), (actual, prefix, days) => {
        const desired = archiveRules(days, prefix);
        const first = difference(actual, desired);
        const second = difference(first.rules, desired);
        assert.equal(second.inSync, true, JSON.stringify(second.changes));
        assert.deepEqual(second.rules, first.rules);
        const own = JSON.stringify(desired[0]?.condition.matchesPrefix);
        for (const one of actual) {
          const ours = one.action.type === "Delete" && JSON.stringify(one.condition.matchesPrefix) === own;
          assert.ok(ours || first.rules.includes(one), describeRule(one));
        }
      }),
    );
  });
});
