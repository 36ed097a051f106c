import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { seededRandom } from "../../../core/clock.ts";
import { silentLogger } from "../../../core/log.ts";
import { consume, type ConsumeOptions, type Consumption } from "../../../ingest/kafka/consume.ts";
import { objectSink, type Sink } from "../../../ingest/kafka/sink.ts";
import { memoryStore } from "../../../storage/memory.ts";
import type { ObjectStore } from "../../../storage/store.ts";
import { listAll } from "../../contracts/store.ts";
import { jpegLike } from "../images.ts";
import { fakeCluster, fastClock, type FakeCluster } from "./fake-cluster.ts";

const perPartition = 25;
const partitions = 4;

function filled(): FakeCluster {
  const cluster = fakeCluster(partitions);
  for (let partition = 0; partition < partitions; partition += 1) {
    cluster.produce(partition, ...Array.from({ length: perPartition }, (_, index) => jpegLike(`photo ${partition} ${index}`, 1000)));
  }
  return cluster;
}

interface World {
  to: ObjectStore;
  deadLetters: ObjectStore;
  sink: Sink;
}

function stores(): World {
  const [to, deadLetters] = [memoryStore(), memoryStore()];
  return { to, deadLetters, sink: objectSink({ to, deadLetters, rules: { maxObjectBytes: 100_000, spread: false } }) };
}

function optionsOf(cluster: FakeCluster, sink: Sink, more: Partial<ConsumeOptions> = {}): ConsumeOptions {
  return {
    join: cluster.join,
    sink,
    concurrency: 4,
    bufferBytes: 100_000,
    fetchBytes: 20_000,
    commitEveryMs: 100,
    stopTimeoutMs: 20_000,
    untilCaughtUp: true,
    clock: fastClock,
    random: seededRandom(1),
    log: silentLogger,
    signal: new AbortController().signal,
    say: () => undefined,
    ...more,
  };
}

/** Slow, and never in the order of the log. */
function slowly(sink: Sink, ms = 3): Sink {
  return {
    take: async (message, signal) => {
      await delay(ms * (1 + Number(message.offset % 3n)), undefined, { signal });
      return sink.take(message, signal);
    },
  };
}

async function assertAllThere(cluster: FakeCluster, { to }: World, note = ""): Promise<void> {
  assert.equal((await listAll(to)).names.length, partitions * perPartition, note);
  for (let partition = 0; partition < partitions; partition += 1) assert.equal(cluster.committed(partition), BigInt(perPartition), note);
}

/** Of one partition: never back, and never two members at a time. */
function assertCommitsInOrder({ commits }: FakeCluster): void {
  for (const [partition, of] of Map.groupBy(commits, (one) => one.partition)) {
    const offsets = of.map(({ offset }) => offset);
    assert.deepEqual(
      offsets,
      offsets.toSorted((a, b) => Number(a - b)),
      `partition ${partition}`,
    );
  }
}

describe("consuming", () => {
  it("brings every message to the sink, commits, leaves the group and ends when it has caught up", async () => {
    const [cluster, world] = [filled(), stores()];
    const totals = await consume(optionsOf(cluster, slowly(world.sink)));
    await assertAllThere(cluster, world);
    assert.deepEqual([totals.messages, totals.created, totals.present, cluster.members], [100, 100, 0, 0]);
    const again = await consume(optionsOf(cluster, world.sink));
    assert.deepEqual([again.messages, cluster.members], [0, 0]);
  });

  it("whichever call fails, and whenever the group loses us: everything is there once, and committed", async () => {
    for (const kind of ["fails", "member lost"] as const) {
      for (let nth = 1, clean = false; !clean; nth += 1) {
        const [cluster, world] = [filled(), stores()];
        let met = false;
        cluster.fault = (_call, index) => {
          if (index !== nth) return undefined;
          met = true;
          return kind;
        };
        const totals = await consume(optionsOf(cluster, world.sink));
        const note = `${kind} at call ${nth} (${cluster.calls[nth - 1]})`;
        await assertAllThere(cluster, world, note);
        assertCommitsInOrder(cluster);
        assert.equal(totals.created, 100, note);
        clean = !met;
      }
    }
  }).timeout(60_000);

  it("shares the work with others that come and go", async () => {
    const [cluster, world] = [filled(), stores()];
    const early = new AbortController();
    const first = consume(optionsOf(cluster, slowly(world.sink), { signal: early.signal, untilCaughtUp: false }));
    await delay(10);
    const second = consume(optionsOf(cluster, slowly(world.sink), { untilCaughtUp: false, signal: early.signal }));
    await delay(25);
    const third = consume(optionsOf(cluster, slowly(world.sink)));
    await third;
    while ([0, 1, 2, 3].some((partition) => cluster.committed(partition) !== BigInt(perPartition))) await delay(5);
    early.abort();
    const all = await Promise.all([first, second, third]);
    await assertAllThere(cluster, world);
    assertCommitsInOrder(cluster);
    assert.equal(
      all.reduce((sum, { created }) => sum + created, 0),
      100,
    );
    assert.equal(cluster.members, 0);
  });

  it("holds no more than it may, however slow the sink is", async () => {
    const [cluster, world] = [filled(), stores()];
    let [active, most, mostBytes] = [0, 0, 0];
    let watched: Consumption | undefined;
    const counting: Sink = {
      take: async (message, signal) => {
        active += 1;
        most = Math.max(most, active);
        mostBytes = Math.max(mostBytes, watched!.inFlight.bytes);
        await delay(2);
        active -= 1;
        return world.sink.take(message, signal);
      },
    };
    await consume(optionsOf(cluster, counting, { bufferBytes: 45_000, concurrency: 3 }), (consumption) => {
      watched = consumption;
    });
    await assertAllThere(cluster, world);
    assert.equal(most, 3);
    assert.ok(mostBytes > 20_000 && mostBytes <= 45_000, `${mostBytes} bytes`);
    // A fetch that was on its way gives its room back when it is answered.
    while (watched!.inFlight.bytes > 0) await delay(2);
    assert.equal(watched!.inFlight.messages, 0);
  });

  it("a stop lets what is being written finish, commits exactly that, and the next one goes on there", async () => {
    const [cluster, world] = [filled(), stores()];
    const stop = new AbortController();
    let ended = 0;
    const onTaken = (): void => {
      ended += 1;
      if (ended === 20) stop.abort();
    };
    const totals = await consume(optionsOf(cluster, slowly(world.sink), { signal: stop.signal, untilCaughtUp: false, onTaken }));
    const { names } = await listAll(world.to);
    assert.equal(names.length, totals.created);
    // What was being written: as many as may be at once, and one that was begun in that moment.
    assert.ok(names.length > 20 && names.length <= 25, `${names.length}`);
    for (let partition = 0; partition < partitions; partition += 1) {
      const mine = names.filter((name) => name.startsWith(`photos/${partition}/`)).length;
      assert.ok(Number(cluster.committed(partition) ?? 0n) <= mine);
    }
    await consume(optionsOf(cluster, world.sink));
    await assertAllThere(cluster, world);
  });

  it("a stop waits only so long for a sink that hangs, and commits nothing of it", async () => {
    const cluster = filled();
    const stop = new AbortController();
    const hanging: Sink = { take: async (_message, signal) => delay<never>(1e6, undefined, { signal }) };
    const consuming = consume(optionsOf(cluster, hanging, { signal: stop.signal, stopTimeoutMs: 500 }));
    while (!cluster.calls.includes("fetch")) await delay(2);
    await delay(10);
    stop.abort();
    const totals = await consuming;
    assert.deepEqual([totals.messages, cluster.members], [0, 0]);
    assert.ok([0, 1, 2, 3].every((partition) => (cluster.committed(partition) ?? 0n) === 0n));
  });

  it("what a person must solve ends it: what is durable is committed, and the group is left", async () => {
    const [cluster, world] = [filled(), stores()];
    const failing: Sink = {
      take: async (message, signal) => {
        if (message.partition === 1 && message.offset === 9n)
          throw Object.assign(new Error("no permission"), { code: "PERMISSION_DENIED" });
        return world.sink.take(message, signal);
      },
    };
    await assert.rejects(consume(optionsOf(cluster, failing)), { code: "PERMISSION_DENIED" });
    assert.equal(cluster.committed(1), 9n);
    assert.equal(cluster.members, 0);
    const locked = filled();
    const refusing: ConsumeOptions["join"] = async () => Promise.reject(Object.assign(new Error("login"), { code: "KAFKA_LOGIN" }));
    await assert.rejects(consume({ ...optionsOf(locked, world.sink), join: refusing }), { code: "KAFKA_LOGIN" });
  });

  it("waits for a cluster that is out, says so, and gives up when it was told to", async () => {
    const [cluster, world] = [filled(), stores()];
    const said: string[] = [];
    const outage = { until: 0 };
    cluster.fault = (_call, index) => {
      if (index === 12) outage.until = fastClock.monotonicMs() + 6000;
      return fastClock.monotonicMs() < outage.until ? "fails" : undefined;
    };
    const totals = await consume(optionsOf(cluster, world.sink, { say: (text) => said.push(text) }));
    await assertAllThere(cluster, world);
    assert.ok(totals.outages >= 1);
    assert.match(said[0]!, /the Kafka cluster does not answer \(KAFKA_UNAVAILABLE: injected.*trying again until it does/);
    assert.match(said.at(-1)!, /answers again, after \d+ s/);
    const gone = fakeCluster(1);
    gone.fault = () => "fails";
    await assert.rejects(consume(optionsOf(gone, world.sink, { giveUpAfterMs: 5000 })), { code: "GAVE_UP" });
  });

  it("says what retention took before it was read, and goes on", async () => {
    const [cluster, world] = [filled(), stores()];
    await consume(optionsOf(cluster, world.sink));
    cluster.produce(2, ...Array.from({ length: 10 }, (_, index) => jpegLike(`late ${index}`)));
    cluster.expire(2, 30n);
    const said: string[] = [];
    const totals = await consume(optionsOf(cluster, world.sink, { say: (text) => said.push(text) }));
    assert.deepEqual([totals.expired, totals.created, cluster.committed(2)], [5, 5, 35n]);
    assert.match(said.join(), /photos\/2: messages 25 to 29 are gone from the cluster/);
  });
});
