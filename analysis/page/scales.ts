/** Where bins begin, the same on every page: a class of sizes, megapixels or times has one meaning. */

export const sizeEdges = [0, 10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000, 10_000_000, 30_000_000];
export const megapixelEdges = [0, 0.1, 0.3, 1, 3, 10, 30, 100];

const plainDurationsMs = [
  20, 50, 100, 200, 250, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 1_800_000,
];
const hourMs = 3_600_000;

/** The shortest duration that people count in and that is at least so long, in milliseconds; above half an hour, whole hours. */
export function plainDuration(leastMs: number): number {
  return plainDurationsMs.find((ms) => ms >= leastMs) ?? Math.ceil(leastMs / hourMs) * hourMs;
}
