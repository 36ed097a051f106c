import { setTimeout as delay } from "node:timers/promises";
import type { Clock } from "../../../core/clock.ts";
import { ImagemillError } from "../../../core/errors.ts";
import type { Join, Member, MemberListener } from "../../../ingest/kafka/member.ts";
import type { ImageMessage } from "../../../ingest/kafka/message.ts";
import { keyOf, type Place } from "../../../ingest/kafka/progress.ts";
import { messageOf } from "./messages.ts";

/** Time runs fifty times as fast. */
export const fastClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now() * 50,
  sleep: async (ms, signal) => {
    await delay(Math.min(ms / 50, 2 ** 31 - 1), undefined, signal === undefined ? {} : { signal });
  },
};

export type FakeCall = "join" | "locate" | "ends" | "leaders" | "fetch" | "commit";

export interface FakeCluster {
  join: Join;
  produce(partition: number, ...values: (Uint8Array | undefined)[]): void;
  /** Deletes what lies before the offset. */
  expire(partition: number, before: bigint): void;
  committed(partition: number): bigint | undefined;
  /** Every commit that was taken, in order. */
  readonly commits: { partition: number; offset: bigint; by: number }[];
  /** Asked before each call; the member is lost, or the call fails, with what it returns. */
  fault: (call: FakeCall, index: number) => "fails" | "member lost" | undefined;
  readonly calls: FakeCall[];
  readonly members: number;
}

interface Joined {
  id: number;
  listener: MemberListener;
  generation: number;
  places: Place[];
}

/** One topic and one group, in memory; the partitions lie on two brokers. */
export function fakeCluster(partitions: number): FakeCluster {
  const logs = Array.from({ length: partitions }, () => ({ messages: [] as ImageMessage[], start: 0n }));
  const committed = new Map<string, bigint>();
  const members = new Map<number, Joined>();
  let generation = 0;
  let ids = 0;
  const topic = "photos";
  const endOf = (partition: number): bigint => BigInt(logs[partition]!.messages.length);

  const rebalance = (): void => {
    generation += 1;
    const all = [...members.values()];
    for (const { listener } of all) listener.rebalancing();
    all.forEach((member, index) => {
      member.generation = generation;
      const mine = Array.from({ length: partitions }, (_, partition) => partition).filter((partition) => partition % all.length === index);
      member.places = mine.map((partition) => ({ topic, partition }));
      const [told, places] = [generation, member.places];
      queueMicrotask(() => members.has(member.id) && member.generation === told && member.listener.assigned(told, places));
    });
  };
  const leave = (id: number): void => {
    if (members.delete(id)) rebalance();
  };
  const unavailable = (what: string): ImagemillError => new ImagemillError("KAFKA_UNAVAILABLE", what);

  const enter = async (call: FakeCall, id: number): Promise<void> => {
    cluster.calls.push(call);
    const fault = cluster.fault(call, cluster.calls.length);
    await delay(0);
    if (fault === "member lost" && members.has(id)) {
      const { listener } = members.get(id)!;
      leave(id);
      listener.failed(unavailable("lost"));
    }
    if (fault !== undefined || (id >= 0 && !members.has(id))) throw unavailable(`injected into ${call}`);
  };

  const memberOf = (joined: Joined): Member => ({
    locate: async (terms) => {
      await enter("locate", joined.id);
      return terms.map((term) => {
        const known = committed.get(keyOf(term));
        return { ...term, offset: known ?? logs[term.partition]!.start, committed: known ?? -1n, end: endOf(term.partition) };
      });
    },
    ends: async () => {
      await enter("ends", joined.id);
      return logs.map((_, partition) => ({ topic, partition, end: endOf(partition) }));
    },
    leaders: async (terms) => {
      await enter("leaders", joined.id);
      return Map.groupBy(terms, ({ partition }) => partition % 2);
    },
    fetch: async (_broker, from) => {
      await enter("fetch", joined.id);
      if (from.every(({ partition, position }) => position >= endOf(partition))) await delay(2);
      return from.map(({ position, ...of }) => {
        const { messages, start } = logs[of.partition]!;
        if (position < start) return { of, from: position, start };
        const some = messages.slice(Number(position), Number(position) + 7);
        return { of, from: position, messages: some, next: position + BigInt(some.length), end: endOf(of.partition) };
      });
    },
    commit: async (commits) => {
      const entering = enter("commit", joined.id);
      // A broker takes what is sent before it has shared out anew, whenever it answers.
      const refused = cluster.fault("commit", cluster.calls.length) !== undefined || !members.has(joined.id);
      for (const { partition, offset, ...place } of refused ? [] : commits) {
        committed.set(keyOf({ ...place, partition }), offset);
        cluster.commits.push({ partition, offset, by: joined.id });
      }
      await entering;
    },
    [Symbol.asyncDispose]: async () => leave(joined.id),
  });

  const cluster: FakeCluster = {
    join: async (listener, signal) => {
      await enter("join", -1);
      signal.throwIfAborted();
      const joined: Joined = { id: (ids += 1), listener, generation: 0, places: [] };
      members.set(joined.id, joined);
      rebalance();
      return memberOf(joined);
    },
    produce: (partition, ...values) => {
      const { messages } = logs[partition]!;
      for (const value of values) messages.push(messageOf(value, { topic, partition, offset: BigInt(messages.length) }));
    },
    expire: (partition, before) => {
      logs[partition]!.start = before;
    },
    committed: (partition) => committed.get(keyOf({ topic, partition })),
    commits: [],
    calls: [],
    fault: () => undefined,
    get members() {
      return members.size;
    },
  };
  return cluster;
}
