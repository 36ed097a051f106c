import { formatCount, formatDuration } from "../../core/format.ts";

/** Figures as a page writes them, where one figure more than on a terminal helps to compare. */

/** 1.41 ms, 12.3 ms, 2.2 s, 3 min 05 s */
export function fineDuration(ms: number): string {
  if (ms < 999.5) return `${short(ms)} ms`;
  return ms < 9950 ? `${short(ms / 1000)} s` : formatDuration(ms);
}

/** Two decimals below ten, one below a hundred, none above. */
export function short(value: number): string {
  if (value >= 100) return formatCount(value);
  if (value > 0 && value < 0.005) return "<0.01";
  return String(Number(value.toFixed(value >= 10 ? 1 : 2)));
}

/** A share that is not nothing never reads 0 %, one that is not all never 100 %. */
export function percent(part: number, whole: number): string {
  if (whole === 0) return "–";
  const share = (part / whole) * 100;
  if (share > 0 && share < 0.1) return "<0.1 %";
  if (share < 100 && share > 99.9) return ">99.9 %";
  return `${Number(share.toFixed(1))} %`;
}

/** `2026-11-23 14:05:09 UTC` */
export function instant(rfc3339: string): string {
  return `${new Date(rfc3339).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

export function addDays(date: string, days: number): string {
  return new Date(Date.parse(date) + days * 86_400_000).toISOString().slice(0, 10);
}
