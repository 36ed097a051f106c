import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { imagemill } from "./imagemill.ts";

describe("imagemill ingest kafka, asked for what cannot be", function () {
  this.slow(15_000);
  let cwd: string;
  before(async () => {
    cwd = await mkdtemp(join(tmpdir(), "imagemill-kafka-cli-"));
  });
  after(async () => rm(cwd, { recursive: true }));

  it("says what is missing before it talks to anybody", async () => {
    const where = ["--brokers", "kafka.example.com:9092", "--topic", "photos"];
    const sasl = ["--set", "kafka.sasl.mechanism=PLAIN", "--set", "kafka.sasl.username=me"];
    const wrong: [said: RegExp, ...args: string[]][] = [
      [/where the cluster is[\s\S]*--brokers/, "--topic", "photos", "--to", "in"],
      [/which topic[\s\S]*--topic/, "--brokers", "kafka:9092", "--to", "in"],
      [/where the images go[\s\S]*--to/, ...where],
      [/where messages go that are no image[\s\S]*--dead-letters/, ...where, "--to", "gs://photos-in"],
      [/password in the clear[\s\S]*kafka\.tls\.enabled/, ...where, "--to", "in", ...sasl],
      [/kafka\.tls names files, but is not enabled/, ...where, "--to", "in", "--set", "kafka.tls.caFile=ca.pem"],
      [/kafka\.group must be the id of a consumer group, without spaces/, ...where, "--to", "in", "--group", "my group"],
    ];
    const answers = await Promise.all(
      wrong.map(async ([said, ...args]) => ({ said, answer: await imagemill(cwd, "ingest", "kafka", ...args) })),
    );
    for (const { said, answer } of answers) {
      assert.equal(answer.code, 2, answer.err);
      assert.match(answer.err, said);
    }
    const unread = await imagemill(cwd, "ingest", "kafka", ...where, "--to", "in", "--set", "kafka.tls={enabled: true, caFile: none.pem}");
    assert.equal(unread.code, 4, unread.err);
    assert.match(unread.err, /KAFKA_CERTIFICATE: kafka\.tls\.caFile cannot be read: ENOENT/);
  });
});
