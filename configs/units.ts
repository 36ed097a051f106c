const sizeUnits: Record<string, number> = {
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};
const durationUnits: Record<string, number> = { ms: 1, s: 1e3, m: 6e4, min: 6e4, h: 3.6e6, d: 8.64e7 };
const pixelUnits: Record<string, number> = { MP: 1e6 };

/** `64MiB`, `1.5 GB` -> bytes; undefined for anything else. */
export function parseSize(text: string): number | undefined {
  return parseQuantity(text, sizeUnits);
}

/** `30s`, `1.5h`, `500 ms` -> milliseconds; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  return parseQuantity(text, durationUnits);
}

/** `250MP` -> pixels; undefined for anything else. */
export function parsePixels(text: string): number | undefined {
  return parseQuantity(text, pixelUnits);
}

function parseQuantity(text: string, units: Record<string, number>): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([A-Za-z]+)$/.exec(text.trim());
  const unit = match === null ? undefined : Object.getOwnPropertyDescriptor(units, match[2]!)?.value;
  return typeof unit === "number" ? Math.round(Number(match![1]) * unit) : undefined;
}

/** The shortest exact text: 268435456 -> `256MiB`, 30000 -> `30s`; the bare number where no unit fits. */
function exactSize(bytes: number): string {
  return exactQuantity(bytes, sizeUnits, ["TiB", "GiB", "MiB", "KiB"]);
}

function exactDuration(ms: number): string {
  return exactQuantity(ms, durationUnits, ["h", "min", "s", "ms"]);
}

function exactPixels(pixels: number): string {
  return exactQuantity(pixels, pixelUnits, ["MP"]);
}

function exactQuantity(value: number, units: Record<string, number>, names: string[]): string {
  const unit = names.find((name) => value !== 0 && Number.isInteger(value / units[name]!));
  return unit === undefined ? String(value) : `${value / units[unit]!}${unit}`;
}

/** A value as a user would write it: the unit is the last part of its key. */
export function unitText(key: string, value: unknown): unknown {
  if (typeof value !== "number") return value;
  if (key.endsWith("Ms")) return exactDuration(value);
  if (key.endsWith("Bytes")) return exactSize(value);
  return key.endsWith("Pixels") ? exactPixels(value) : value;
}
