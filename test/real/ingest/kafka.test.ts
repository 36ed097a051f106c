import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { jpegLike } from "../../ingest/images.ts";
import { orSkip } from "../../servers/install.ts";
import { freePort } from "../../servers/process.ts";
import { kafkaUser } from "../../servers/kafka.ts";
import { photo } from "../photos.ts";
import { sha256, startKafkaWorld, summaryOf, type KafkaWorld, type Produced } from "./kafka-world.ts";

const many = 1000;

/** Name of a message below the topic's prefix. */
function nameAt(topic: string, partition: number, offset: number): string {
  return `${topic}/${partition}/${String(offset).padStart(19, "0")}.jpg`;
}

/** What lies in the bucket is what was sent: each image once, whole, under its place in the log. */
async function assertAllThere(world: KafkaWorld, topic: string, sent: Produced[]): Promise<void> {
  const offsets = [0, 0, 0, 0];
  const expected = sent.map(({ partition, value }): [string, string] => [nameAt(topic, partition, offsets[partition]!++), sha256(value!)]);
  const found = await world.objects(topic);
  assert.equal(found.size, sent.length);
  for (const [name, digest] of expected) assert.equal(found.get(name), digest, name);
  const committed = await world.kafka.committed(topic, topic);
  for (const [partition, offset] of committed) assert.equal(offset, BigInt(offsets[partition]!), `partition ${partition}`);
}

function spread(values: Uint8Array[], partitions = 3): Produced[] {
  return values.map((value, index) => ({ partition: index % partitions, value }));
}

describe("imagemill ingest kafka", function () {
  this.timeout(180_000);
  this.slow(30_000);
  let world: KafkaWorld;
  let photos: Buffer[];

  before(async function () {
    this.timeout(15 * 60_000);
    world = await orSkip(this, "a Kafka broker and a Cloud Storage server", startKafkaWorld);
    photos = await Promise.all(
      Array.from({ length: many }, async (_, index) => Buffer.concat([await photo(index), Buffer.from(`#${index}`)])),
    );
  });
  afterEach(() => {
    if (world !== undefined) world.gcs.faults = () => undefined;
  });
  after(async () => world?.[Symbol.asyncDispose]());

  /** A topic of three partitions, filled. */
  const filled = async (topic: string, values: Uint8Array[]): Promise<Produced[]> => {
    await world.kafka.createTopic(topic, 3);
    const sent = spread(values);
    await world.produce(topic, sent);
    return sent;
  };
  /** Slows the bucket down, so that there is time for what happens meanwhile. */
  const slowBucket = (ms: number): void => {
    world.gcs.faults = async ({ op }) => {
      if (op === "write") await delay(ms);
      return undefined;
    };
  };

  it("brings 1,000 photographs into a bucket that answers with 503 now and then; again, nothing", async () => {
    const sent = await filled("photos", photos);
    let writes = 0;
    world.gcs.faults = ({ op }) =>
      op === "write" && ++writes % 10 === 0 ? { kind: "status", status: 503, when: writes % 20 === 0 ? "after" : "before" } : undefined;
    const summary = summaryOf(await world.ingest("photos", "--until-caught-up", "--json"));
    assert.deepEqual([summary["messages"], summary["created"], summary["dead"], summary["lag"]], [many, many, {}, 0]);
    await assertAllThere(world, "photos", sent);
    const stored = await world.bucket.stat(`photos/${nameAt("photos", 0, 0)}`);
    assert.deepEqual(
      [stored?.contentType, stored?.metadata?.["kafka-topic"], stored?.metadata?.["kafka-offset"]],
      ["image/jpeg", "photos", "0"],
    );
    const calls = world.gcs.calls.length;
    const again = await world.ingest("photos", "--until-caught-up");
    assert.equal(again.code, 0, again.err);
    assert.match(again.out, /took 0 messages .* from photos to gs:\/\/photos-in\/photos[\s\S]*created: 0; lag .*: 0/);
    assert.equal(world.gcs.calls.length, calls, "the bucket is not asked for anything");
  });

  it("one of two consumers killed: none is lost, none is there twice", async () => {
    const sent = await filled("killed", photos.slice(0, 600));
    // 32 writes a second and consumer, so that there is a middle to be killed in.
    slowBucket(1000);
    const victim = world.start("killed");
    await world.untilThere("killed", 30);
    const other = world.start("killed", "--json");
    while ((await world.kafka.members("killed")) < 2) await delay(50);
    const shared = world.gcs.calls.length;
    while (world.gcs.calls.length < shared + 64) await delay(50);
    const killed = await victim.stop("SIGKILL");
    assert.equal(killed.code, null);
    world.gcs.faults = () => undefined;
    await world.untilThere("killed", 600);
    // All is there; what the victim had not committed is delivered to the other one again.
    while ([...(await world.kafka.committed("killed", "killed")).values()].reduce((sum, offset) => sum + offset, 0n) < 600n)
      await delay(100);
    const summary = summaryOf(await other.stop("SIGTERM"));
    assert.ok(Number(summary["created"]) > 0 && Number(summary["created"]) < 600, JSON.stringify(summary));
    await assertAllThere(world, "killed", sent);
  });

  it("waits for a broker that is killed and comes back, and for a bucket that is out, and says so", async () => {
    const sent = await filled("outage", photos.slice(0, 400));
    slowBucket(60);
    const consumer = world.start("outage", "--json");
    await world.untilThere("outage", 60);
    await world.kafka.stop("kill");
    await delay(4000);
    await world.kafka.start();
    await world.produce("outage", spread(photos.slice(400, 460)));
    let out = 0;
    world.gcs.faults = ({ op }) => {
      if (op !== "write") return undefined;
      out ||= Date.now() + 4000;
      return Date.now() < out ? { kind: "status", status: 503, when: "before" } : undefined;
    };
    await world.untilThere("outage", 460);
    const answer = await consumer.stop("SIGTERM");
    const summary = summaryOf(answer);
    assert.ok(Number(summary["outages"]) >= 1, answer.out);
    assert.match(answer.out, /"notice":"the Kafka cluster does not answer/);
    assert.match(answer.out, /"notice":"the Kafka cluster answers again/);
    assert.match(answer.out, /"notice":"the bucket .* does not answer \(UNAVAILABLE/);
    await assertAllThere(world, "outage", [...sent, ...spread(photos.slice(400, 460))]);
  });

  it("keeps what is no image as dead letters with their reasons, and goes on", async () => {
    await world.kafka.createTopic("poison", 1, { "max.message.bytes": "3000000" });
    const named = (name: string, text: string): Produced => ({ partition: 0, value: jpegLike(text), headers: { "image-name": name } });
    const good = jpegLike("good");
    await world.produce("poison", [
      { partition: 0, value: Buffer.alloc(0) },
      { partition: 0, value: Buffer.from("hello, I am no image") },
      { partition: 0, key: "gone" },
      { partition: 0, value: jpegLike("over the limit", 2_000_000) },
      named("../../../etc/passwd", "climbs"),
      named("line\nbreak\u0000.jpg", "breaks"),
      named("users/1/cat.jpg", "cat"),
      named("users/1/cat.jpg", "dog"),
      named("users/1/cat.jpg", "cat"),
      { partition: 0, value: good, key: "k1", headers: { camera: "Höhe 1\r\nx: y" } },
    ]);
    const answer = await world.ingest("poison", "--until-caught-up", "--json", "--name-header", "image-name", "--max-bytes", "1MB");
    const summary = summaryOf(answer);
    assert.deepEqual(summary["dead"], { empty: 1, not_an_image: 1, tombstone: 1, too_large: 1, bad_name: 2, name_taken: 1 });
    assert.deepEqual([summary["messages"], summary["created"], summary["present"]], [10, 2, 1]);
    assert.match(answer.out, /"deadLetter":\{"topic":"poison","partition":0,"offset":"1","reason":"not_an_image"/);
    const found = await world.objects("poison");
    assert.deepEqual([...found.keys()], [nameAt("poison", 0, 9), "users/1/cat.jpg"]);
    assert.equal(found.get("users/1/cat.jpg"), sha256(jpegLike("cat")));
    const { metadata } = (await world.bucket.stat(`poison/${nameAt("poison", 0, 9)}`))!;
    assert.deepEqual([metadata?.["kafka-key"], metadata?.["kafka-header-camera"]], ["k1", "H%C3%B6he 1%0D%0Ax: y"]);

    const letter = async (offset: number, extension: string): Promise<Buffer> =>
      Buffer.from((await world.bucket.read(`dead/poison/poison/0/${String(offset).padStart(19, "0")}.${extension}`)).bytes);
    const sidecar = JSON.parse((await letter(4, "json")).toString()) as Record<string, unknown>;
    assert.deepEqual(
      [sidecar["reason"], sidecar["offset"], sidecar["said"]],
      ["bad_name", "4", { "kafka-header-image-name": "../../../etc/passwd" }],
    );
    assert.equal(Buffer.compare(await letter(4, "bin"), jpegLike("climbs")), 0);
    assert.equal((await letter(3, "bin")).length, 2_000_000);
    assert.match((await letter(2, "json")).toString(), /"reason": "tombstone"/);
    assert.equal((await world.kafka.committed("poison", "poison")).get(0), 10n);
  });

  it("a stop finishes what is being written and leaves the group; the next one goes on at the right offset", async () => {
    const sent = await filled("stopped", photos.slice(0, 300));
    slowBucket(80);
    const port = await freePort();
    const consumer = world.start("stopped", "--json", "--metrics-port", String(port));
    await world.untilThere("stopped", 60);
    const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    const figure = (pattern: RegExp): number => Number(pattern.exec(metrics)?.[1]);
    assert.ok(figure(/^imagemill_ingest_messages_total\{outcome="created"\} (\d+)$/m) > 0, metrics);
    assert.equal(figure(/^imagemill_ingest_joined (\d+)$/m), 1);
    assert.match(metrics, /^imagemill_ingest_lag_messages\{topic="stopped",partition="2"\} \d+$/m);
    const summary = summaryOf(await consumer.stop("SIGTERM"));
    const there = (await world.objects("stopped")).size;
    assert.equal(summary["created"], there);
    assert.ok(there < 300, "there is something left to do");
    const committed = [...(await world.kafka.committed("stopped", "stopped")).values()].reduce((sum, offset) => sum + offset, 0n);
    assert.ok(Number(committed) > 0 && Number(committed) <= there);

    world.gcs.faults = () => undefined;
    // The group was left: the next member need not wait for the session of the last one to end.
    const next = summaryOf(await world.ingest("stopped", "--until-caught-up", "--json"));
    assert.equal(next["messages"], 300 - Number(committed));
    assert.equal(next["created"], 300 - there);
    await assertAllThere(world, "stopped", sent);
  });

  it("says what retention took before it was read, and fails for it when all else is taken", async () => {
    await world.kafka.createTopic("expired", 1);
    await world.produce("expired", spread(photos.slice(0, 20), 1));
    summaryOf(await world.ingest("expired", "--until-caught-up", "--json"));
    await world.produce("expired", spread(photos.slice(20, 40), 1));
    await world.kafka.deleteRecords("expired", 0, 30n);
    const answer = await world.ingest("expired", "--until-caught-up");
    assert.equal(answer.code, 1);
    assert.match(answer.err, /expired\/0: messages 20 to 29 are gone from the cluster/);
    assert.match(answer.out, /created: 10[\s\S]*gone before they were read: 10 messages/);
  });

  it("reads no message of an aborted transaction, and finds partitions that are added while it runs", async () => {
    await world.kafka.createTopic("changes", 1);
    await world.produceInTransaction("changes", spread(photos.slice(0, 5), 1), "abort");
    await world.produceInTransaction("changes", spread(photos.slice(5, 10), 1), "commit");
    const consumer = world.start("changes", "--json");
    await world.untilThere("changes", 5);
    await world.kafka.addPartitions("changes", 2);
    await delay(500);
    await world.produce("changes", [{ partition: 1, value: photos[10]! }]);
    await world.untilThere("changes", 6);
    const summary = summaryOf(await consumer.stop("SIGTERM"));
    assert.deepEqual([summary["created"], summary["dead"]], [6, {}]);
    const digests = [...(await world.objects("changes")).values()].sort();
    assert.deepEqual(digests, photos.slice(5, 11).map(sha256).sort());
  });

  it("speaks TLS and logs in where it is asked to, and never says the password", async () => {
    await filled("login", photos.slice(0, 5));
    const settings = { "sasl.mechanism": "PLAIN", "sasl.username": kafkaUser.username, "tls.enabled": "true" };
    const login = Object.entries(settings).flatMap(([key, value]) => ["--set", `kafka.${key}=${value}`]);
    const trust = ["--set", `kafka.tls.caFile=${world.kafka.certificate}`];
    const ingest = async (password: string | undefined, trusted = trust) => {
      world.environment["IMAGEMILL_KAFKA_PASSWORD"] = password;
      const end = ["--until-caught-up", "--json", "--log-level", "debug", "--give-up-after", "20s"];
      return world.ingest("login", "--brokers", world.kafka.secureBrokers, ...end, ...login, ...trusted);
    };
    const fine = await ingest(kafkaUser.password);
    assert.equal(summaryOf(fine)["created"], 5);
    const wrong = await ingest("wrong password");
    assert.equal(wrong.code, 4, wrong.err);
    assert.match(wrong.err, /KAFKA_LOGIN[\s\S]*kafka\.sasl/);
    const untrusted = await ingest(kafkaUser.password, []);
    assert.equal(untrusted.code, 4, untrusted.err);
    assert.match(untrusted.err, /KAFKA_CERTIFICATE[\s\S]*kafka\.tls\.caFile/);
    const none = await ingest(undefined);
    assert.equal(none.code, 4);
    assert.match(none.err, /IMAGEMILL_KAFKA_PASSWORD holds no password/);
    for (const { out, err } of [fine, wrong]) assert.doesNotMatch(out + err, /not a secret|wrong password/);
  });

  it("says what is wrong with what it was asked for", async () => {
    const absent = await world.ingest("no-such-topic", "--until-caught-up");
    assert.deepEqual([absent.code, /KAFKA_NO_TOPIC[\s\S]*kafka-topics/.test(absent.err)], [4, true], absent.err);
    assert.equal((await world.ingest("photos", "--brokers", "nowhere")).code, 2);
    assert.equal((await world.ingest("photos", "--metrics-port", "many")).code, 2);
    const deaf = await world.ingest("photos", "--brokers", `127.0.0.1:${await freePort()}`, "--give-up-after", "1s");
    assert.equal(deaf.code, 1);
    assert.match(deaf.err, /GAVE_UP: the Kafka cluster did not answer for \d+ s: .*ECONNREFUSED/);
  });
});
