/**
 * How much of what the bare clients reach ingestion from Kafka reaches:
 *   node benchmarks/kafka.ts [--messages 1000] [--size 100000] [--concurrency 32] [--repetitions 3]
 * All consume the same topic of three partitions from its start, each time as a new group, and upload each message; broker
 * and bucket are real servers on this machine and share its cores. The first round warms up.
 */
import { randomBytes } from "node:crypto";
import { EventEmitter } from "node:events";
import { parseArgs } from "node:util";
import { Consumer, Producer } from "@platformatic/kafka";
import { systemClock, systemRandom } from "../core/clock.ts";
import { silentLogger } from "../core/log.ts";
import { inParallel } from "../core/parallel.ts";
import { kafkaJoin } from "../ingest/kafka/client.ts";
import { consume } from "../ingest/kafka/consume.ts";
import { objectSink } from "../ingest/kafka/sink.ts";
import { gcsClient } from "../storage/gcs-client.ts";
import { openStore } from "../storage/open.ts";
import { startGcs } from "../test/servers/gcs.ts";
import { startKafka } from "../test/servers/kafka.ts";
import { median, range, round3 } from "./statistics.ts";

const topic = "photos";
const partitions = 3;

interface Load {
  messages: number;
  sizeBytes: number;
  concurrency: number;
  repetitions: number;
}

/** Takes every message of the topic into objects under the prefix. */
interface Contender {
  name: string;
  take(prefix: string): Promise<void>;
}

type Upload = (name: string, bytes: Buffer) => Promise<unknown>;

/** What anybody would write first: the client's stream, as many uploads at once, commits by the client. */
function bare(name: string, brokers: string, load: Load, upload: (prefix: string) => Promise<Upload>): Contender {
  return {
    name,
    take: async (prefix) => {
      const put = await upload(prefix);
      const consumer = new Consumer({ clientId: "bare", groupId: prefix, bootstrapBrokers: [brokers], autocommit: 1000 });
      const stream = await consumer.consume({ topics: [topic], mode: "earliest", maxWaitTime: 500 });
      await inParallel(firstOf(stream, load.messages), load.concurrency, async ({ partition, offset, value }) => {
        await put(`${topic}/${partition}/${offset}.jpg`, value);
      });
      await consumer.close(true);
    },
  };
}

async function* firstOf<T>(all: AsyncIterable<T>, count: number): AsyncGenerator<T> {
  let taken = 0;
  for await (const one of all) {
    yield one;
    taken += 1;
    if (taken === count) return;
  }
}

async function compare(load: Load): Promise<void> {
  await using servers = new AsyncDisposableStack();
  const [kafka, gcs] = [servers.use(await startKafka()), servers.use(await startGcs())];
  await kafka.createTopic(topic, partitions);
  await fill(kafka.brokers, load);
  const client = await gcsClient(gcs.endpoint);
  await client.createBucket("bench");
  // Google's client leaves listeners behind, more than Node is used to.
  EventEmitter.defaultMaxListeners = 0;
  const shared = { log: silentLogger, clock: systemClock, random: systemRandom };
  const open = async (prefix: string) =>
    openStore(`gs://bench/${prefix}`, { ...shared, attempts: 6, concurrency: 32, endpoint: gcs.endpoint });

  const ours: Contender = {
    name: "imagemill",
    take: async (prefix) => {
      const to = await open(prefix);
      const fetchBytes = 16 * 2 ** 20;
      const join = {
        brokers: [kafka.brokers],
        topics: [topic],
        group: prefix,
        from: "earliest",
        sessionTimeoutMs: 20_000,
        fetchBytes,
      } as const;
      const totals = await consume({
        join: kafkaJoin({ ...join, brokers: [...join.brokers], topics: [...join.topics], clock: systemClock }),
        sink: objectSink({ to, deadLetters: to, rules: { maxObjectBytes: 2 ** 28, spread: false } }),
        concurrency: load.concurrency,
        bufferBytes: 16 * fetchBytes,
        fetchBytes,
        commitEveryMs: 1000,
        stopTimeoutMs: 30_000,
        untilCaughtUp: true,
        signal: new AbortController().signal,
        say: (text) => process.stderr.write(`${text}\n`),
        ...shared,
      });
      if (totals.created !== load.messages) throw new Error(`${totals.created} of ${load.messages} messages became objects`);
    },
  };
  const bothBare = bare("bare clients", kafka.brokers, load, async (prefix) => {
    const bucket = client.bucket("bench");
    return async (name, bytes) =>
      bucket
        .file(`${prefix}/${name}`)
        .save(bytes, { resumable: false, contentType: "image/jpeg", validation: "crc32c", preconditionOpts: { ifGenerationMatch: 0 } });
  });
  const ourStore = bare("bare Kafka client, our store", kafka.brokers, load, async (prefix) => {
    const to = await open(prefix);
    return async (name, bytes) => to.write(name, bytes, { ifGeneration: "0", contentType: "image/jpeg" });
  });
  const contenders = [ours, bothBare, ourStore];
  const [seconds, cpuMs] = [contenders.map((): number[] => []), contenders.map((): number[] => [])];
  for (let repetition = -1; repetition < load.repetitions; repetition += 1) {
    // In turn, each first once: whatever else the machine does meets all.
    for (let turn = 0; turn < contenders.length; turn += 1) {
      const index = (turn + repetition + 1) % contenders.length;
      const [started, usedBefore] = [performance.now(), process.cpuUsage()];
      await contenders[index]!.take(`r${repetition + 1}c${index}`);
      const { user, system } = process.cpuUsage(usedBefore);
      if (repetition < 0) continue;
      seconds[index]!.push((performance.now() - started) / 1000);
      cpuMs[index]!.push((user + system) / 1000 / load.messages);
    }
  }
  const { messages, sizeBytes, concurrency, repetitions } = load;
  console.log(`${messages} messages of ${sizeBytes} bytes, ${concurrency} uploads at once; median (lowest-highest) of ${repetitions}`);
  console.log("from connecting to having left the group");
  const rates = seconds.map((of) => of.map((one) => messages / one));
  console.table(
    contenders.map(({ name }, index) => ({
      contender: name,
      "messages/s": `${round3(median(rates[index]!))} (${range(rates[index]!).map(round3).join("-")})`,
      "CPU ms a message": round3(median(cpuMs[index]!)),
      "imagemill to it": round3(median(rates[0]!) / median(rates[index]!)),
    })),
  );
}

/** Random bytes that pass for JPEGs. */
async function fill(brokers: string, { messages, sizeBytes }: Load): Promise<void> {
  const producer = new Producer({ clientId: "bench", bootstrapBrokers: [brokers] });
  const step = Math.max(1, Math.floor(500_000 / sizeBytes));
  for (let at = 0; at < messages; at += step) {
    const some = Array.from({ length: Math.min(step, messages - at) }, (_, index) => ({
      topic,
      partition: (at + index) % partitions,
      value: Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), randomBytes(sizeBytes - 4)]),
    }));
    await producer.send({ messages: some, acks: -1 });
  }
  await producer.close();
}

const { values } = parseArgs({
  options: {
    messages: { type: "string", default: "1000" },
    size: { type: "string", default: "100000" },
    concurrency: { type: "string", default: "32" },
    repetitions: { type: "string", default: "3" },
  },
});
await compare({
  messages: Number(values.messages),
  sizeBytes: Number(values.size),
  concurrency: Number(values.concurrency),
  repetitions: Number(values.repetitions),
});
