import { z } from "zod";
import type { KafkaConfig } from "./config.ts";
import { day, duration, flag, oneOf, size, text, whole } from "./fields.ts";

const broker = z
  .string({ error: "must be a broker like host:9092" })
  .regex(/^(\[[0-9a-fA-F:.]+\]|[^\s:,/]+):\d{1,5}$/, { error: "must be a broker like host:9092" })
  .refine((address) => Number(address.slice(address.lastIndexOf(":") + 1)) < 65_536, { error: "must be a broker with a port below 65536" });
const topic = z
  .string({ error: "must be the name of a topic" })
  .regex(/^(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}$/, { error: "must be the name of a topic: letters, digits, `.`, `_` and `-`" });
const word = (what: string) => text(what).regex(/^\S+$/, { error: `must be ${what}, without spaces` });

const tls = z.strictObject({
  enabled: flag().default(false).describe("Whether the brokers are spoken to through TLS."),
  caFile: text("the path of a PEM file")
    .exactOptional()
    .describe("Certificates (PEM) of the authority that signed the brokers', where the system does not know it."),
  certFile: text("the path of a PEM file").exactOptional().describe("Our certificate (PEM), where the brokers ask for one."),
  keyFile: text("the path of a PEM file").exactOptional().describe("Its key (PEM)."),
});

const sasl = z.strictObject({
  mechanism: oneOf(["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]).describe("How to log in."),
  username: text("a user name").describe("Who logs in."),
  passwordVariable: text("the name of an environment variable")
    .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { error: "must be the name of an environment variable" })
    .default("IMAGEMILL_KAFKA_PASSWORD")
    .describe("The environment variable that holds the password. The password itself is never in a file of ours."),
});

/** `imagemill ingest kafka`. */
export const kafka = z.strictObject({
  brokers: z
    .array(broker, { error: "must be a list of brokers" })
    .default([])
    .describe("Some brokers of the cluster, host:port each; also --brokers."),
  topics: z.array(topic, { error: "must be a list of topics" }).default([]).describe("Topics whose messages are images; also --topic."),
  group: word("the id of a consumer group").default("imagemill").describe("The consumer group; its members share the partitions."),
  from: oneOf(["earliest", "latest"]).default("earliest").describe("Where a group begins that has committed nothing yet."),
  nameHeader: word("the name of a header")
    .exactOptional()
    .describe("The header that carries the object's name. Without it a message is named by topic, partition and offset."),
  deadLetters: text("a folder or gs://bucket/prefix")
    .exactOptional()
    .describe("Where messages go that are no image, with the reason. Default: `dead-letters` in the control store."),
  concurrency: whole(1, 1000).default(32).describe("Images written at once."),
  bufferBytes: size(2 ** 20, "1MiB", "256MiB")
    .prefault("256MiB")
    .describe("Fetched messages in memory, at most."),
  fetchBytes: size(2 ** 10, "1KiB", "16MiB")
    .prefault("16MiB")
    .describe("Asked for at once from one broker. A larger message comes alone, whole."),
  commitEveryMs: duration(10, "1s", 60_000, "1min").prefault("1s").describe("How often offsets are committed."),
  sessionTimeoutMs: duration(1000, "20s", 3_600_000, "1h")
    .prefault("20s")
    .describe("A member that is not heard of for so long loses its partitions to the others."),
  stopTimeoutMs: duration(1, "30s", day, "24h")
    .prefault("30s")
    .describe("What is being written when a stop is asked for may take so long."),
  tls: tls.prefault({}).describe("TLS."),
  sasl: sasl.exactOptional().describe("How to log in, where the brokers ask for it."),
}) satisfies z.ZodType<KafkaConfig>;
