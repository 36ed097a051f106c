import assert from "node:assert/strict";
import fc from "fast-check";
import type { Commit, Counts, Plan } from "../../core/types.ts";
import { jsonBytes } from "../../storage/objects.ts";
import { newMultiset } from "../../submit/audit/multiset.ts";
import { gateOf, inSealOrder, loadIdOf, sealOf } from "../../submit/seal.ts";
import { nextCommand, stateOf, type RunRecords } from "../../submit/state.ts";
import { coveredMs, perSecond } from "../../submit/timing.ts";
import { planOf } from "./plans.ts";

const stores = { source: "memory://s", archive: "memory://a", control: "memory://c", warehouse: "duckdb:///w" };

function counts(ok: number, skipped: number, quarantined: number): Counts {
  return { objects: ok + skipped + quarantined, ok, skipped, quarantined, outputs: ok, bytesIn: 0, bytesOut: 0 };
}

function commitOf(plan: Plan, shard: string, own: Counts): Commit {
  return {
    format: 1,
    runId: plan.runId,
    planId: plan.planId,
    shard,
    attempt: `1-${shard}`,
    writeId: "w",
    counts: own,
    rows: { name: `rows-${shard}`, generation: "1", sizeBytes: 1, crc32c: "AAAAAA==" },
    shardOutputs: [],
    startedAt: "2026-11-23T00:00:00Z",
    endedAt: "2026-11-23T00:01:00Z",
  };
}

/** Every object of every shard has one of three outcomes. */
const outcomes = fc.array(fc.array(fc.constantFrom("ok", "skipped", "quarantined"), { minLength: 1, maxLength: 6 }), {
  minLength: 1,
  maxLength: 8,
});

describe("gate and seal", () => {
  it("open exactly when every shard is committed and few enough are quarantined; equal bytes in any order of commits", () => {
    fc.assert(
      fc.property(outcomes, fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(), (shards, maxQuarantinedRatio, leftOut) => {
        const { plan } = planOf(shards.length, 1, stores);
        plan.policy = { ...plan.policy, gate: { maxQuarantinedRatio } };
        for (const [index, shard] of plan.shards.entries()) shard.objects = shards[index]!.length;
        const of = (shard: string[], outcome: string): number => shard.filter((one) => one === outcome).length;
        const commits = plan.shards.map(({ id }, index) => {
          const shard = shards[index]!;
          return commitOf(plan, id, counts(of(shard, "ok"), of(shard, "skipped"), of(shard, "quarantined")));
        });
        const whole = new Map(commits.map((commit) => [commit.shard, commit]));
        const gate = gateOf(plan, whole);
        const all = shards.flat();
        assert.deepEqual(gate.violations, []);
        assert.deepEqual(gate.missing, []);
        assert.equal(gate.counts.objects, all.length);
        assert.equal(gate.exceeded, of(all, "quarantined") / all.length > maxQuarantinedRatio);
        const backwards = new Map(commits.toReversed().map((commit) => [commit.shard, commit]));
        const seal = sealOf(plan, whole, gate);
        assert.deepEqual(jsonBytes(seal), jsonBytes(sealOf(plan, backwards, gateOf(plan, backwards))));
        assert.match(loadIdOf(seal), /^[A-Za-z0-9_-]{1,1024}$/);
        assert.deepEqual(
          seal.commits.map((commit) => commit.shard),
          inSealOrder(commits).map((commit) => commit.shard),
        );

        const missing = commits[leftOut % commits.length]!.shard;
        whole.delete(missing);
        assert.deepEqual(gateOf(plan, whole).missing, [missing]);
      }),
    );
  });

  it("name a commit that is of another plan, of no shard, or counts wrongly", () => {
    const { plan } = planOf(2, 3, stores);
    const [a, b] = plan.shards.map((shard) => shard.id) as [string, string];
    const codes = (...commits: [string, Commit][]): string[] => gateOf(plan, new Map(commits)).violations.map((one) => one.code);
    const good = commitOf(plan, a, counts(3, 0, 0));
    assert.deepEqual(codes([a, good], [b, commitOf(plan, b, counts(1, 1, 1))]), []);
    assert.deepEqual(codes([a, { ...good, planId: "other" }]), ["COMMIT_FOREIGN"]);
    assert.deepEqual(codes(["nobody", good]), ["COMMIT_FOREIGN"]);
    assert.deepEqual(codes([b, good]), ["COMMIT_FOREIGN"]);
    assert.deepEqual(codes([a, { ...good, counts: counts(2, 0, 0) }]), ["COMMIT_COUNTS"]);
    assert.deepEqual(codes([a, { ...good, counts: { ...counts(3, 0, 0), ok: 2 } }]), ["COMMIT_COUNTS"]);
  });

  it("never close on a replay for what stays quarantined", () => {
    const { plan } = planOf(1, 2, stores);
    const shard = plan.shards[0]!.id;
    const commits = new Map([[shard, commitOf(plan, shard, counts(0, 0, 2))]]);
    assert.equal(gateOf(plan, commits).exceeded, true);
    plan.request = { ...plan.request, replay: { runId: plan.runId, reasons: ["timeout"], number: 1 } };
    assert.equal(gateOf(plan, commits).exceeded, false);
  });
});

describe("the state of a run", () => {
  it("follows from what the control store holds", () => {
    const { plan } = planOf(2, 2, stores);
    const [a, b] = plan.shards.map((shard) => shard.id) as [string, string];
    const none: RunRecords = {
      runId: plan.runId,
      plan: undefined,
      submit: undefined,
      cancel: undefined,
      accepted: undefined,
      seal: undefined,
      load: undefined,
      done: undefined,
      commits: new Map(),
    };
    const good = [a, b].map((shard) => [shard, commitOf(plan, shard, counts(2, 0, 0))] as const);
    const bad = [a, b].map((shard) => [shard, commitOf(plan, shard, counts(0, 0, 2))] as const);
    const accepted = { format: 1, runId: plan.runId, planId: plan.planId, quarantined: 4, objects: 4, acceptedAt: "" } as const;
    const seal = sealOf(plan, new Map(good), gateOf(plan, new Map(good)));
    const state = (records: Partial<RunRecords>): string => stateOf({ ...none, ...records });
    assert.equal(state({}), "absent");
    assert.equal(state({ plan }), "planned");
    assert.equal(state({ plan, submit: { format: 1, runId: plan.runId, engine: "spark", submission: 1, handle: {} } }), "running");
    assert.equal(state({ plan, commits: new Map(good.slice(1)) }), "running");
    assert.equal(state({ plan, commits: new Map(good) }), "committed");
    assert.equal(state({ plan, commits: new Map(bad) }), "gated");
    assert.equal(state({ plan, commits: new Map(bad), accepted }), "committed");
    assert.equal(state({ plan, commits: new Map(good), seal }), "sealed");
  });

  it("comes with one command to go on with", () => {
    const id = "2026-11-23-0123456789ab";
    const again = "imagemill run --source photos --run-date 2026-11-23";
    const watch = `imagemill status ${id} --watch`;
    assert.equal(nextCommand(id, "running", { live: true, again }), watch);
    assert.equal(nextCommand(id, "sealed", { live: true, again }), watch, "it is being loaded");
    assert.equal(nextCommand(id, "running", { live: false, again }), again);
    assert.equal(nextCommand(id, "gated", { live: false, again }), `imagemill finish ${id} --accept-quarantined`);
    assert.equal(nextCommand(id, "sealed", { live: false, again }), `imagemill finish ${id}`);
  });
});

describe("times", () => {
  it("that overlap count once", () => {
    const spans = fc.array(fc.tuple(fc.nat(50), fc.nat(20)).map(([fromMs, length]) => ({ fromMs, toMs: fromMs + length })));
    fc.assert(
      fc.property(spans, (intervals) => {
        const covered = new Set(
          intervals.flatMap(({ fromMs, toMs }) => Array.from({ length: toMs - fromMs }, (_, index) => fromMs + index)),
        );
        assert.equal(coveredMs(intervals), covered.size);
      }),
    );
  });

  it("of nothing give no rate", () => {
    assert.equal(perSecond(10, 0), 0);
    assert.equal(perSecond(10, 4000), 2.5);
  });
});

describe("a multiset", () => {
  it("is equal in any order, and differs by any element or its number", () => {
    const elements = fc.array(fc.tuple(fc.string(), fc.string()), { minLength: 1 });
    const of = (pairs: [string, string][]) => {
      const set = newMultiset();
      for (const pair of pairs) set.add(...pair);
      return set;
    };
    fc.assert(
      fc.property(elements, fc.nat(), fc.string(), (pairs, at, other) => {
        const [first, second] = pairs[at % pairs.length]!;
        assert.ok(of(pairs).equals(of(pairs.toReversed())));
        assert.ok(!of(pairs).equals(of(pairs.slice(1))));
        assert.ok(!of(pairs).equals(of([...pairs, [first, second]])));
        if (other !== second) assert.ok(!of(pairs).equals(of(pairs.with(at % pairs.length, [first, other]))));
      }),
    );
  });
});
