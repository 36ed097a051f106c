import type { KafkaConfig } from "../../configs/config.ts";
import type { KeyedFlag } from "../../configs/layers.ts";
import { exitCodes, usageError } from "../../core/errors.ts";
import type { Consumption } from "../../ingest/kafka/consume.ts";
import { configFlags, duration, many, oneOf, size, text, wholeNumber } from "./flags.ts";
import { deadLetterPlace, ingestTarget } from "./ingest-target.ts";
import { openSession } from "./session.ts";
import { openStoreAt } from "./stores.ts";
import { defineVerb } from "./verb.ts";

/** Nothing of the pauses between tries depends on it: a new try every half minute is soon enough for any outage. */
const forEver = Number.POSITIVE_INFINITY;

export const ingestKafkaVerb = defineVerb({
  command: "ingest kafka",
  summary: "Images from Kafka topics into the bucket, until it is stopped",
  group: "Bring in",
  positionals: {},
  flags: {
    brokers: text("brokers", "Some brokers of the cluster: host:port, comma-separated [default: kafka.brokers]"),
    topic: { ...many, describe: "A topic; may be repeated [default: kafka.topics]" },
    group: text("group", "The consumer group [default: kafka.group: imagemill]"),
    to: text("to", "Where to: gs://bucket/prefix or a folder [default: the source of the configuration]"),
    "dead-letters": text("dead-letters", "Where messages go that are no image [default: dead-letters in the control store]"),
    "name-header": text("name-header", "The header that carries the object's name [default: topic/partition/offset]"),
    from: oneOf("from", "Where a group begins that has committed nothing [default: earliest]", ["earliest", "latest"]),
    prefix: oneOf("prefix", "What goes in front of the names [default: none]", ["none", "hash"]),
    concurrency: wholeNumber("concurrency", "Images written at once [default: kafka.concurrency: 32]"),
    "max-bytes": size("max-bytes", "Larger messages become dead letters [default: limits.maxObjectBytes]"),
    "until-caught-up": { type: "boolean", describe: "End when what was there at the start is in the bucket" },
    "give-up-after": duration("give-up-after", "How long the cluster or the bucket may be out [default: for ever]"),
    "metrics-port": text("metrics-port", "Serve metrics for Prometheus: PORT (on 127.0.0.1) or HOST:PORT"),
    config: configFlags.config,
    control: configFlags.control,
    set: configFlags.set,
    json: configFlags.json,
    "log-level": configFlags["log-level"],
  },
  examples: [
    ["ingest kafka --brokers kafka:9092 --topic photos --to gs://photos-in", "as a service: until it is stopped"],
    ["ingest kafka --config nightly.yaml --until-caught-up", "from a scheduler: what is there now"],
  ],
  run: async (args, shell) => {
    const keyed = keyedFlags(args);
    using session = await openSession({ ...args, keyed }, shell, { source: false, phase: "joining" });
    const { config, screen, log } = session;
    const { kafka } = config;
    checkComplete(kafka);
    const target = await ingestTarget(args.to, config, shell.cwd);
    const graveyard = deadLetterPlace(config, target);
    const [
      { consume },
      { kafkaJoin },
      { connectionOf },
      { objectSink },
      { createPatience },
      { serveMetrics, metricsText },
      { createTeller },
    ] = await Promise.all([
      import("../../ingest/kafka/consume.ts"),
      import("../../ingest/kafka/client.ts"),
      import("../../ingest/kafka/connection.ts"),
      import("../../ingest/kafka/sink.ts"),
      import("../../ingest/kafka/patience.ts"),
      import("../../ingest/kafka/metrics.ts"),
      import("../terminal/ingest.ts"),
    ]);

    const giveUp = args["give-up-after"] === undefined ? {} : { giveUpAfterMs: args["give-up-after"] };
    const told = { topics: kafka.topics, group: kafka.group, to: target };
    using teller = createTeller({ ...told, json: args.json ?? false, shell, screen });
    const bucket = createPatience({
      what: `the bucket (${target})`,
      ...giveUp,
      clock: shell.clock,
      random: shell.random,
      log,
      say: teller.say,
    });
    const retrying = {
      attempts: forEver,
      budgetMs: forEver,
      onRetry: ({ error }: { error: Error }) => bucket.failed(error),
    };
    await using open = new AsyncDisposableStack();
    const [to, deadLetters] = [
      await openStoreAt(target, config, shell, log, retrying),
      await openStoreAt(graveyard, config, shell, log, retrying),
    ];
    for (const store of [to, deadLetters]) open.defer(async () => store.close());

    let consumption: Consumption | undefined;
    if (args["metrics-port"] !== undefined) {
      const address = metricsAddress(args["metrics-port"]);
      const server = open.use(await serveMetrics(address, () => (consumption === undefined ? "" : metricsText(consumption))));
      teller.say(`metrics: ${server.url}`);
    }
    const rules = {
      ...(kafka.nameHeader !== undefined && { nameHeader: kafka.nameHeader }),
      maxObjectBytes: args["max-bytes"] ?? config.policy.limits.maxObjectBytes,
      spread: args.prefix === "hash",
    };
    const { topics, group, from, sessionTimeoutMs, fetchBytes } = kafka;
    const { concurrency, bufferBytes, commitEveryMs, stopTimeoutMs } = kafka;
    const totals = await consume(
      {
        join: kafkaJoin({
          ...(await connectionOf(kafka, shell.environment)),
          brokers: kafka.brokers,
          topics,
          group,
          from,
          sessionTimeoutMs,
          fetchBytes,
          clock: shell.clock,
        }),
        sink: objectSink({ to, deadLetters, rules }),
        concurrency,
        bufferBytes,
        fetchBytes,
        commitEveryMs,
        stopTimeoutMs,
        ...giveUp,
        untilCaughtUp: args["until-caught-up"] ?? false,
        clock: shell.clock,
        random: shell.random,
        log,
        signal: shell.signal,
        say: teller.say,
        onTaken: (message, taken) => {
          bucket.worked();
          teller.taken(message, taken);
        },
      },
      (watched) => {
        consumption = watched;
        teller.watch(watched);
      },
    );
    teller.end();
    return totals.expired > 0 ? exitCodes.failed : exitCodes.done;
  },
});

/** Flags that say what the section `kafka` of the configuration may say, too. */
function keyedFlags(args: {
  brokers?: string | undefined;
  topic?: (string | number)[] | undefined;
  group?: string | undefined;
  "dead-letters"?: string | undefined;
  "name-header"?: string | undefined;
  from?: string | undefined;
  concurrency?: number | undefined;
}): KeyedFlag[] {
  const values: [flag: string, key: keyof KafkaConfig, value: unknown][] = [
    ["brokers", "brokers", args.brokers?.split(",").map((broker) => broker.trim())],
    ["topic", "topics", args.topic?.map(String)],
    ["group", "group", args.group],
    ["dead-letters", "deadLetters", args["dead-letters"]],
    ["name-header", "nameHeader", args["name-header"]],
    ["from", "from", args.from],
    ["concurrency", "concurrency", args.concurrency],
  ];
  return values.flatMap(([flag, key, value]) => (value === undefined ? [] : [{ flag: `--${flag}`, path: ["kafka", key], value }]));
}

function checkComplete({ brokers, topics, sasl, tls }: KafkaConfig): void {
  if (brokers.length === 0)
    throw usageError("it is not said where the cluster is", "Add --brokers host:9092, or kafka.brokers to the configuration.");
  if (topics.length === 0) throw usageError("it is not said which topic", "Add --topic NAME, or kafka.topics to the configuration.");
  const files = tls.caFile ?? tls.certFile ?? tls.keyFile;
  if (files !== undefined && !tls.enabled) throw usageError("kafka.tls names files, but is not enabled", "Write kafka.tls.enabled: true.");
  if ((tls.certFile === undefined) !== (tls.keyFile === undefined)) {
    throw usageError("kafka.tls.certFile and kafka.tls.keyFile belong together", "Give both, or neither.");
  }
  if (sasl === undefined || tls.enabled || brokers.every((broker) => /^(127\.|localhost:|\[::1\])/.test(broker))) return;
  throw usageError("kafka.sasl would send a password in the clear", "Write kafka.tls.enabled: true.");
}

function metricsAddress(written: string): { host: string; port: number } {
  const match = /^(?:(.+):)?(\d{1,5})$/.exec(written);
  const port = Number(match?.[2]);
  if (match === null || port > 65_535)
    throw usageError(`--metrics-port must be PORT or HOST:PORT, not "${written}"`, "For example --metrics-port 9464.");
  return { host: (match[1] ?? "127.0.0.1").replace(/^\[(.*)\]$/, "$1"), port };
}
