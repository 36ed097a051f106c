const plainDurationsMs = [
  20, 50, 100, 200, 250, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 1_800_000,
];
const hourMs = 3_600_000;

/** The shortest duration that people count in and that is at least so long, in milliseconds; above half an hour, whole hours. */
export function plainDuration(leastMs: number): number {
  return plainDurationsMs.find((ms) => ms >= leastMs) ?? Math.ceil(leastMs / hourMs) * hourMs;
}
