import assert from "node:assert/strict";
import fc from "fast-check";
import { emptyCounts } from "../../core/events.ts";
import { advance, busySlots, isOver, newSchedule, type Schedule, type ScheduleCommand } from "../../submit/engines/schedule.ts";

type Fate = "commits" | "fails" | "dies";
const failure = { code: "WORKER_DIED", message: "gone" };

/** Plays workers: each shard meets the fate that `fateOf` gives it when its worker comes to it. */
function play(schedule: Schedule, fateOf: (shard: string) => Fate, pick: (count: number) => number): string[] {
  const log: string[] = [];
  const workers = new Map<number, string[]>();
  const perform = (commands: ScheduleCommand[]): void => {
    for (const command of commands) {
      log.push(JSON.stringify(command));
      const given = workers.get(command.slot);
      if (command.do === "start") {
        assert.equal(given, undefined, "a slot holds one process");
        workers.set(command.slot, []);
      } else if (command.do === "assign") {
        assert.ok(![...workers.values()].flat().includes(command.shard), "a shard is given out once at a time");
        given!.push(command.shard);
        assert.ok(given!.length <= 2, "a worker is at most one shard ahead");
      } else {
        assert.deepEqual(given, [], "a worker is dismissed when it has nothing to do");
      }
    }
    assert.equal(
      busySlots(schedule),
      workers
        .values()
        .filter((given) => given.length > 0)
        .toArray().length,
    );
    assert.ok(workers.size <= schedule.slotCount);
  };
  perform(advance(schedule, { type: "begin" }));
  for (;;) {
    const busy = [...workers].filter(([, given]) => given.length > 0);
    if (busy.length === 0) break;
    const [slot, given] = busy[pick(busy.length)]!;
    const shard = given[0]!;
    const fate = fateOf(shard);
    perform(advance(schedule, { type: "said", slot, event: { type: "shard-started", shard, attempt: "a", objects: 1 } }));
    if (fate === "dies") {
      workers.delete(slot);
      perform(advance(schedule, { type: "exited", slot, failure, fatal: false }));
    } else {
      given.shift();
      const event =
        fate === "commits"
          ? ({ type: "shard-committed", shard, attempt: "a", counts: emptyCounts(), wallMs: 1 } as const)
          : ({ type: "shard-failed", shard, attempt: "a", ...failure } as const);
      perform(advance(schedule, { type: "said", slot, event }));
    }
  }
  for (const slot of workers.keys()) advance(schedule, { type: "exited", slot, failure, fatal: false });
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
          for (const tries of schedule.failures.values()) assert.ok(tries <= shardAttempts);
          if (!schedule.stopping) for (const { shard } of schedule.failed) assert.equal(schedule.failures.get(shard), shardAttempts);
        },
      ),
    );
  });

  it("keeps each worker one shard ahead, until so few are left that they go to whoever is free", () => {
    const schedule = newSchedule(names(6), 2, 3);
    const given = advance(schedule, { type: "begin" }).filter((command) => command.do === "assign");
    assert.deepEqual(
      given.map(({ slot, shard }) => [slot, shard]),
      [
        [0, "s0"],
        [1, "s1"],
        [0, "s2"],
        [1, "s3"],
      ],
    );
    const committed = { type: "shard-committed", shard: "s0", attempt: "x", counts: emptyCounts(), wallMs: 1 } as const;
    assert.deepEqual(advance(schedule, { type: "said", slot: 0, event: committed }), []);
  });

  it("blames the shard that had begun for a worker's death, not the one that waited behind it", () => {
    const schedule = newSchedule(names(8), 1, 1);
    advance(schedule, { type: "begin" });
    advance(schedule, { type: "said", slot: 0, event: { type: "shard-started", shard: "s0", attempt: "a", objects: 1 } });
    assert.deepEqual(schedule.slots.get(0), ["s0", "s1"]);
    const commands = advance(schedule, { type: "exited", slot: 0, failure, fatal: false });
    assert.deepEqual(
      schedule.failed.map((one) => one.shard),
      ["s0"],
    );
    assert.deepEqual(commands.slice(0, 2), [
      { do: "start", slot: 0 },
      { do: "assign", slot: 0, shard: "s1" },
    ]);
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
    assert.ok(last.do === "assign");
    const done = { ...committed, shard: "b" };
    assert.deepEqual(
      advance(schedule, { type: "said", slot: last.slot, event: done }).map((command) => command.do),
      ["dismiss", "dismiss"],
    );
  });
});
