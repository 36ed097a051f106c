import { fitName } from "./format.ts";
import { painter } from "./paint.ts";

/** A structured log line as people read it on a terminal: level, event, what happened; one row of it. */
export function logLineForPeople(line: string, view: { columns: number; color: boolean }): string {
  const { level, event, fields } = parse(line);
  const paint = painter(view);
  const head = `${level} ${event}: `;
  const text = fitName(
    typeof fields["message"] === "string" ? fields["message"] : fieldsText(fields),
    Math.max(20, view.columns - head.length - 1),
  );
  return `${paint(level === "error" ? "red" : level === "warn" ? "yellow" : "dim", level)} ${event}: ${text}`;
}

function parse(line: string): { level: string; event: string; fields: Record<string, unknown> } {
  const { time: _, level, event, ...fields } = JSON.parse(line) as Record<string, unknown>;
  return { level: String(level), event: String(event), fields };
}

function fieldsText(fields: Record<string, unknown>): string {
  return Object.entries(fields)
    .map(([key, value]) => `${key}=${String(value)}`)
    .join(" ");
}
