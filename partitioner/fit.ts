import { defaultCostModel, families, familyOf, type CostModel, type Family, type FamilyCost } from "./cost.ts";
import { median, nonNegativeLeastSquares, type Point, type Triple } from "./least-squares.ts";

/** One image as it was processed. */
export interface CostSample {
  name: string;
  contentType?: string;
  sizeBytes: number;
  /** Absent where the header could not be read. */
  pixels?: number;
  /** Time in the thread. */
  ms: number;
}

/** Fewer images of a family than this say too little about it. */
const minSamples = 30;
const maxSamplesPerFamily = 5_000;
/** A thread cannot be faster or slower than the default by more: beyond it the samples are nonsense. */
const maxScale = 100;

/** Keeps a bounded, even choice of samples a family, whatever their number; equal input, equal choice. */
export function createCostSampler(): { add(sample: CostSample): void; samples(): CostSample[] } {
  const kept = new Map<Family, { samples: CostSample[]; stride: number; seen: number }>();
  return {
    add: (sample) => {
      const family = familyOf(sample.name, sample.contentType);
      const bin = kept.get(family) ?? { samples: [], stride: 1, seen: 0 };
      kept.set(family, bin);
      if (bin.seen++ % bin.stride !== 0) return;
      bin.samples.push(sample);
      if (bin.samples.length < maxSamplesPerFamily) return;
      bin.samples = bin.samples.filter((_sample, index) => index % 2 === 0);
      bin.stride *= 2;
    },
    samples: () => [...kept.values()].flatMap((bin) => bin.samples),
  };
}

/**
 * Fits the model to what images really took: least squares over bytes and pixels, no negative coefficient, outliers
 * (a busy machine, a cold cache) weighed down, totals kept. What earlier runs taught counts on, less than the new.
 * Families of which nothing is known keep the default's shape, scaled by how much faster or slower everything else was.
 */
export function fitCost(samples: Iterable<CostSample>, previous: CostModel = defaultCostModel): CostModel {
  const grouped = new Map<Family, CostSample[]>();
  for (const sample of samples) {
    if (!(sample.ms > 0) || !(sample.sizeBytes > 0)) continue;
    const family = familyOf(sample.name, sample.contentType);
    const group = grouped.get(family);
    if (group === undefined) grouped.set(family, [sample]);
    else group.push(sample);
  }
  const scale = scaleOf([...grouped.values()].flat(), previous);
  const fitted = families.map((family) => {
    const known = previous.families[family];
    const before = known.samples === 0 ? scaled(known, scale) : known;
    const group = grouped.get(family) ?? [];
    return [family, group.length < minSamples ? before : blended(before, fitFamily(group, before))] as const;
  });
  return { format: 1, families: Object.fromEntries(fitted) as Record<Family, FamilyCost> };
}

/** How much slower than predicted a typical image was. */
function scaleOf(samples: CostSample[], previous: CostModel): number {
  if (samples.length < minSamples) return 1;
  const ratios = samples.map((sample) => {
    const cost = previous.families[familyOf(sample.name, sample.contentType)];
    const [, megabytes, megapixels] = featuresOf(sample, cost.megapixelsPerMegabyte);
    return sample.ms / (cost.fixedMs + cost.msPerMegabyte * megabytes + cost.msPerMegapixel * megapixels);
  });
  return Math.min(maxScale, Math.max(1 / maxScale, median(ratios)));
}

function scaled(cost: FamilyCost, scale: number): FamilyCost {
  return {
    ...cost,
    fixedMs: cost.fixedMs * scale,
    msPerMegabyte: cost.msPerMegabyte * scale,
    msPerMegapixel: cost.msPerMegapixel * scale,
  };
}

/** A sample of an earlier run counts half. */
function blended(before: FamilyCost, now: FamilyCost): FamilyCost {
  const share = now.samples / (now.samples + before.samples / 2);
  const mix = (key: keyof FamilyCost): number => before[key] * (1 - share) + now[key] * share;
  return {
    fixedMs: mix("fixedMs"),
    msPerMegabyte: mix("msPerMegabyte"),
    msPerMegapixel: mix("msPerMegapixel"),
    megapixelsPerMegabyte: mix("megapixelsPerMegabyte"),
    samples: Math.min(maxSamplesPerFamily, Math.round(before.samples / 2) + now.samples),
  };
}

function fitFamily(samples: CostSample[], fallback: FamilyCost): FamilyCost {
  const megapixelsPerMegabyte = densityOf(samples) ?? fallback.megapixelsPerMegabyte;
  const points = samples.map((sample): Point => ({ features: featuresOf(sample, megapixelsPerMegabyte), value: sample.ms }));
  const start: Triple = [fallback.fixedMs, fallback.msPerMegabyte, fallback.msPerMegapixel];
  const [fixedMs, msPerMegabyte, msPerMegapixel] = nonNegativeLeastSquares(points, start);
  return { fixedMs, msPerMegabyte, msPerMegapixel, megapixelsPerMegabyte, samples: samples.length };
}

function featuresOf(sample: CostSample, megapixelsPerMegabyte: number): Triple {
  const megabytes = sample.sizeBytes / 1e6;
  return [1, megabytes, sample.pixels === undefined ? megabytes * megapixelsPerMegabyte : sample.pixels / 1e6];
}

/** Total pixels / total bytes: what keeps the predicted total right where only bytes are known. */
function densityOf(samples: CostSample[]): number | undefined {
  const known = samples.filter((sample) => sample.pixels !== undefined && sample.pixels > 0);
  if (known.length < minSamples) return undefined;
  const bytes = known.reduce((sum, sample) => sum + sample.sizeBytes, 0);
  return known.reduce((sum, sample) => sum + sample.pixels!, 0) / bytes;
}
