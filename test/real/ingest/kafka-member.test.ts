import { Admin, Producer } from "@platformatic/kafka";
import { systemClock } from "../../../core/clock.ts";
import { kafkaJoin } from "../../../ingest/kafka/client.ts";
import { memberContract } from "../../contracts/member.ts";
import { orSkip } from "../../servers/install.ts";
import { startKafka, type KafkaServer } from "../../servers/kafka.ts";

describe("the group's member of a real cluster", function () {
  this.timeout(120_000);
  this.slow(20_000);
  let kafka: KafkaServer;
  let groups = 0;

  before(async function () {
    this.timeout(15 * 60_000);
    kafka = await orSkip(this, "a Kafka broker", startKafka);
  });
  after(async () => kafka?.[Symbol.asyncDispose]());

  memberContract(async () => {
    groups += 1;
    await kafka.createTopic("photos", 2);
    const { brokers } = kafka;
    const join = { brokers: [brokers], topics: ["photos"], group: `group-${groups}`, from: "earliest" as const, clock: systemClock };
    return {
      join: kafkaJoin({ ...join, sessionTimeoutMs: 6000, fetchBytes: 2 ** 20 }),
      produce: async (partition, values) => {
        const producer = new Producer({ clientId: "test", bootstrapBrokers: [brokers] });
        await producer.send({ messages: values.map((value) => ({ topic: "photos", partition, value: value as Buffer })), acks: -1 });
        await producer.close();
      },
      expire: async (partition, before) => kafka.deleteRecords("photos", partition, before),
      [Symbol.asyncDispose]: async () => {
        const admin = new Admin({ clientId: "test", bootstrapBrokers: [brokers] });
        await admin.deleteTopics({ topics: ["photos"] });
        await admin.close();
      },
    };
  });
});
