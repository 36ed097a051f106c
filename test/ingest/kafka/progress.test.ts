import assert from "node:assert/strict";
import fc from "fast-check";
import {
  advance,
  committable,
  isCaughtUp,
  keyOf,
  lagOf,
  noProgress,
  type Command,
  type Commit,
  type Progress,
  type ProgressEvent,
  type Term,
} from "../../../ingest/kafka/progress.ts";

const place = { topic: "photos", partition: 0 };

/** Sends events one after the other; the commands of the last are kept. */
function play(events: ProgressEvent[], from: Progress = noProgress): { progress: Progress; commands: Command[] } {
  return events.reduce((state, event) => advance(state.progress, event), { progress: from, commands: [] as Command[] });
}

function begun(offset = 10n, end = 100n): { progress: Progress; of: Term } {
  const of = { ...place, term: 1 };
  const { progress } = play([
    { type: "assigned", generation: 1, places: [place] },
    { type: "located", starts: [{ ...of, offset, committed: offset, end }] },
  ]);
  return { progress, of };
}

const only = (progress: Progress) => progress.partitions.get(keyOf(place))!;

describe("progress of a consumer group's member", () => {
  it("commits up to the first message that is not durable, whatever the order of the others", () => {
    const { progress, of } = begun();
    const fetched = play([{ type: "fetched", of, from: 10n, offsets: [10n, 11n, 13n], next: 15n, end: 200n }], progress);
    assert.deepEqual(fetched.commands, [{ type: "work", of, offsets: [10n, 11n, 13n] }]);
    const later = play(
      [{ type: "durable", of, offset: 13n }, { type: "durable", of, offset: 11n }, { type: "commit-due" }],
      fetched.progress,
    );
    assert.deepEqual(later.commands, [], "10 is not durable");
    const first = play([{ type: "durable", of, offset: 10n }, { type: "commit-due" }], later.progress);
    assert.deepEqual(first.commands, [{ type: "commit", commits: [{ ...of, offset: 15n }] }], "gaps of the log are skipped");
    assert.deepEqual(play([{ type: "commit-due" }], first.progress).commands, [], "one commit at a time");
    const done = play([{ type: "committed", commits: [{ ...of, offset: 15n }] }], first.progress).progress;
    assert.deepEqual([only(done).committed, lagOf(only(done)), only(done).end], [15n, 185n, 200n]);
    assert.deepEqual(play([{ type: "commit-due" }], done).commands, []);
    const failed = play([{ type: "commit-failed", commits: [{ ...of, offset: 15n }] }, { type: "commit-due" }], first.progress);
    assert.equal(failed.commands.length, 1, "what failed is committed again");
  });

  it("takes nothing twice and nothing from before where it is", () => {
    const { progress, of } = begun();
    const fetched: ProgressEvent = { type: "fetched", of, from: 10n, offsets: [8n, 9n, 10n], next: 11n, end: 100n };
    const once = play([fetched], progress);
    assert.deepEqual(once.commands, [{ type: "work", of, offsets: [10n] }]);
    assert.deepEqual(play([fetched], once.progress).commands, []);
    assert.deepEqual(play([{ ...fetched, of: { ...of, term: 7 } }], progress).commands, []);
  });

  it("goes on where it is when the group gives it the same partition in the very next generation", () => {
    const { progress, of } = begun();
    const busy = play([{ type: "fetched", of, from: 10n, offsets: [10n], next: 11n, end: 100n }], progress).progress;
    const kept = play([{ type: "assigned", generation: 2, places: [place, { ...place, partition: 1 }] }], busy);
    assert.deepEqual(kept.commands, [
      { type: "keep", terms: [of] },
      { type: "locate", terms: [{ ...place, partition: 1, term: 2 }] },
    ]);
    assert.deepEqual(only(kept.progress), only(busy));
    const missed = play([{ type: "assigned", generation: 3, places: [place] }], busy);
    assert.deepEqual(missed.commands, [
      { type: "keep", terms: [] },
      { type: "locate", terms: [{ ...place, term: 2 }] },
    ]);
  });

  it("what ends late of an earlier assignment changes nothing", () => {
    const { progress, of } = begun();
    const busy = play([{ type: "fetched", of, from: 10n, offsets: [10n], next: 11n, end: 100n }], progress).progress;
    const lost = play([{ type: "lost" }], busy);
    assert.deepEqual(lost.commands, [{ type: "keep", terms: [] }]);
    const again = { ...place, term: 2 };
    const back = play(
      [
        { type: "assigned", generation: 9, places: [place] },
        { type: "located", starts: [{ ...of, offset: 99n, committed: 99n, end: 100n }] },
        { type: "located", starts: [{ ...again, offset: 10n, committed: 10n, end: 100n }] },
        { type: "fetched", of: again, from: 10n, offsets: [10n], next: 11n, end: 100n },
      ],
      lost.progress,
    ).progress;
    const late = play(
      [
        { type: "durable", of, offset: 10n },
        { type: "committed", commits: [{ ...of, offset: 50n }] },
        { type: "expired", of, from: 11n, start: 40n },
      ],
      back,
    );
    assert.deepEqual(late.progress, back);
  });

  it("is caught up when all that was there at the start is committed, and commits a first position at once", () => {
    const of = { ...place, term: 1 };
    const empty = play([
      { type: "assigned", generation: 1, places: [place] },
      { type: "located", starts: [{ ...of, offset: 0n, committed: -1n, end: 0n }] },
    ]).progress;
    assert.equal(isCaughtUp(noProgress), false);
    assert.equal(isCaughtUp(empty), false);
    const due = play([{ type: "commit-due" }], empty);
    assert.deepEqual(due.commands, [{ type: "commit", commits: [{ ...of, offset: 0n }] }]);
    const done = play([{ type: "committed", commits: [{ ...of, offset: 0n }] }], due.progress).progress;
    assert.equal(isCaughtUp(done), true);
    assert.equal(
      isCaughtUp(play([{ type: "ends", ends: [{ ...place, end: 5n }] }], done).progress),
      true,
      "what comes later does not count",
    );
    assert.equal(isCaughtUp(play([{ type: "assigned", generation: 2, places: [{ ...place, partition: 3 }] }], done).progress), false);
  });

  it("goes on after what retention took", () => {
    const { progress, of } = begun();
    const { progress: after } = play([{ type: "expired", of, from: 10n, start: 40n }], progress);
    assert.deepEqual([only(after).position, committable(only(after))], [40n, 40n]);
    const anew = play([{ type: "expired", of, from: 10n, start: 0n }, { type: "commit-due" }], progress);
    assert.deepEqual(anew.commands, [{ type: "commit", commits: [{ ...of, offset: 0n }] }], "a log made anew is committed from its start");
  });

  /** A broker with one partition, a group whose members come and go, and writes that end in any order. */
  it("for any order of things: no commit beyond what is durable, none goes back, and all is committed in the end", () => {
    const steps = fc.array(
      fc.oneof(
        {
          weight: 4,
          arbitrary: fc.record({
            do: fc.constant("fetch" as const),
            count: fc.integer({ min: 0, max: 5 }),
            gap: fc.integer({ min: 0, max: 2 }),
          }),
        },
        { weight: 8, arbitrary: fc.record({ do: fc.constant("finish" as const), which: fc.nat() }) },
        { weight: 3, arbitrary: fc.record({ do: fc.constant("commit" as const), works: fc.boolean() }) },
        { weight: 1, arbitrary: fc.record({ do: fc.constant("rebalance" as const), away: fc.boolean(), skips: fc.boolean() }) },
        { weight: 1, arbitrary: fc.record({ do: fc.constant("lose" as const) }) },
      ),
      { maxLength: 80 },
    );
    fc.assert(
      fc.property(steps, (doings) => {
        const world = { progress: noProgress, generation: 0, committed: -1n, next: 0n };
        const durable = new Set<bigint>();
        const existing = new Set<bigint>();
        let working: { of: Term; offset: bigint }[] = [];
        let sent: Commit[] = [];
        const send = (event: ProgressEvent): void => {
          const step = advance(world.progress, event);
          world.progress = step.progress;
          for (const command of step.commands) {
            if (command.type === "work") working.push(...command.offsets.map((offset) => ({ of: command.of, offset })));
            if (command.type === "commit") sent.push(...command.commits);
            if (command.type === "keep") {
              // What is begun may still finish, what is not is dropped: here the latter half.
              const kept = new Set(command.terms.map(({ term }) => term));
              working = working.filter(({ of }, index) => kept.has(of.term) || index % 2 === 0);
            }
            if (command.type === "locate") {
              const offset = world.committed < 0n ? 0n : world.committed;
              send({
                type: "located",
                starts: command.terms.map((term) => Object.assign({ offset, committed: world.committed, end: world.next }, term)),
              });
            }
          }
        };
        const join = (skips: boolean, away: boolean): void => {
          world.generation += skips ? 2 : 1;
          send({ type: "assigned", generation: world.generation, places: away ? [] : [place] });
        };
        const answer = (works: boolean): void => {
          const commits = sent;
          sent = [];
          for (const { offset } of works ? commits : []) {
            for (const one of existing) assert.ok(one >= offset || durable.has(one), `${offset} is committed, ${one} is not durable`);
            assert.ok(offset >= world.committed, "a commit goes back");
            world.committed = offset;
          }
          send({ type: works ? "committed" : "commit-failed", commits });
        };
        const fetch = (count: number, gap: number): void => {
          const partition = world.progress.partitions.get(keyOf(place));
          if (partition === undefined) return;
          for (let made = 0; made < count; made += 1) existing.add((world.next += BigInt(gap) + 1n) - 1n);
          const offsets = [...existing].filter((offset) => offset >= partition.position).slice(0, 4);
          const next = offsets.length === 0 ? partition.position : offsets.at(-1)! + 1n;
          send({ type: "fetched", of: partition, from: partition.position, offsets, next, end: world.next });
        };
        const finish = (which: number): void => {
          const [done] = working.splice(which % Math.max(1, working.length), 1);
          if (done === undefined) return;
          durable.add(done.offset);
          send({ type: "durable", ...done });
        };
        join(false, false);
        for (const one of doings) {
          if (one.do === "fetch") fetch(one.count, one.gap);
          else if (one.do === "finish") finish(one.which);
          else if (one.do === "lose") {
            answer(false);
            send({ type: "lost" });
            join(true, false);
          } else if (one.do === "rebalance") {
            answer(false);
            join(one.skips, one.away);
          } else {
            send({ type: "commit-due" });
            answer(one.works);
          }
        }
        answer(false);
        join(true, false);
        for (let round = 0; round < 200; round += 1) {
          fetch(0, 0);
          while (working.length > 0) finish(round);
          send({ type: "commit-due" });
          answer(true);
        }
        assert.ok(
          [...existing].every((offset) => durable.has(offset) && offset < world.committed),
          "something is left",
        );
      }),
      { numRuns: 300 },
    );
  });
});
