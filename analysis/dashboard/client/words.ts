import { formatBytes } from "../../../core/format.ts";
import { fineDuration, short } from "../../page/format.ts";
import type { Range } from "../model/bins.ts";
import type { DashboardModel } from "../model/dashboard.ts";
import type { BinKey, CategoryKey } from "../model/selection.ts";

/** How the page calls what it shows. */
export const titles: Record<CategoryKey | BinKey, string> = {
  run: "Run",
  outcome: "Outcome",
  reason: "Reason",
  format: "Format",
  camera: "Camera",
  color: "Colour space",
  size: "Size",
  megapixels: "Megapixels",
  spent: "Time an image",
  elapsed: "Into the run",
};

const units: Record<BinKey, (value: number) => string> = {
  size: formatBytes,
  megapixels: (value) => `${short(value)} MP`,
  spent: fineDuration,
  elapsed: fineDuration,
};

export function edgeText(key: BinKey, edge: number): string {
  return edge === 0
    ? "0"
    : units[key](edge)
        .replace(".0 ", " ")
        .replace(/ min 00 s$/, " min");
}

export function rangeText(key: BinKey, { from, below }: Range): string {
  if (below === undefined) return `${edgeText(key, from)} and more`;
  return from === 0 ? `below ${edgeText(key, below)}` : `${edgeText(key, from)} – ${edgeText(key, below)}`;
}

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** `24 Nov` */
export function dayText(date: string): string {
  return `${Number(date.slice(8, 10))} ${months[Number(date.slice(5, 7)) - 1] ?? ""}`;
}

/** Labels of runs by code: the date, and which of its date where there are several. */
export function runLabels({ runs }: DashboardModel): string[] {
  const seen = new Map<string, number>();
  return runs.run_date.map((date) => {
    const number = (seen.get(date) ?? 0) + 1;
    seen.set(date, number);
    return number === 1 ? dayText(date) : `${dayText(date)} (${number})`;
  });
}
