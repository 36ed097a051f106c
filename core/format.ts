/** Figures as people read them; the same on every machine, whatever its locale. */

const counts = new Intl.NumberFormat("en-US");

/** 1,234,567 */
export function formatCount(value: number): string {
  return counts.format(Math.round(value));
}

/** `1 image`, `2,743 images` */
export function formatMany(value: number, one: string, many = `${one}s`): string {
  return `${formatCount(value)} ${value === 1 ? one : many}`;
}

const byteUnits = ["B", "kB", "MB", "GB", "TB", "PB"];

/** Decimal, three digits at most: 850 B, 1.2 MB, 31 GB */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < byteUnits.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit > 0 && value < 9.95 ? value.toFixed(1) : value.toFixed(0)} ${byteUnits[unit]!}`;
}

/** 0.4, 9.5, 312, 1,234 */
export function formatRate(value: number): string {
  return value < 9.95 ? value.toFixed(1) : formatCount(value);
}

/** 850 ms, 12 s, 3 min 05 s, 1 h 05 min, 2 d 03 h */
export function formatDuration(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${twoDigits(seconds % 60)} s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ${twoDigits(Math.floor((seconds % 3600) / 60))} min`;
  return `${Math.floor(seconds / 86_400)} d ${twoDigits(Math.floor((seconds % 86_400) / 3600))} h`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}

/** 0 % only for none, 100 % only for all. */
export function formatShare(part: number, whole: number): string {
  if (whole === 0) return "0 %";
  const percent = Math.round((100 * part) / whole);
  const inside = part > 0 && part < whole ? Math.min(99, Math.max(1, percent)) : percent;
  return `${inside} %`;
}

/** 0.0004 USD, 0.31 USD, 12.50 USD, 1,234 USD */
export function formatPrice(price: number, currency: string): string {
  if (price > 0 && price < 0.005) return `${price.toPrecision(1)} ${currency}`;
  return `${price < 1000 ? price.toFixed(2) : formatCount(price)} ${currency}`;
}
