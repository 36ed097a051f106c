import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { imagesOf, makeCorpus, withComment } from "../../benchmarks/corpus.ts";
import type { Measurement } from "../../benchmarks/contenders.ts";
import { machineSlug, type MachineCard } from "../../benchmarks/machine.ts";
import { enginesReport, type Took } from "../../benchmarks/engines-report.ts";
import { report, type Results } from "../../benchmarks/results.ts";
import { median } from "../../benchmarks/statistics.ts";
import { sha256Hex } from "../../core/digest.ts";

const machine: MachineCard = {
  date: "2026-11-23",
  cpu: "Intel(R) Xeon(R) CPU @ 2.20GHz",
  cores: 2,
  memoryGiB: 8,
  system: "linux",
  node: "24",
  sharp: "1",
  libvips: "8",
  fileSystem: "ext4",
  loadBefore: 0.1,
  commit: "abc",
};

function measurements(...wallMs: number[]): Measurement[] {
  return wallMs.map((ms) => ({ images: 100, bytesIn: 1e7, bytesOut: 1e6, wallMs: ms, processMs: ms + 100, cpuMs: 900 }));
}

describe("the benchmark", () => {
  it("takes the middle", () => {
    assert.equal(median([9, 1, 5]), 5);
    assert.equal(median([4, 1, 2, 9]), 3);
  });

  it("compares engines within each repetition, and says when there was too little work", () => {
    const took = (startUpMs: number, workMs: number): Took => ({ startUpMs, workMs, wallMs: startUpMs + workMs });
    const repetition = (workMs: number) => ({
      local: took(700, workMs),
      "local, not bound": took(700, workMs * 1.1),
      spark: took(5000, workMs * 1.2),
      "spark, one worker": took(5000, workMs * 2.1),
    });
    const results = { machine, images: 12_000, description: "photographs", cores: 2 };
    // The second repetition met a slower machine: its ratios are the same.
    const text = enginesReport({ ...results, repetitions: [repetition(60_000), repetition(90_000), repetition(61_000)] });
    assert.match(text, /Overhead of spark after start-up, 2 workers each: 20 \(20, 20, 20\) %/);
    assert.match(text, /not bound to a core, as Spark's are not: 9\.09 /);
    assert.match(text, /2 spark workers against one: 1\.75 \(/);
    assert.match(text, /\| spark +\| 5 +\|/);
    assert.doesNotMatch(text, /Too short/);
    assert.match(enginesReport({ ...results, repetitions: [repetition(10_000)] }), /Too short to count: 10 s of work/);
  });

  it("compares medians with those of the first contender, with and without start-up", () => {
    const results: Results = {
      machine,
      corpus: { recipe: 1, small: 1, large: 1, copies: 1, images: 100, bytes: 1e7, megapixels: 50, description: "a hundred" },
      startUp: measurements(1000, 1000, 9000),
      contenders: [
        { name: "bare loop", what: "bare", measurements: measurements(1000, 2000, 1000) },
        { name: "imagemill run", what: "whole", measurements: measurements(3000, 1500, 1500) },
      ],
      stages: [],
    };
    const lines = report(results).split("\n");
    const cells = (name: string): string[] =>
      (lines.find((line) => line.startsWith(`| ${name} `)) ?? "")
        .split("|")
        .map((cell) => cell.trim())
        .slice(1, 4);
    assert.deepEqual(cells("bare loop"), ["bare loop", "100 (50-100)", "1"]);
    assert.deepEqual(cells("imagemill run"), ["imagemill run", "66.7 (33.3-66.7)", "0.667"]);
    assert.deepEqual(cells("imagemill run, after start-up"), ["imagemill run, after start-up", "200 (50-200)", "2"]);
    assert.doesNotMatch(report(results), /Others were at work/);
    assert.match(report({ ...results, machine: { ...machine, loadBefore: 4 } }), /Others were at work/);
  });

  it("names a machine so that a file can be called after it", () => {
    assert.equal(machineSlug(machine), "intel-xeon-2-cores");
  });

  it("makes a corpus of different bytes once, and equal pixels in copies", async function () {
    this.timeout(60_000);
    const cache = await mkdtemp(join(tmpdir(), "imagemill-bench-"));
    try {
      const lines: string[] = [];
      const request = { small: 3, large: 1, copies: 2 };
      const { folder, corpus } = await makeCorpus(cache, request, (line) => lines.push(line));
      assert.deepEqual(await makeCorpus(cache, request, (line) => lines.push(line)), { folder, corpus });
      assert.equal(lines.length, 1);
      const images = await Promise.all((await imagesOf(folder)).map((path) => readFile(path)));
      assert.equal(new Set(images.map(sha256Hex)).size, 8);
      const pixels = await Promise.all(images.map(async (image) => sha256Hex(await sharp(image).raw().toBuffer())));
      assert.equal(new Set(pixels).size, 4);
      const { width, height } = await sharp(images[0]).metadata();
      assert.ok(width * height >= 4e6);
      assert.equal(corpus.images, 8);
    } finally {
      await rm(cache, { recursive: true });
    }
  });

  it("puts a comment where decoders look past it", async () => {
    const jpeg = await sharp({ create: { width: 9, height: 9, channels: 3, background: "#123" } })
      .jpeg()
      .toBuffer();
    const commented = withComment(jpeg, "7/3");
    assert.notDeepEqual(commented, jpeg);
    assert.deepEqual(await sharp(commented).raw().toBuffer(), await sharp(jpeg).raw().toBuffer());
  });
});
