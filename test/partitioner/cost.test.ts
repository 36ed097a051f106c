import assert from "node:assert/strict";
import fc from "fast-check";
import { seededRandom } from "../../core/clock.ts";
import { memoryStore } from "../../storage/memory.ts";
import { readCostModel, writeCostModel } from "../../partitioner/cost-store.ts";
import { defaultCostModel, families, familyOf, predictMs, predictWork } from "../../partitioner/cost.ts";
import { createCostSampler, fitCost, type CostSample } from "../../partitioner/fit.ts";

const limits = { maxObjectBytes: 1_000_000, imageTimeoutMs: 1_000 } as Parameters<typeof predictWork>[2];

function samplesOf(count: number, cost: (megabytes: number, megapixels: number) => number, extension = "jpg", seed = 1): CostSample[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, (_, index) => {
    const sizeBytes = 10_000 + Math.floor(random.next() ** 3 * 5_000_000);
    const pixels = Math.floor(sizeBytes * (1 + 3 * random.next()));
    const ms = cost(sizeBytes / 1e6, pixels / 1e6) * (0.8 + 0.4 * random.next());
    return { name: `${index}.${extension}`, sizeBytes, pixels, ms };
  });
}

function predictedTotal(samples: CostSample[], model: typeof defaultCostModel): number {
  return samples.reduce((sum, sample) => sum + predictMs({ ...sample, generation: "1" }, model), 0);
}

function actualTotal(samples: CostSample[]): number {
  return samples.reduce((sum, sample) => sum + sample.ms, 0);
}

describe("the cost of an image", () => {
  it("goes by its content type, else by its extension", () => {
    assert.equal(familyOf("a.png", "image/jpeg"), "jpeg");
    assert.equal(familyOf("a", "image/svg+xml; charset=utf-8"), "svg");
    assert.equal(familyOf("a.PNG", "application/octet-stream"), "png");
    assert.equal(familyOf("a.HEIC"), "heif");
    assert.equal(familyOf("a.constructor"), "other");
    assert.equal(familyOf("jpg"), "other");
    assert.equal(familyOf("archive.tar.gz"), "other");
  });

  it("grows with bytes and pixels, and is never zero or infinite", () => {
    fc.assert(
      fc.property(fc.constantFrom(...families), fc.nat(2 ** 31), fc.nat(2 ** 28), (family, sizeBytes, pixels) => {
        const object = { name: `x.${family}`, generation: "1", sizeBytes };
        const ms = predictMs(object, defaultCostModel);
        assert.ok(ms > 0 && Number.isFinite(ms));
        assert.ok(predictMs({ ...object, sizeBytes: sizeBytes + 1_000_000 }, defaultCostModel) > ms);
        const known = predictMs({ ...object, pixels }, defaultCostModel);
        assert.ok(predictMs({ ...object, pixels: pixels + 1_000_000 }, defaultCostModel) > known);
      }),
    );
  });

  it("ends at the deadline, and is next to nothing for what is never read", () => {
    const object = { name: "a.png", generation: "1", sizeBytes: 900_000, pixels: 1e9 };
    assert.equal(predictWork(object, defaultCostModel, limits), 1_000);
    assert.equal(predictWork({ ...object, sizeBytes: 2_000_000 }, defaultCostModel, limits), 1);
    assert.equal(predictWork({ ...object, sizeBytes: 0 }, defaultCostModel, limits), 1);
  });
});

describe("fitting the cost", () => {
  it("finds what the images followed", () => {
    const samples = samplesOf(2_000, (megabytes, megapixels) => 3 + 10 * megabytes + 20 * megapixels);
    const { jpeg } = fitCost(samples).families;
    assert.ok(Math.abs(jpeg.fixedMs - 3) < 1, String(jpeg.fixedMs));
    assert.ok(Math.abs(jpeg.msPerMegabyte + 2.5 * jpeg.msPerMegapixel - 60) < 6);
  });

  it("keeps totals right, also where only bytes are known", () => {
    const samples = samplesOf(1_000, (megabytes, megapixels) => 5 + 8 * megabytes + 4 * megapixels);
    const model = fitCost(samples);
    const bytesOnly = samples.map(({ pixels: _pixels, ...sample }) => sample);
    for (const view of [samples, bytesOnly]) {
      const ratio = predictedTotal(view, model) / actualTotal(samples);
      assert.ok(ratio > 0.93 && ratio < 1.07, String(ratio));
    }
  });

  it("is not led astray by a few that waited for something else", () => {
    const samples = samplesOf(1_000, (megabytes, megapixels) => 5 + 8 * megabytes + 4 * megapixels);
    const disturbed = samples.map((sample, index) => (index % 50 === 0 ? { ...sample, ms: sample.ms * 200 } : sample));
    const ratio = predictedTotal(samples, fitCost(disturbed)) / actualTotal(samples);
    assert.ok(ratio > 0.9 && ratio < 1.25, String(ratio));
  });

  it("scales what it knows too little of by what it knows", () => {
    const slow = samplesOf(500, (megabytes, megapixels) => 3 * (6.5 + 6 * megabytes + 1.5 * megapixels));
    const model = fitCost([...slow, ...samplesOf(5, () => 1, "png")]);
    const ratio = model.families.png.fixedMs / defaultCostModel.families.png.fixedMs;
    assert.ok(ratio > 2.5 && ratio < 3.5, String(ratio));
  });

  it("is the default without samples, and never negative or undefined with any", () => {
    assert.deepEqual(fitCost([]), defaultCostModel);
    const sample = fc.record({
      name: fc.constantFrom("a.jpg", "a.png", "a"),
      sizeBytes: fc.nat(10_000_000),
      ms: fc.double({ min: -1, max: 1e6, noNaN: true }),
      pixels: fc.nat(1e8),
    });
    fc.assert(
      fc.property(fc.array(sample, { minLength: 30, maxLength: 80 }), (samples) => {
        for (const cost of Object.values(fitCost(samples).families)) {
          for (const value of Object.values(cost) as number[]) assert.ok(Number.isFinite(value) && value >= 0, JSON.stringify(cost));
        }
      }),
    );
  });

  it("does not forget what it knows for a handful of new images, nor cling to it", () => {
    const many = samplesOf(3_000, (megabytes, megapixels) => 5 + 8 * megabytes + 4 * megapixels);
    const model = fitCost(many);
    assert.deepEqual(
      fitCost(
        samplesOf(10, () => 1_000),
        model,
      ),
      model,
    );
    const slower = samplesOf(3_000, (megabytes, megapixels) => 15 + 24 * megabytes + 12 * megapixels);
    let learning = model;
    for (let run = 0; run < 5; run++) learning = fitCost(slower, learning);
    const ratio = predictedTotal(slower, learning) / actualTotal(slower);
    assert.ok(ratio > 0.9 && ratio < 1.1, String(ratio));
  });

  it("samples any number of images evenly in bounded memory", () => {
    const sampler = createCostSampler();
    for (let index = 0; index < 50_000; index++) sampler.add({ name: "a.jpg", sizeBytes: index + 1, ms: 1 });
    const kept = sampler.samples();
    assert.ok(kept.length >= 2_500 && kept.length <= 5_000, String(kept.length));
    const mean = kept.reduce((sum, sample) => sum + sample.sizeBytes, 0) / kept.length;
    assert.ok(Math.abs(mean - 25_000) < 500, String(mean));
  });
});

describe("the stored cost", () => {
  const jobs = [
    { name: "b", version: 1, params: {}, digest: "bb" },
    { name: "a", version: 1, params: {}, digest: "aa" },
  ];

  it("is the default until it was fitted, and one for the same jobs in any order", async () => {
    const control = memoryStore();
    assert.deepEqual(await readCostModel(control, jobs), defaultCostModel);
    const fitted = fitCost(samplesOf(100, () => 50));
    await writeCostModel(control, jobs, fitted);
    assert.deepEqual(await readCostModel(control, jobs.toReversed()), fitted);
    assert.deepEqual(await readCostModel(control, jobs.slice(1)), defaultCostModel);
  });

  it("is ignored where it makes no sense", async () => {
    for (const stored of [
      {},
      [],
      { families: 7 },
      { families: { jpeg: { fixedMs: "1" }, png: { ...defaultCostModel.families.png, samples: -1 } } },
    ]) {
      const control = memoryStore();
      await writeCostModel(control, jobs, stored as unknown as typeof defaultCostModel);
      assert.deepEqual(await readCostModel(control, jobs), defaultCostModel);
    }
  });
});
