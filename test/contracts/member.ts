import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { codeOf } from "../../core/errors.ts";
import type { FetchFrom, Fetched, Join, Member, MemberListener } from "../../ingest/kafka/member.ts";
import type { Place, Term } from "../../ingest/kafka/progress.ts";

/** A topic `photos` of two partitions, new for each test, and a group that has committed nothing. */
export interface MemberWorld extends AsyncDisposable {
  join: Join;
  produce(partition: number, values: (Uint8Array | undefined)[]): Promise<void>;
  /** Deletes what lies before the offset. */
  expire(partition: number, before: bigint): Promise<void>;
}

interface Joined extends AsyncDisposable {
  member: Member;
  heard: ({ generation: number; places: Place[] } | "rebalancing" | { failed: unknown })[];
  /** The assignment after the first `seen` things heard. */
  assignedAfter(seen: number): Promise<{ generation: number; places: Place[] }>;
}

const never = new AbortController().signal;

async function joined(world: MemberWorld, onRebalancing: (member: Member) => void = () => undefined): Promise<Joined> {
  const heard: Joined["heard"] = [];
  const listener: MemberListener = {
    assigned: (generation, places) => heard.push({ generation, places }),
    rebalancing: () => {
      heard.push("rebalancing");
      if (member !== undefined) onRebalancing(member);
    },
    failed: (error) => heard.push({ failed: error }),
  };
  const joining = async (): Promise<Member> => {
    for (;;) {
      try {
        return await world.join(listener, never);
      } catch (error) {
        // A cluster that has just been started is not ready for groups.
        if (codeOf(error) !== "KAFKA_UNAVAILABLE") throw error;
        await delay(200);
      }
    }
  };
  let member: Member | undefined;
  const own = (member = await joining());
  return {
    member: own,
    heard,
    assignedAfter: async (seen) => {
      for (;;) {
        const found = heard.slice(seen).findLast((one) => typeof one === "object" && "places" in one);
        if (found !== undefined) return found;
        await delay(20);
      }
    },
    [Symbol.asyncDispose]: async () => own[Symbol.asyncDispose](),
  };
}

function partitionsOf(places: Place[]): number[] {
  return places.map(({ partition }) => partition).sort((a, b) => a - b);
}

/** What the first fetch with something in it says of one partition. */
async function fetchOne(member: Member, from: FetchFrom): Promise<Fetched> {
  for (;;) {
    const [[broker, places]] = [...(await member.leaders([from]))] as [[number, FetchFrom[]]];
    const [fetched] = await member.fetch(broker, places);
    if (fetched !== undefined && (!("messages" in fetched) || fetched.messages.length > 0)) return fetched;
  }
}

/** Holds every implementation of `Join` and `Member` to their contract. */
export function memberContract(create: () => Promise<MemberWorld>): void {
  let world: MemberWorld;
  beforeEach(async () => {
    world = await create();
  });
  afterEach(async () => world[Symbol.asyncDispose]());

  const of = (partition: number): Term => ({ topic: "photos", partition, term: 1 });

  it("is given all partitions when it is alone, and starts where the log does until it has committed", async () => {
    await world.produce(0, [Buffer.from("a"), Buffer.from("b"), undefined]);
    await using alone = await joined(world);
    const { places } = await alone.assignedAfter(0);
    assert.deepEqual(partitionsOf(places), [0, 1]);
    const starts = await alone.member.locate([of(0), of(1)]);
    assert.deepEqual(starts, [
      { ...of(0), offset: 0n, committed: -1n, end: 3n },
      { ...of(1), offset: 0n, committed: -1n, end: 0n },
    ]);
    await alone.member.commit([{ ...of(0), offset: 2n }]);
    assert.deepEqual(await alone.member.locate([of(0)]), [{ ...of(0), offset: 2n, committed: 2n, end: 3n }]);
    const ends = await alone.member.ends();
    assert.deepEqual(
      ends.sort((a, b) => a.partition - b.partition),
      [0, 1].map((partition) => ({ topic: "photos", partition, end: partition === 0 ? 3n : 0n })),
    );
  });

  it("fetches from where it is asked to, in the order of the log, and says where to go on", async () => {
    await world.produce(1, [Buffer.from("a"), Buffer.from("b"), undefined]);
    await using alone = await joined(world);
    await alone.assignedAfter(0);
    const fetched = await fetchOne(alone.member, { ...of(1), position: 1n });
    assert.ok("messages" in fetched);
    assert.deepEqual(
      fetched.messages.map(({ offset, value }) => [offset, value === undefined ? undefined : Buffer.from(value).toString()]),
      [
        [1n, "b"],
        [2n, undefined],
      ],
    );
    assert.deepEqual([fetched.of, fetched.from, fetched.next, fetched.end], [of(1), 1n, 3n, 3n]);
    const [[broker, places]] = [...(await alone.member.leaders([{ ...of(1), position: 3n }]))] as [[number, FetchFrom[]]];
    const nothing = await alone.member.fetch(broker, places);
    assert.ok(nothing.every((one) => "messages" in one && one.messages.length === 0 && one.next === 3n));
  });

  it("says where the log starts when what is asked for is gone", async () => {
    await world.produce(
      0,
      Array.from({ length: 5 }, (_, index) => Buffer.from(`${index}`)),
    );
    await world.expire(0, 3n);
    await using alone = await joined(world);
    await alone.assignedAfter(0);
    assert.deepEqual(await fetchOne(alone.member, { ...of(0), position: 1n }), { of: of(0), from: 1n, start: 3n });
  });

  it("shares with others: a commit at the last moment counts, and who has left commits nothing more", async () => {
    await world.produce(0, [Buffer.from("a"), Buffer.from("b")]);
    let last: Promise<void> | undefined;
    await using first = await joined(world, (member) => {
      last = member.commit([{ ...of(0), offset: 1n }]);
    });
    const before = await first.assignedAfter(0);
    const seen = first.heard.length;
    await using second = await joined(world);
    const [mine, theirs] = [await first.assignedAfter(seen), await second.assignedAfter(0)];
    assert.ok(mine.generation > before.generation);
    assert.equal(mine.generation, theirs.generation);
    assert.deepEqual(partitionsOf([...mine.places, ...theirs.places]), [0, 1]);
    assert.ok(first.heard.slice(seen).includes("rebalancing"));
    await last;

    const heardBefore = second.heard.length;
    await first.member[Symbol.asyncDispose]();
    await assert.rejects(first.member.commit([{ ...of(0), offset: 2n }]), { code: "KAFKA_UNAVAILABLE" });
    const { places } = await second.assignedAfter(heardBefore);
    assert.equal(places.length, 2, "who leaves is not waited for");
    assert.equal((await second.member.locate([of(0)]))[0]!.committed, 1n);
  });

  it("ends soon when it is told to while it joins", async () => {
    const reason = new Error("enough");
    const listener = { assigned: () => undefined, rebalancing: () => undefined, failed: () => undefined };
    await assert.rejects(world.join(listener, AbortSignal.abort(reason)));
  });
}
