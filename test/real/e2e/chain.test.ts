import assert from "node:assert/strict";
import sharp from "sharp";
import { readPhotographs } from "../../../demo/photos.ts";
import { startChromium, type Chromium } from "../../servers/chromium.ts";
import { orSkip } from "../../servers/install.ts";
import { startKafka, type KafkaServer } from "../../servers/kafka.ts";
import { executeNotebook, installJupyter } from "../../servers/notebook.ts";
import { startNight, type NightWorld } from "../dags/night-world.ts";
import { produce, sha256, type Produced } from "../ingest/kafka-world.ts";
import { ask, assertHolds, objectsOf, rowsOf } from "./cloud.ts";

const topic = "photos";
const date = "2026-11-24";
const copies = 6;

/** What apps send: photographs of two cameras in several sizes; two cut short on the way, and two that are none. */
async function messages(): Promise<{ sent: Produced[]; images: Map<string, Uint8Array> }> {
  const images = new Map<string, Uint8Array>();
  for (const [at, { name, bytes }] of (await readPhotographs()).entries()) {
    const Model = at % 2 === 0 ? "One" : "Two";
    for (let copy = 0; copy < copies; copy += 1) {
      const width = 320 + 40 * copy;
      images.set(`${copy}/${name}`, await sharp(bytes).resize(width).withExif({ IFD0: { Model } }).jpeg().toBuffer());
    }
  }
  const [whole] = images.values();
  for (const share of [2, 3]) images.set(`cut/${share}.jpg`, whole!.subarray(0, whole!.length / share));
  const others = ["a letter", ""].map((said, at) => ({ name: `letter-${at}`, value: Buffer.from(said) }));
  const sent = [...[...images].map(([name, value]) => ({ name, value })), ...others].map(({ name, value }, at) => ({
    partition: at % 3,
    value,
    headers: { name },
  }));
  return { sent, images };
}

/** Everything there is around a batch, real as far as it runs on one machine: nothing is handed over but by its own files. */
describe("from Kafka through a night to dashboard and notebook", function () {
  this.timeout(15 * 60_000);
  this.slow(300_000);
  let kafka: KafkaServer;
  let night: NightWorld;
  let chromium: Chromium;
  let jupyter: string;
  before(async function () {
    this.timeout(30 * 60_000);
    jupyter = await orSkip(this, "Jupyter", installJupyter);
    chromium = await orSkip(this, "a Chromium", startChromium);
    kafka = await orSkip(this, "a Kafka broker", startKafka);
    const jobs = "[facts, fingerprint, { thumbnails: { sizes: [96] } }]";
    night = await orSkip(this, "Airflow, Spark, Cloud Storage and BigQuery servers", async () => startNight(jobs));
    const { code, said } = await night.airflow.airflow("db", "migrate");
    assert.equal(code, 0, said);
  });
  after(async () => {
    await night?.[Symbol.asyncDispose]();
    await kafka?.[Symbol.asyncDispose]();
    await chromium?.[Symbol.asyncDispose]();
  });

  it("shows each photograph once, and why the others are not there", async () => {
    const { sent, images } = await messages();
    const { cloud, config, warehouse } = night;
    await kafka.createTopic(topic, 3);
    await produce(kafka.brokers, topic, sent);

    const to = ["--to", `gs://nights/${date}`, "--dead-letters", "gs://control/dead", "--name-header", "name"];
    const ingest = ["ingest", "kafka", "--brokers", kafka.brokers, "--topic", topic, "--until-caught-up", ...to, ...config];
    const brought = await ask(cloud.where, ingest);
    assert.deepEqual([brought["created"], brought["dead"]], [images.size, { empty: 1, not_an_image: 1 }]);
    const there = await objectsOf(cloud, "nights");
    assert.deepEqual(there.map(({ name }) => name).sort(), [...images.keys()].map(inBucket).sort());

    const { code, said } = await night.airflow.airflow("dags", "test", "imagemill_nightly", date);
    assert.equal(code, 0, said);
    const runId = /"runId":"([^"]+)"/.exec(said)![1]!;
    await assertHolds(cloud.where, runId, config);
    const rows = await rowsOf(cloud, warehouse, runId);
    const digests = new Map([...images].map(([name, bytes]) => [inBucket(name), sha256(bytes)]));
    assert.deepEqual(new Map(rows.map((row) => [row["name"], row["sha256"]])), digests);
    assert.equal(rows.length, images.size);
    const bad = rows.filter((row) => row["outcome"] !== "ok").map((row) => [row["name"], row["outcome"], row["reason"]]);
    assert.deepEqual(bad, [
      [inBucket("cut/2.jpg"), "quarantined", "truncated"],
      [inBucket("cut/3.jpg"), "quarantined", "truncated"],
    ]);

    const { page } = await ask(cloud.where, ["report", "--to", "dashboard.html", ...config]);
    const opened = await chromium.open(String(page));
    await opened.page.waitForSelector("html[data-ready]");
    assert.equal(await opened.page.locator("h1").innerText(), `${images.size} images in 1 run`);
    assert.equal(await opened.page.locator("#by-reason .line").count(), 1);
    assert.deepEqual(opened.complaints, []);
    await opened.context.close();

    const executed = await executeNotebook(jupyter, cloud.where.cwd, { warehouse }, cloud.where.environment);
    const { growth, quality, cameras, contactSheet } = executed.findings as Record<string, Record<string, unknown>>;
    assert.deepEqual([growth!["runs"], growth!["objects"]], [1, images.size]);
    assert.deepEqual(quality, { ok: images.size - 2, skipped: 0, quarantined: 2 });
    assert.deepEqual(cameras, { One: [4 * copies + 2, 2], Two: [3 * copies, 0] });
    assert.equal(contactSheet!["gone"], 0);

    const again = await ask(cloud.where, ingest);
    assert.deepEqual([again["messages"], again["created"]], [0, 0]);
  });
});

/** The name of a message's object, which is its row's. */
function inBucket(name: string): string {
  return `${date}/${name}`;
}
