import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { Producer } from "@platformatic/kafka";
import { systemClock, systemRandom } from "../../../core/clock.ts";
import { gcsStore } from "../../../storage/gcs.ts";
import type { ObjectStore } from "../../../storage/store.ts";
import { listAll } from "../../contracts/store.ts";
import { imagemill, lastLine, startImagemill, type Answer } from "../../e2e/imagemill.ts";
import { startGcsProxy, type GcsProxy } from "../../servers/gcs-proxy.ts";
import { startKafka, type KafkaServer } from "../../servers/kafka.ts";

export interface Produced {
  partition: number;
  /** Absent: a tombstone. */
  value?: Uint8Array;
  key?: string;
  headers?: Record<string, string>;
}

export interface Consumer {
  readonly process: ChildProcess;
  /** What it answered, when it has ended. */
  ended: Promise<Answer>;
  stop(signal: NodeJS.Signals): Promise<Answer>;
}

/** A broker, a bucket `photos-in` and a folder to call the command line in. */
export interface KafkaWorld extends AsyncDisposable {
  kafka: KafkaServer;
  gcs: GcsProxy;
  bucket: ObjectStore;
  environment: NodeJS.ProcessEnv;
  produce(topic: string, messages: Produced[]): Promise<void>;
  /** In one transaction. */
  produceInTransaction(topic: string, messages: Produced[], end: "commit" | "abort"): Promise<void>;
  /** `imagemill ingest kafka` into a prefix called like the topic, to its end; its last line where that is asked for. */
  ingest(topic: string, ...args: string[]): Promise<Answer>;
  start(topic: string, ...args: string[]): Consumer;
  /** Name below the topic's prefix -> SHA-256. */
  objects(topic: string): Promise<Map<string, string>>;
  /** Waits until the topic's prefix holds so many objects. */
  untilThere(topic: string, count: number): Promise<void>;
}

export async function startKafkaWorld(): Promise<KafkaWorld> {
  await using started = new AsyncDisposableStack();
  const cwd = await mkdtemp(join(tmpdir(), "imagemill-ingest-kafka-"));
  started.defer(async () => rm(cwd, { recursive: true }));
  const [kafka, gcs] = [started.use(await startKafka()), started.use(await startGcsProxy())];
  await gcs.createBucket("photos-in");
  const bucket = gcsStore({ bucket: "photos-in", prefix: "", endpoint: gcs.endpoint, clock: systemClock, random: systemRandom });
  started.defer(async () => bucket.close());
  const environment: NodeJS.ProcessEnv = {};
  const children = new Set<ChildProcess>();
  started.defer(() => {
    for (const child of children) child.kill("SIGKILL");
  });
  const argsOf = (topic: string, args: string[]): string[] => {
    const brokers = args.includes("--brokers") ? [] : ["--brokers", kafka.brokers];
    const places = ["--to", `gs://photos-in/${topic}`, "--dead-letters", `gs://photos-in/dead/${topic}`];
    const settings = ["--set", `google.endpoints.storage=${gcs.endpoint}`, "--set", "kafka.sessionTimeoutMs=3s"];
    return ["ingest", "kafka", "--topic", topic, "--group", topic, ...brokers, ...places, ...settings, ...args];
  };
  const objects = async (topic: string): Promise<Map<string, string>> => {
    const { names } = await listAll(bucket, { prefix: `${topic}/` });
    const found = new Map<string, string>();
    for (const name of names) found.set(name.slice(topic.length + 1), sha256((await bucket.read(name)).bytes));
    return found;
  };
  const stack = started.move();
  return {
    kafka,
    gcs,
    bucket,
    environment,
    objects,
    produce: async (topic, messages) => produce(kafka.brokers, topic, messages),
    produceInTransaction: async (topic, messages, end) => produceInTransaction(kafka.brokers, topic, messages, end),
    ingest: async (topic, ...args) => imagemill({ cwd, environment }, ...argsOf(topic, args)),
    start: (topic, ...args) => {
      const child = startImagemill({ cwd, environment }, ...argsOf(topic, args));
      children.add(child);
      const exited = new Promise<number | null>((resolve) => child.on("close", resolve));
      const ended = Promise.all([text(child.stdout), text(child.stderr), exited]).then(([out, err, code]) => ({ out, err, code }));
      const stop = async (signal: NodeJS.Signals): Promise<Answer> => {
        child.kill(signal);
        return ended;
      };
      return { process: child, ended, stop };
    },
    untilThere: async (topic, count) => {
      while ((await listAll(bucket, { prefix: `${topic}/` })).names.length < count) await delay(50);
    },
    [Symbol.asyncDispose]: async () => stack.disposeAsync(),
  };
}

export async function produce(brokers: string, topic: string, messages: Produced[]): Promise<void> {
  const producer = new Producer({ clientId: "test", bootstrapBrokers: [brokers] });
  try {
    for (let at = 0; at < messages.length; at += 50) {
      await producer.send({ messages: messages.slice(at, at + 50).map((message) => toSend(topic, message)), acks: -1 });
    }
  } finally {
    await producer.close();
  }
}

async function produceInTransaction(brokers: string, topic: string, messages: Produced[], end: "commit" | "abort"): Promise<void> {
  const producer = new Producer({ clientId: "test", bootstrapBrokers: [brokers], transactionalId: `${topic}-test`, idempotent: true });
  try {
    const transaction = await producer.beginTransaction();
    await transaction.send({ messages: messages.map((message) => toSend(topic, message)), acks: -1 });
    await transaction[end]();
  } finally {
    await producer.close();
  }
}

function toSend(topic: string, { partition, value, key, headers = {} }: Produced) {
  const written = Object.entries(headers).map(([name, said]): [Buffer, Buffer] => [Buffer.from(name), Buffer.from(said)]);
  return { topic, partition, value: value as Buffer, key: Buffer.from(key ?? ""), headers: new Map(written) };
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

export function summaryOf(answer: Answer): Record<string, unknown> {
  assert.equal(answer.code, 0, answer.err);
  return lastLine(answer.out);
}
