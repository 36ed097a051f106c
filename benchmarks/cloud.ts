/**
 * How much of what Google's client reaches our store reaches, and from which length on listing in parallel pays:
 *   node benchmarks/cloud.ts [--objects 400] [--size 100000] [--concurrency 16] [--repetitions 5] [--page-ms 100]
 * Objects go to fake-gcs-server, which shares the machine's cores; listings come from a server of names alone, whose
 * pages take as long as those of a real bucket.
 */
import { randomBytes } from "node:crypto";
import { EventEmitter } from "node:events";
import { parseArgs } from "node:util";
import type { Storage } from "@google-cloud/storage";
import { systemClock, systemRandom } from "../core/clock.ts";
import { silentLogger } from "../core/log.ts";
import { inParallel } from "../core/parallel.ts";
import { listRanges } from "../partitioner/parallel-list.ts";
import { openSpool } from "../partitioner/spool.ts";
import { gcsClient } from "../storage/gcs-client.ts";
import { openStore } from "../storage/open.ts";
import type { ObjectStore } from "../storage/store.ts";
import { startGcs } from "../test/servers/gcs.ts";
import { startListingServer } from "./listing-server.ts";
import { median, range, round3 } from "./statistics.ts";

interface Load {
  objects: number;
  sizeBytes: number;
  concurrency: number;
  repetitions: number;
}

const operations = ["write", "read", "copy"] as const;
type Operation = (typeof operations)[number];

/** Each call does one object: create only, at its generation, checked on the way in and out. */
interface Contender {
  name: string;
  write(name: string, bytes: Buffer): Promise<string>;
  read(name: string, generation: string): Promise<number>;
  copy(from: string, generation: string, to: string): Promise<void>;
}

function ours(store: ObjectStore): Contender {
  return {
    name: "imagemill",
    write: async (name, bytes) => (await store.write(name, bytes, { ifGeneration: "0", contentType: "image/jpeg" })).generation,
    read: async (name, generation) => (await store.read(name, { generation })).bytes.length,
    copy: async (name, generation, to) => void (await store.copy({ store, name, generation }, to, { ifGeneration: "0" })),
  };
}

function theirs(client: Storage, bucketName: string): Contender {
  const bucket = client.bucket(bucketName);
  const createOnly = { preconditionOpts: { ifGenerationMatch: 0 } };
  return {
    name: "@google-cloud/storage",
    write: async (name, bytes) => {
      const file = bucket.file(name);
      await file.save(bytes, { resumable: false, contentType: "image/jpeg", validation: "crc32c", ...createOnly });
      return String(file.metadata.generation);
    },
    read: async (name, generation) => (await bucket.file(name, { generation }).download({ validation: "crc32c" }))[0].length,
    copy: async (name, generation, to) => void (await bucket.file(name, { generation }).copy(bucket.file(to), createOnly)),
  };
}

interface Figures {
  objectsPerSecond: number;
  /** Of this process: what the server takes is not in it. */
  cpuMs: number;
}

async function measure(contender: Contender, load: Load, repetition: number): Promise<Record<Operation, Figures>> {
  const bytes = randomBytes(load.sizeBytes);
  const names = Array.from({ length: load.objects }, (_, index) => `${repetition}/${contender.name}/${index}.jpg`);
  const generations = new Map<string, string>();
  const timed = async (act: (name: string) => Promise<void>): Promise<Figures> => {
    const [started, usedBefore] = [performance.now(), process.cpuUsage()];
    await inParallel(names, load.concurrency, act);
    const { user, system } = process.cpuUsage(usedBefore);
    return { objectsPerSecond: (load.objects * 1000) / (performance.now() - started), cpuMs: (user + system) / 1000 / load.objects };
  };
  const write = await timed(async (name) => void generations.set(name, await contender.write(name, bytes)));
  const read = await timed(async (name) => {
    const length = await contender.read(name, generations.get(name)!);
    if (length !== bytes.length) throw new Error(`${contender.name} read ${length} bytes of ${name}`);
  });
  const copy = await timed(async (name) => contender.copy(name, generations.get(name)!, `${name}-copy`));
  return { write, read, copy };
}

async function compare(load: Load): Promise<void> {
  await using server = await startGcs();
  const client = await gcsClient(server.endpoint);
  await client.createBucket("bench");
  const context = { attempts: 6, concurrency: load.concurrency, log: silentLogger, clock: systemClock, random: systemRandom };
  const store = await openStore("gs://bench", { ...context, endpoint: server.endpoint });
  // Downloads of the client leave listeners behind, more than Node is used to.
  EventEmitter.defaultMaxListeners = 0;
  const contenders = [ours(store), theirs(client, "bench")];
  const found = contenders.map(({ name }) => ({ name, runs: [] as Record<Operation, Figures>[] }));
  for (let repetition = -1; repetition < load.repetitions; repetition++) {
    // In turn, and in either order: whatever else the machine does meets both. The first round warms up.
    for (const index of repetition % 2 === 0 ? [0, 1] : [1, 0]) {
      const figures = await measure(contenders[index]!, load, repetition);
      if (repetition >= 0) found[index]!.runs.push(figures);
    }
  }
  await store.close();
  const [own, other] = found;
  const of = (runs: Record<Operation, Figures>[], operation: Operation, what: keyof Figures): number[] =>
    runs.map((run) => run[operation][what]);
  console.log(`objects/s of ${load.sizeBytes} bytes, ${load.concurrency} at once; median (lowest-highest) of ${load.repetitions}`);
  console.table(
    operations.map((operation) => {
      const [mine, bare] = [own!, other!].map(({ runs }) => of(runs, operation, "objectsPerSecond"));
      const cpu = [own!, other!].map(({ runs }) => round3(median(of(runs, operation, "cpuMs"))));
      const ratio = round3(median(mine!) / median(bare!));
      return { operation, [own!.name]: figure(mine!), [other!.name]: figure(bare!), ratio, "CPU ms an object": cpu.join(" : ") };
    }),
  );
}

function figure(values: number[]): string {
  return `${round3(median(values))} (${range(values).map(round3).join("-")})`;
}

const lanes = 8;
const neverAborted = new AbortController().signal;

/** Listings of growing length, one page after the other and divided from the start. */
async function compareListing(pageMs: number): Promise<void> {
  await using server = await startListingServer(pageMs);
  await using spool = await openSpool(neverAborted);
  const rows = [];
  for (const pages of [2, 4, 8, 16, 32, 64, 128]) {
    const context = { attempts: 3, concurrency: 32, log: silentLogger, clock: systemClock, random: systemRandom };
    const store = await openStore(`gs://n${pages * 1000}`, { ...context, endpoint: server.endpoint });
    const timed = async (list: () => AsyncIterable<unknown>): Promise<{ ms: number; requests: number }> => {
      const [before, started] = [server.requests(), performance.now()];
      for await (const _ of list());
      return { ms: Math.round(performance.now() - started), requests: server.requests() - before };
    };
    const divided = (crossoverPages: number) => async () => {
      const options = { signal: neverAborted, spool, take: ({ name }: { name: string }) => ({ name }), onPage: () => undefined };
      return timed(() => listRanges(store, { ...options, lanes, crossoverPages }));
    };
    const inTurn = await timed(() => store.list());
    const [atOnce, later] = [await divided(4)(), await divided(16)()];
    await store.close();
    rows.push({
      objects: pages * 1000,
      "in turn, ms": inTurn.ms,
      "from page 4, ms": atOnce.ms,
      "from page 16, ms": later.ms,
      requests: `${inTurn.requests}, ${atOnce.requests}, ${later.requests}`,
    });
  }
  console.log(`listing, a page of 1,000 names in ${pageMs} ms, ${lanes} ranges side by side`);
  console.table(rows);
}

const { values } = parseArgs({
  options: {
    objects: { type: "string", default: "400" },
    size: { type: "string", default: "100000" },
    concurrency: { type: "string", default: "16" },
    repetitions: { type: "string", default: "5" },
    "page-ms": { type: "string", default: "100" },
  },
});
const [objects, sizeBytes, concurrency, repetitions] = [values.objects, values.size, values.concurrency, values.repetitions].map(Number);
await compare({ objects: objects!, sizeBytes: sizeBytes!, concurrency: concurrency!, repetitions: repetitions! });
await compareListing(Number(values["page-ms"]));
