import assert from "node:assert/strict";
import fc from "fast-check";
import { binsOf, durationsOf, sumsOf, textsOf, topOf } from "../../analysis/report/collect.ts";
import { summarise } from "../../analysis/report/summarise.ts";
import type { ImageRow } from "../../core/rows.ts";
import { at, commitOf, imageRow, planOf, runId } from "./stored-run.ts";

describe("collectors of a report", () => {
  it("topOf keeps what sorting everything would put first", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1000), { maxLength: 500 }), fc.integer({ min: 1, max: 20 }), (values, limit) => {
        const top = topOf<number>(limit, (a, b) => b - a);
        for (const value of values) top.add(value);
        assert.deepEqual(top.values(), values.sort((a, b) => b - a).slice(0, limit));
      }),
    );
  });

  it("bins hold every value once, between their edges", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1e9, noNaN: true })), (values) => {
        const bins = binsOf([0, 1, 10, 1000]);
        for (const value of values) bins.add(value);
        for (const { from, below, objects } of bins.bins()) {
          assert.equal(objects, values.filter((value) => value >= from && (below === null || value < below)).length);
        }
      }),
    );
  });

  it("percentiles are close to those of all values", () => {
    const durations = durationsOf();
    for (let ms = 1; ms <= 1000; ms += 1) durations.add(ms);
    const { p50, p90, p99, max, total } = durations.numbers("read");
    assert.ok(Math.abs(p50 - 500) <= 5 && Math.abs(p90 - 900) <= 9 && Math.abs(p99 - 990) <= 10, JSON.stringify({ p50, p90, p99 }));
    assert.deepEqual({ max, total }, { max: 1000, total: 500_500 });
    assert.deepEqual(durationsOf().numbers("read"), { stage: "read", p50: 0, p90: 0, p99: 0, max: 0, total: 0 });
  });

  it("texts that differ in numbers and quoted names count as one, and no flood of texts grows without bound", () => {
    const texts = textsOf(2);
    for (let index = 0; index < 10_000; index += 1) {
      texts.add(`cannot read "${index}.jpg" at byte 0x${index.toString(16)}`, `${index}.jpg`);
      texts.add(`oddity ${"x".repeat(index % 5000)}`, `${index}`);
    }
    const found = texts.texts();
    assert.equal(found.length, 3);
    assert.deepEqual(found[0], { text: 'cannot read "0.jpg" at byte 0x0', objects: 10_000, example: "0.jpg" });
    assert.equal(
      found.reduce((sum, text) => sum + text.objects, 0),
      20_000,
    );
  });

  it("sums beyond the limit of keys go to one", () => {
    const sums = sumsOf(2, "(others)", () => ({ n: 0 }));
    for (const key of ["a", "b", "c", "d", "a"]) sums.at(key).n += 1;
    assert.deepEqual(sums.entries(), [
      ["(others)", { n: 2 }],
      ["a", { n: 2 }],
      ["b", { n: 1 }],
    ]);
  });
});

describe("summarise", () => {
  const output = {
    job: "thumbnails",
    variant: "256",
    uri: "x",
    member: null,
    generation: "1",
    crc32c: "",
    size_bytes: 500,
    width: 256,
    height: 100,
    format: "jpeg",
  };
  const rows: ImageRow[] = [
    imageRow("a.jpg", { outputs: [output], processed_at: at(100) }),
    imageRow("b.jpg", {
      warnings: ["decoded leniently: 3 bytes"],
      processed_at: at(900),
      timings: { read_ms: 5, queue_ms: 0, process_ms: 200, write_ms: 5 },
    }),
    imageRow("c.png", {
      format: "png",
      outcome: "quarantined",
      reason: "truncated",
      message: "ends at byte 7",
      megapixels: null,
      processed_at: at(3100),
    }),
    imageRow("d.jpg", { outcome: "skipped", reason: "duplicate", shard: "00001-bb", processed_at: at(99_000) }),
  ];
  const plan = planOf([
    { id: "00000-aa", objects: 3, predictedMs: 300 },
    { id: "00001-bb", objects: 1, predictedMs: 10 },
    { id: "00002-cc", objects: 5 },
  ]);
  const commits = [commitOf("00000-aa", rows.slice(0, 3), [0, 3000]), commitOf("00001-bb", rows.slice(3), [1000, 4000])];
  const files = { plan, commits, sealed: false, load: undefined };

  it("adds up to what the rows say", async () => {
    const numbers = await summarise(files, rows);
    assert.equal(numbers.state, "running");
    assert.deepEqual(numbers.shards, { planned: 3, committed: 2 });
    assert.deepEqual(numbers.counts, { objects: 4, ok: 2, skipped: 1, quarantined: 1, outputs: 1, bytesIn: 400_000, bytesOut: 500 });
    assert.deepEqual(numbers.processing, {
      startedAt: at(0),
      endedAt: at(4000),
      wallMs: 4000,
      imagesPerSecond: 1,
      bytesPerSecond: 100_000,
    });
    assert.deepEqual(numbers.work, { predictedMs: 310, actualMs: 230 });
    assert.deepEqual(
      numbers.reasons.map(({ outcome, reason, objects }) => [outcome, reason, objects]),
      [
        ["quarantined", "truncated", 1],
        ["skipped", "duplicate", 1],
      ],
    );
    assert.deepEqual(numbers.warnings, [{ text: "decoded leniently: 3 bytes", objects: 1, example: "b.jpg" }]);
    assert.equal(numbers.slowestImages[0]?.name, "b.jpg");
    assert.equal(numbers.slowestShards[0]?.shard, "00000-aa");
    assert.deepEqual(numbers.outputs, [{ job: "thumbnails", variant: "256", format: "jpeg", objects: 1, bytes: 500 }]);
    assert.deepEqual(numbers.samples, [
      { name: "a.jpg", generation: "1700000000000001", job: "thumbnails", variant: "256", format: "jpeg" },
    ]);
  });

  it("counts each row once over time, one of a wrong clock at the edge", async () => {
    const { throughput } = await summarise(files, rows);
    const total = throughput.buckets.reduce((sum, bucket) => sum + bucket.ok + bucket.skipped + bucket.quarantined, 0);
    assert.equal(total, 4);
    assert.deepEqual(throughput.buckets.at(-1), { ok: 0, skipped: 1, quarantined: 0 });
    assert.ok(throughput.bucketMs * throughput.buckets.length >= 4000);
  });

  it("says what a run without commits can say", async () => {
    const numbers = await summarise({ plan, commits: [], sealed: false, load: undefined }, []);
    assert.equal(numbers.state, "planned");
    assert.equal(numbers.processing.imagesPerSecond, 0);
    assert.deepEqual(numbers.throughput.buckets, []);
  });

  it("keeps to its memory however many rows there are", async function () {
    this.timeout(60_000);
    const many = 300_000;
    const first = imageRow("x");
    function* flood(): Generator<ImageRow> {
      for (let index = 0; index < many; index += 1) {
        const name = `folder/${index}/${"n".repeat(50)}.jpg`;
        const bad = index % 3 === 0;
        yield {
          ...first,
          name,
          processed_at: at(index),
          warnings: [`odd ${name}`],
          ...(bad && { outcome: "quarantined", reason: "corrupt", message: `bad ${name}` }),
        };
      }
    }
    const before = process.memoryUsage().heapUsed;
    let most = 0;
    function* watched(): Generator<ImageRow> {
      let seen = 0;
      for (const row of flood()) {
        yield row;
        if (++seen % 50_000 === 0) most = Math.max(most, process.memoryUsage().heapUsed - before);
      }
    }
    const numbers = await summarise({ ...files, commits: [commitOf("00000-aa", [], [0, many])] }, watched());
    assert.equal(numbers.runId, runId);
    assert.ok(most < 150e6, `${Math.round(most / 1e6)} MB`);
    assert.ok(JSON.stringify(numbers).length < 200_000);
  });
});
