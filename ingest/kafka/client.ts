import { ConnectionPool, Consumer, FetchIsolationLevels, ListOffsetTimestamps } from "@platformatic/kafka";
import type { ConnectionOptions, GroupAssignment } from "@platformatic/kafka";
import { waitAtMost, type Clock } from "../../core/clock.ts";
import { ImagemillError } from "../../core/errors.ts";
import type { Fetched, Join, Member, MemberListener } from "./member.ts";
import { isProtocolError, kafkaError } from "./problems.ts";
import { keyOf, type Place, type Start, type Term } from "./progress.ts";
import { readPartition } from "./records.ts";

export interface ClientOptions {
  brokers: string[];
  topics: string[];
  group: string;
  /** Where a group begins that has committed nothing. */
  from: "earliest" | "latest";
  sessionTimeoutMs: number;
  /** Of one answer; a larger message comes alone all the same. */
  fetchBytes: number;
  tls?: ConnectionOptions["tls"];
  sasl?: ConnectionOptions["sasl"];
  clock: Clock;
}

const clientId = "imagemill";
/** A broker waits this long for something new. */
const fetchWaitMs = 500;
const connectTimeoutMs = 5000;
/** The group waits this long for a member that is busy. */
const leastRebalanceTimeoutMs = 20_000;
const metadataMaxAgeMs = 60_000;
const leaveTimeoutMs = 5000;
const joinTries = 20;
const joinPauseMs = 300;

/** A member of a consumer group of the classic protocol, which every cluster speaks. */
export function kafkaJoin(options: ClientOptions): Join {
  return async (listener, signal) => {
    const { topics, sessionTimeoutMs, fetchBytes } = options;
    const rebalanceTimeoutMs = Math.max(sessionTimeoutMs, leastRebalanceTimeoutMs);
    const connection: ConnectionOptions = {
      connectTimeout: connectTimeoutMs,
      requestTimeout: rebalanceTimeoutMs + 10_000,
      ...(options.tls !== undefined && { tls: options.tls }),
      ...(options.sasl !== undefined && { sasl: options.sasl }),
    };
    const consumer = new Consumer({
      clientId,
      groupId: options.group,
      bootstrapBrokers: options.brokers,
      // Retries are the caller's. A commit that the client retried after a rebalance would also be one of a former owner.
      retries: 0,
      autocommit: false,
      sessionTimeout: sessionTimeoutMs,
      rebalanceTimeout: rebalanceTimeoutMs,
      heartbeatInterval: Math.min(3000, Math.floor(sessionTimeoutMs / 4)),
      isolationLevel: FetchIsolationLevels.READ_COMMITTED,
      maxBytes: fetchBytes,
      maxWaitTime: fetchWaitMs,
      metadataMaxAge: metadataMaxAgeMs,
      ...connection,
    });
    // A broker answers one request of a connection after the other: a fetch that waits must not hold up heartbeats.
    const fetches = new ConnectionPool(clientId, connection);
    const membership = listenTo(consumer, listener, options.clock);
    const close = async (): Promise<void> => {
      membership.end();
      await waitAtMost(options.clock, leaveTimeoutMs, consumer.close(true));
      await waitAtMost(options.clock, leaveTimeoutMs, Promise.all([consumer.connections.close(), fetches.close()]));
    };
    try {
      signal.throwIfAborted();
      consumer.topics.trackAll(...topics);
      await Promise.race([membership.join(), whenAborted(signal)]);
      const partitionCount = partitionsOf(await consumer.metadata({ topics }), topics).length;
      return memberOf({ consumer, fetches, options, close, listener, partitionCount });
    } catch (error) {
      await close();
      throw kafkaError(error);
    }
  };
}

/** What the client says of the group, in our words. */
function listenTo(consumer: Consumer, listener: MemberListener, clock: Clock): { join(): Promise<void>; end(): void } {
  let ended = false;
  const join = async (): Promise<void> => {
    for (let tries = 1; ; tries += 1) {
      try {
        await consumer.joinGroup({});
        return;
      } catch (error) {
        // Others join or leave at the same moment.
        const unsettled = isProtocolError(error, "REBALANCE_IN_PROGRESS", "UNKNOWN_MEMBER_ID", "ILLEGAL_GENERATION", "MEMBER_ID_REQUIRED");
        if (!unsettled || tries === joinTries || ended) throw error;
        await clock.sleep(joinPauseMs);
      }
    }
  };
  const failed = (error: unknown): void => {
    if (!ended) listener.failed(kafkaError(error));
  };
  consumer.on("consumer:group:join", ({ generationId, assignments }) => {
    if (!ended) listener.assigned(generationId ?? 0, placesOf(assignments ?? []));
  });
  consumer.on("consumer:group:rebalance", () => {
    if (!ended) listener.rebalancing();
  });
  // The client joins again by itself when a heartbeat says so; it gives up where others are doing the same.
  (consumer as unknown as NodeJS.EventEmitter).on("error", () => {
    if (!ended) join().catch(failed);
  });
  consumer.on("consumer:heartbeat:stalled", ({ lastError }) => failed(lastError ?? new Error("the group coordinator does not answer")));
  return {
    join,
    end: () => {
      ended = true;
    },
  };
}

function placesOf(assignments: GroupAssignment[]): Place[] {
  return assignments.flatMap(({ topic, partitions }) => partitions.map((partition) => ({ topic, partition })));
}

interface MemberParts {
  consumer: Consumer;
  fetches: ConnectionPool;
  options: ClientOptions;
  listener: MemberListener;
  /** Of all topics, when the group was joined. */
  partitionCount: number;
  close(): Promise<void>;
}

function memberOf({ consumer, fetches, options, listener, close, partitionCount }: MemberParts): Member {
  const { topics, fetchBytes } = options;
  const earliest = async (place: Place): Promise<bigint> =>
    offsetsAt(consumer, [place], ListOffsetTimestamps.EARLIEST).then((found) => found(place));
  const member: Omit<Member, typeof Symbol.asyncDispose> = {
    locate: async (terms) => {
      const [first, end, committed] = await Promise.all([
        offsetsAt(consumer, terms, options.from === "earliest" ? ListOffsetTimestamps.EARLIEST : ListOffsetTimestamps.LATEST),
        offsetsAt(consumer, terms, ListOffsetTimestamps.LATEST),
        committedOffsets(consumer, terms),
      ]);
      return terms.map((term): Start => {
        const known = committed(term);
        return { ...term, offset: known ?? first(term), committed: known ?? -1n, end: end(term) };
      });
    },
    ends: async () => {
      const all = partitionsOf(await consumer.metadata({ topics, forceUpdate: true }), topics);
      if (all.length !== partitionCount) {
        // What was added is nobody's until the group is asked to share out again.
        listener.failed(new ImagemillError("KAFKA_UNAVAILABLE", `the topics have ${all.length} partitions now, not ${partitionCount}`));
      }
      const end = await offsetsAt(consumer, all, ListOffsetTimestamps.LATEST);
      return all.map(({ topic, partition }) => ({ topic, partition, end: end({ topic, partition }) }));
    },
    leaders: async (terms) => {
      const metadata = await consumer.metadata({ topics });
      const withLeader = terms.filter(({ topic, partition }) => (metadata.topics.get(topic)?.partitions[partition]?.leader ?? -1) >= 0);
      if (withLeader.length === 0 && terms.length > 0) throw new Error("no partition has a leader");
      return Map.groupBy(withLeader, ({ topic, partition }) => metadata.topics.get(topic)!.partitions[partition]!.leader);
    },
    fetch: async (broker, from) => {
      const metadata = await consumer.metadata({ topics });
      const ids = new Map(topics.map((topic) => [topic, metadata.topics.get(topic)!.id]));
      const asked = [...Map.groupBy(from, ({ topic }) => topic)].map(([topic, places]) => ({
        topicId: ids.get(topic)!,
        partitions: places.map(({ partition, position }) => ({
          partition,
          fetchOffset: position,
          partitionMaxBytes: fetchBytes,
          currentLeaderEpoch: -1,
          lastFetchedEpoch: -1,
        })),
      }));
      const answer = await fetchOnce(consumer, { node: broker, topics: asked, connectionPool: fetches });
      const placesById = new Map(from.map((one) => [`${ids.get(one.topic)!}:${one.partition}`, one]));
      const fetched: Fetched[] = [];
      for (const { topicId, partitions } of answer.responses) {
        for (const partition of partitions) {
          // A fetch session may still hold what was not asked for.
          const one = placesById.get(`${topicId}:${partition.partitionIndex}`);
          if (one === undefined) continue;
          const of: Term = { topic: one.topic, partition: one.partition, term: one.term };
          if (partition.errorCode === outOfRange) fetched.push({ of, from: one.position, start: await earliest(one) });
          else if (partition.errorCode === 0) {
            fetched.push({ of, from: one.position, end: partition.lastStableOffset, ...readPartition(one, one.position, partition) });
          }
        }
      }
      return fetched;
    },
    commit: async (commits) =>
      consumer.commit({ offsets: commits.map(({ topic, partition, offset }) => ({ topic, partition, offset, leaderEpoch: -1 })) }),
  };
  // The client would ask the brokers that it knows again, also where another leads a partition now.
  return { ...inOurWords(member, () => consumer.clearMetadata()), [Symbol.asyncDispose]: close };
}

/** `kafkaError` around each call. */
function inOurWords<T extends object>(calls: T, failed: () => void): T {
  const wrapped = Object.entries(calls).map(([name, call]) => [
    name,
    async (...args: unknown[]) => {
      try {
        return await (call as (...given: unknown[]) => Promise<unknown>)(...args);
      } catch (error) {
        failed();
        throw kafkaError(error);
      }
    },
  ]);
  return Object.fromEntries(wrapped) as T;
}

const outOfRange = 1;

type FetchResponse = Awaited<ReturnType<Consumer["fetch"]>>;

/** What one partition refuses does not keep the answers of the others back, and a session that is gone costs no pause. */
async function fetchOnce(consumer: Consumer, asked: Parameters<Consumer["fetch"]>[0]): Promise<FetchResponse> {
  try {
    return await consumer.fetch(asked);
  } catch (error) {
    // The broker forgets fetch sessions when it restarts or has too many; the client begins a new one.
    if (isProtocolError(error, "FETCH_SESSION_ID_NOT_FOUND", "INVALID_FETCH_SESSION_EPOCH")) return consumer.fetch(asked);
    const { response } = error as { response?: FetchResponse };
    if (response === undefined || !isProtocolError(error, "OFFSET_OUT_OF_RANGE")) throw error;
    return response;
  }
}

type Metadata = Awaited<ReturnType<Consumer["metadata"]>>;

function partitionsOf(metadata: Metadata, topics: string[]): Place[] {
  return topics.flatMap((topic) =>
    Array.from({ length: metadata.topics.get(topic)?.partitionsCount ?? 0 }, (_, partition) => ({ topic, partition })),
  );
}

type OffsetOf<T> = (place: Place) => T;

async function offsetsAt(consumer: Consumer, places: Place[], timestamp: bigint): Promise<OffsetOf<bigint>> {
  const found = await consumer.listOffsets({ topics: [...new Set(places.map(({ topic }) => topic))], timestamp });
  return ({ topic, partition }) => {
    const offset = found.get(topic)?.[partition];
    if (offset === undefined) throw new Error(`${keyOf({ topic, partition })} has no offsets`);
    return offset;
  };
}

async function committedOffsets(consumer: Consumer, places: Place[]): Promise<OffsetOf<bigint | undefined>> {
  const topics = [...Map.groupBy(places, ({ topic }) => topic)].map(([topic, of]) => ({
    topic,
    partitions: of.map(({ partition }) => partition),
  }));
  const found = await consumer.listCommittedOffsets({ topics });
  return ({ topic, partition }) => {
    const offset = found.get(topic)?.[partition];
    return offset === undefined || offset < 0n ? undefined : offset;
  };
}

async function whenAborted(signal: AbortSignal): Promise<never> {
  return new Promise<never>((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true }));
}
