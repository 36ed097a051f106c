import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Admin } from "@platformatic/kafka";
import { execInstaller, installed, type Installation } from "./install.ts";
import { freePort, type ServerProcess, startServer } from "./process.ts";

const version = "4.4.0";
const logging = "2.25.3";

const dependencies = [
  ["org.apache.kafka", "kafka_2.13", version],
  ["org.apache.logging.log4j", "log4j-slf4j-impl", logging],
] as const;

const kafkaJars: Installation = {
  name: `kafka-${version}`,
  install: async (folder) => {
    const listed = dependencies.map(([group, artifact, of]) => {
      return `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${of}</version></dependency>`;
    });
    const head = "<modelVersion>4.0.0</modelVersion><groupId>imagemill</groupId><artifactId>kafka</artifactId><version>1</version>";
    const pom = `<project xmlns="http://maven.apache.org/POM/4.0.0">${head}<dependencies>${listed.join("")}</dependencies></project>`;
    await writeFile(join(folder, "pom.xml"), pom);
    await execInstaller("mvn", ["-q", "-B", "dependency:copy-dependencies", `-DoutputDirectory=${join(folder, "jars")}`], { cwd: folder });
  },
};

/** The one who may log in where the broker asks for it. */
export const kafkaUser = { username: "imagemill", password: "not a secret" };

export interface KafkaServer extends AsyncDisposable {
  /** `127.0.0.1:<port>` */
  readonly brokers: string;
  /** The same broker, which asks for TLS and PLAIN credentials here. */
  readonly secureBrokers: string;
  /** PEM file of the certificate that it shows there. */
  readonly certificate: string;
  createTopic(topic: string, partitions: number, settings?: Record<string, string>): Promise<void>;
  addPartitions(topic: string, count: number): Promise<void>;
  /** What retention does: records before the offset are gone. */
  deleteRecords(topic: string, partition: number, before: bigint): Promise<void>;
  /** Partition -> the group's committed offset. */
  committed(group: string, topic: string): Promise<Map<number, bigint>>;
  /** Of the group that have partitions. */
  members(group: string): Promise<number>;
  /** SIGKILL, or an orderly end; the data stays. */
  stop(how: "kill" | "orderly"): Promise<void>;
  start(): Promise<void>;
}

/** A real broker of one node (KRaft), on the loopback address; its data ends with it. */
export async function startKafka(): Promise<KafkaServer> {
  const jars = join(await installed(kafkaJars), "jars");
  const classPath = join(jars, "*");
  const folder = await mkdtemp(join(tmpdir(), "imagemill-kafka-"));
  const [port, securePort, controllerPort] = [await freePort(), await freePort(), await freePort()];
  const settings = join(folder, "server.properties");
  await mkdir(join(folder, "data"));
  await writeFile(settings, properties({ folder, port, securePort, controllerPort }));
  const java = ["-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", classPath];
  await execInstaller("java", [...java, "kafka.tools.StorageTool", "format", "-t", "MkU3OEVBNTcwNTJENDM2Qg", "-c", settings]);

  const certificate = await selfSigned(folder);

  let running: ServerProcess | undefined;
  const start = async (): Promise<void> => {
    running = await startServer({
      command: "java",
      args: [...java, "kafka.Kafka", settings],
      ready: async () => (await accepts(port)) && accepts(securePort),
    });
  };
  const brokers = `127.0.0.1:${port}`;
  await start();
  return {
    brokers,
    secureBrokers: `127.0.0.1:${securePort}`,
    certificate,
    createTopic: async (topic, partitions, configs = {}) => {
      const written = Object.entries(configs).map(([name, value]) => ({ name, value }));
      await asAdmin(brokers, async (admin) => admin.createTopics({ topics: [topic], partitions, replicas: 1, configs: written }));
      // A producer that is told "no leader yet" for one partition sends the others' messages again, too.
      const all = Array.from({ length: partitions }, (_, partitionIndex) => ({ partitionIndex, timestamp: -1n }));
      while (!(await asAdmin(brokers, async (admin) => answers(admin.listOffsets({ topics: [{ name: topic, partitions: all }] })))))
        await delay(50);
    },
    addPartitions: async (topic, count) => {
      await asAdmin(brokers, async (admin) => admin.createPartitions({ topics: [{ name: topic, count, assignments: null }] }));
    },
    deleteRecords: async (topic, partition, offset) => {
      await asAdmin(brokers, async (admin) => admin.deleteRecords({ topics: [{ name: topic, partitions: [{ partition, offset }] }] }));
    },
    committed: async (group, topic) => {
      const [found] = await asAdmin(brokers, async (admin) => admin.listConsumerGroupOffsets({ groups: [group] }));
      const partitions = found?.topics.find(({ name }) => name === topic)?.partitions ?? [];
      return new Map(partitions.map(({ partitionIndex, committedOffset }) => [partitionIndex, committedOffset]));
    },
    members: async (group) => {
      const found = (await asAdmin(brokers, async (admin) => admin.describeGroups({ groups: [group] }))).get(group);
      return [...(found?.members.values() ?? [])].filter(({ assignments }) => (assignments?.size ?? 0) > 0).length;
    },
    stop: async (how) => {
      if (how === "kill") await running?.kill();
      else await running?.[Symbol.asyncDispose]();
    },
    start,
    [Symbol.asyncDispose]: async () => {
      await running?.kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const storePassword = "changeit";

/** A key in `broker.p12`, and the certificate to trust. */
async function selfSigned(folder: string): Promise<string> {
  const store = ["-alias", "broker", "-keystore", join(folder, "broker.p12"), "-storetype", "PKCS12", "-storepass", storePassword];
  await execInstaller("keytool", ["-genkeypair", ...store, "-keyalg", "RSA", "-dname", "CN=127.0.0.1", "-ext", "san=ip:127.0.0.1"]);
  const certificate = join(folder, "broker.pem");
  await execInstaller("keytool", ["-exportcert", "-rfc", ...store, "-file", certificate]);
  return certificate;
}

function properties(place: { folder: string; port: number; securePort: number; controllerPort: number }): string {
  const login = `org.apache.kafka.common.security.plain.PlainLoginModule required user_${kafkaUser.username}="${kafkaUser.password}";`;
  const host = "127.0.0.1";
  const listeners = `PLAINTEXT://${host}:${place.port},SASL_SSL://${host}:${place.securePort}`;
  const settings: Record<string, string | number> = {
    "process.roles": "broker,controller",
    "node.id": 1,
    "controller.quorum.voters": `1@${host}:${place.controllerPort}`,
    listeners: `${listeners},CONTROLLER://${host}:${place.controllerPort}`,
    "advertised.listeners": listeners,
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "sasl.enabled.mechanisms": "PLAIN",
    "listener.name.sasl_ssl.plain.sasl.jaas.config": login,
    "ssl.keystore.location": join(place.folder, "broker.p12"),
    "ssl.keystore.password": storePassword,
    "log.dirs": join(place.folder, "data"),
    "offsets.topic.replication.factor": 1,
    "offsets.topic.num.partitions": 1,
    "transaction.state.log.replication.factor": 1,
    "transaction.state.log.min.isr": 1,
    "group.initial.rebalance.delay.ms": 0,
    "group.min.session.timeout.ms": 1000,
    "auto.create.topics.enable": "false",
    // A killed broker is taken back as soon as the controller has missed it.
    "broker.session.timeout.ms": 3000,
    "broker.heartbeat.interval.ms": 500,
  };
  return Object.entries(settings)
    .map(([key, value]) => `${key}=${value}\n`)
    .join("");
}

async function asAdmin<T>(brokers: string, work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = new Admin({ clientId: "test", bootstrapBrokers: [brokers] });
  try {
    return await work(admin);
  } finally {
    await admin.close();
  }
}

async function answers(asked: Promise<unknown>): Promise<boolean> {
  return asked.then(
    () => true,
    () => false,
  );
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } finally {
    socket.destroy();
  }
}
