import assert from "node:assert/strict";
import fc from "fast-check";
import { emptyCounts } from "../../core/events.ts";
import { advance, isOver, newSchedule, runningShards, type Schedule, type ScheduleCommand } from "../../submit/engines/schedule.ts";

type Fate = "commits" | "fails" | "dies";
const failure = { code: "WORKER_DIED", message: "gone" };

/** Plays workers: each assigned shard meets the fate that `fateOf` gives its attempt. */
function play(schedule: Schedule, fateOf: (shard: string, attempt: number) => Fate, pick: (count: number) => number): string[] {
  const log: string[] = [];
  const open: { slot: number; shard: string; attempt: number }[] = [];
  const alive = new Set<number>();
  const perform = (commands: ScheduleCommand[]): void => {
    for (const command of commands) {
      log.push(JSON.stringify(command));
      if (command.do === "start") {
        assert.ok(!alive.has(command.slot), "a slot holds one process");
        alive.add(command.slot);
      } else if (command.do === "assign") {
        assert.ok(alive.has(command.slot));
        assert.ok(!open.some((one) => one.slot === command.slot), "a worker has one shard at a time");
        assert.ok(!open.some((one) => one.shard === command.shard), "a shard runs once at a time");
        open.push(command);
      }
    }
    assert.equal(runningShards(schedule), open.length);
    assert.ok(alive.size <= schedule.slotCount);
  };
  perform(advance(schedule, { type: "begin" }));
  while (open.length > 0) {
    const [{ slot, shard, attempt }] = open.splice(pick(open.length), 1) as [{ slot: number; shard: string; attempt: number }];
    const fate = fateOf(shard, attempt);
    if (fate === "dies") {
      alive.delete(slot);
      perform(advance(schedule, { type: "exited", slot, failure, fatal: false }));
    } else {
      const event =
        fate === "commits"
          ? ({ type: "shard-committed", shard, attempt: "a", counts: emptyCounts(), wallMs: 1 } as const)
          : ({ type: "shard-failed", shard, attempt: "a", ...failure } as const);
      perform(advance(schedule, { type: "said", slot, event }));
    }
  }
  for (const slot of alive) advance(schedule, { type: "exited", slot, failure, fatal: false });
  return log;
}

const names = (count: number): string[] => Array.from({ length: count }, (_, index) => `s${index}`);

describe("the local engine's schedule", () => {
  it("ends, tries each shard within its attempts, and loses none", () => {
    const fates = fc.constantFrom<Fate>("commits", "commits", "fails", "dies");
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 12 }),
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 3 }),
        fc.infiniteStream(fates),
        fc.infiniteStream(fc.nat(1000)),
        (shards, slots, shardAttempts, fate, choice) => {
          const schedule = newSchedule(names(shards), slots, shardAttempts);
          play(
            schedule,
            () => fate.next().value,
            (count) => choice.next().value % count,
          );
          assert.ok(isOver(schedule));
          assert.equal(schedule.finished + schedule.failed.length + schedule.waiting.length, shards);
          assert.ok(schedule.waiting.length === 0 || schedule.stopping);
          for (const tries of schedule.attempts.values()) assert.ok(tries <= shardAttempts);
          for (const { shard } of schedule.failed) assert.equal(schedule.attempts.get(shard), shardAttempts);
        },
      ),
    );
  });

  it("goes on with the others when one shard always fails", () => {
    const schedule = newSchedule(names(20), 2, 3);
    play(
      schedule,
      (shard) => (shard === "s3" ? "dies" : "commits"),
      () => 0,
    );
    assert.equal(schedule.finished, 19);
    assert.deepEqual(
      schedule.failed.map(({ shard, code }) => ({ shard, code })),
      [{ shard: "s3", code: "WORKER_DIED" }],
    );
    assert.equal(schedule.retried, 2);
  });

  it("stops early when nothing succeeds", () => {
    const schedule = newSchedule(names(100), 1, 3);
    const log = play(
      schedule,
      () => "dies",
      () => 0,
    );
    assert.ok(schedule.failed.length <= 4, `${schedule.failed.length} shards were given up`);
    assert.ok(log.length < 100);
  });

  it("gives out nothing after a failure that every worker would meet", () => {
    const schedule = newSchedule(names(5), 1, 3);
    advance(schedule, { type: "begin" });
    const commands = advance(schedule, { type: "exited", slot: 0, failure: { code: "OTHER_CODE", message: "other sharp" }, fatal: true });
    assert.deepEqual(commands, []);
    assert.ok(isOver(schedule));
    assert.equal(schedule.failed[0]?.code, "OTHER_CODE");
  });

  it("keeps an idle worker while a shard may come back, and dismisses it after", () => {
    const schedule = newSchedule(["a", "b"], 2, 3);
    advance(schedule, { type: "begin" });
    const committed = { type: "shard-committed", shard: "a", attempt: "x", counts: emptyCounts(), wallMs: 1 } as const;
    assert.deepEqual(advance(schedule, { type: "said", slot: 0, event: committed }), []);
    const commands = advance(schedule, { type: "said", slot: 1, event: { type: "shard-failed", shard: "b", attempt: "y", ...failure } });
    assert.deepEqual(
      commands.filter((command) => command.do === "assign").map((command) => command.shard),
      ["b"],
    );
    const last = commands.find((command) => command.do === "assign")!;
    const done = { ...committed, shard: "b" };
    assert.deepEqual(
      advance(schedule, { type: "said", slot: last.slot, event: done }).map((command) => command.do),
      ["dismiss", "dismiss"],
    );
  });
});
