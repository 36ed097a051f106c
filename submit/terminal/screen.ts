import type { Clock } from "../../core/clock.ts";
import type { RunEvent } from "../../core/events.ts";
import { printable } from "../../core/names.ts";
import { formatBytes, formatCount, formatDuration, formatMany } from "./format.ts";
import { painter } from "./paint.ts";
import { advanceProgress, beginProgress, renderPlain, renderProgress, type ProgressState } from "./progress.ts";

/** Where a display is drawn: stderr, or a recording of a test. */
export interface Surface {
  write(text: string): void;
  /** Undefined where nothing can be redrawn: a pipe, a file, a scheduler's log. */
  columns(): number | undefined;
  color: boolean;
}

/** Shows what a verb is doing; other lines go above it. Disposing erases it. */
export interface Screen extends Disposable {
  /** Starts the display: at once, so that nobody waits before silence. */
  begin(phase: string): void;
  event(event: RunEvent): void;
  /** A line that stays. */
  line(text: string): void;
  /** Runs what writes to the same terminal by another way. */
  aside(write: () => void): void;
}

const redrawMs = 200;
const plainMs = 5000;

export function openScreen(surface: Surface, clock: Pick<Clock, "monotonicMs">): Screen {
  let state: ProgressState | undefined;
  let drawn = 0;
  let timer: NodeJS.Timeout | undefined;

  const erase = (): void => {
    if (drawn > 0) surface.write(`${drawn > 1 ? `\x1b[${drawn - 1}A` : ""}\r\x1b[J`);
    drawn = 0;
  };
  const draw = (): void => {
    const columns = surface.columns();
    if (state === undefined || columns === undefined) return;
    const lines = renderProgress(state, { columns, nowMs: clock.monotonicMs(), color: surface.color });
    const up = drawn > 1 ? `\x1b[${drawn - 1}A` : "";
    surface.write(`${up}\r${lines.map((line) => `${line}\x1b[K`).join("\n")}\x1b[J`);
    drawn = lines.length;
  };
  const plain = (): void => {
    if (state !== undefined) surface.write(`${renderPlain(state, clock.monotonicMs())}\n`);
  };
  const aside = (write: () => void): void => {
    erase();
    write();
    draw();
  };
  const line = (text: string): void => aside(() => surface.write(`${text}\n`));

  return {
    begin: (phase) => {
      state = beginProgress(phase, clock.monotonicMs());
      const redraws = surface.columns() !== undefined;
      draw();
      timer ??= setInterval(redraws ? draw : plain, redraws ? redrawMs : plainMs).unref();
    },
    event: (event) => {
      if (state === undefined) return;
      state = advanceProgress(state, event, clock.monotonicMs());
      const text = lineOf(event, surface.color);
      if (text !== undefined) line(text);
    },
    line,
    aside,
    [Symbol.dispose]: () => {
      clearInterval(timer);
      timer = undefined;
      erase();
      state = undefined;
    },
  };
}

/** What stays on the screen of an event. */
function lineOf(event: RunEvent, color: boolean): string | undefined {
  switch (event.type) {
    case "planned":
      return plannedLine(event);
    case "submitted":
      return event.links.length === 0
        ? undefined
        : event.links.map(({ label, url }) => `${printable(label)}: ${printable(url)}`).join("\n");
    case "notice":
      return event.level === "warn" ? painter({ color })("yellow", `warning: ${printable(event.text)}`) : printable(event.text);
    default:
      return undefined;
  }
}

function plannedLine(event: Extract<RunEvent, { type: "planned" }>): string {
  const unchanged = event.unchanged === 0 ? "" : `, ${formatCount(event.unchanged)} of them unchanged`;
  const work = event.shards === 0 ? "nothing to do" : `${formatMany(event.shards, "shard")}, about ${formatDuration(event.predictedMs)}`;
  return `run ${event.runId}: ${formatMany(event.objects, "object")} (${formatBytes(event.bytes)})${unchanged}; ${work}`;
}
