import stringWidth from "string-width";
import { printable } from "../../core/names.ts";

export { formatCount, formatMany, formatBytes, formatRate, formatDuration, formatShare, formatPrice } from "../../core/format.ts";

/** Columns that a text takes on a terminal; escape sequences take none. */
export function columnsOf(text: string): number {
  return stringWidth(text);
}

const graphemes = new Intl.Segmenter();

/** A name from outside, harmless and at most `columns` wide: the middle goes, so that folder and ending stay. */
export function fitName(name: string, columns: number): string {
  const safe = printable(name);
  if (columnsOf(safe) <= columns) return safe;
  const parts = [...graphemes.segment(safe)].map(({ segment }) => segment);
  const tail = takeColumns(parts.toReversed(), Math.floor((columns - 1) / 2)).toReversed();
  const head = takeColumns(parts, columns - 1 - columnsOf(tail.join("")));
  return columns < 1 ? "" : `${head.join("")}…${tail.join("")}`;
}

function takeColumns(parts: string[], columns: number): string[] {
  let used = 0;
  const end = parts.findIndex((part) => {
    used += columnsOf(part);
    return used > columns;
  });
  return end === -1 ? parts : parts.slice(0, end);
}

export function padEnd(text: string, columns: number): string {
  return text + " ".repeat(Math.max(0, columns - columnsOf(text)));
}

export function padStart(text: string, columns: number): string {
  return " ".repeat(Math.max(0, columns - columnsOf(text))) + text;
}
