import type { RunEvent } from "../../core/events.ts";
import type { RunState } from "../../core/types.ts";
import { columnsOf, fitName, formatBytes, formatCount, formatDuration, formatRate, formatShare, padStart } from "./format.ts";
import { painter, type Painter } from "./paint.ts";

type ProgressEvent = Extract<RunEvent, { type: "progress" }>;

/** What is shown while a verb runs; a pure function of the events so far and of when they came. */
export interface ProgressState {
  phase: string;
  startedMs: number;
  listed?: { objects: number; bytes: number };
  latest?: ProgressEvent;
  /** Of work without a known end. */
  figures?: string[];
  /** Of the last seconds, oldest first: what the rates are taken from. */
  samples: { atMs: number; objects: number; bytes: number }[];
}

const rateWindowMs = 10_000;
/** From here on an image in flight is worth a line. */
const slowMs = 3000;

const phases: Record<RunState, string> = {
  absent: "listing",
  planned: "starting",
  running: "processing",
  committed: "checking",
  gated: "checking",
  sealed: "loading",
  loaded: "reporting",
  done: "done",
};

export function beginProgress(phase: string, nowMs: number): ProgressState {
  return { phase, startedMs: nowMs, samples: [] };
}

export function advanceProgress(state: ProgressState, event: RunEvent, nowMs: number): ProgressState {
  switch (event.type) {
    case "state":
      return { ...state, phase: phases[event.state] };
    case "listing":
      return { ...state, phase: "listing", listed: { objects: event.objects, bytes: event.bytes } };
    case "progress": {
      const sample = { atMs: nowMs, objects: event.done.objects, bytes: event.done.bytesIn };
      const recent = state.samples.filter(({ atMs }) => nowMs - atMs <= rateWindowMs);
      const kept = recent.length > 0 ? recent : state.samples.slice(-1);
      return { ...state, phase: workPhase(event), latest: event, samples: [...kept, sample] };
    }
    case "activity":
      return { ...state, phase: event.phase, figures: event.figures };
    default:
      return state;
  }
}

function workPhase(event: ProgressEvent): string {
  return event.phase ?? "processing";
}

/** The progress event to show, while the work that it tells of goes on. */
function shownWork({ latest, phase }: ProgressState): ProgressEvent | undefined {
  return latest !== undefined && phase === workPhase(latest) ? latest : undefined;
}

/** Objects and bytes a second over the last seconds; undefined before two samples. */
export function ratesOf({ samples }: ProgressState): { objects: number; bytes: number } | undefined {
  const [first, last] = [samples[0], samples.at(-1)];
  if (first === undefined || last === undefined || last.atMs <= first.atMs) return undefined;
  const seconds = (last.atMs - first.atMs) / 1000;
  return { objects: (last.objects - first.objects) / seconds, bytes: (last.bytes - first.bytes) / seconds };
}

/**
 * By objects or by bytes, whichever is less: shards run largest first, so that objects promise too little at the start
 * and bytes at the end.
 */
export function remainingMs(state: ProgressState): number | undefined {
  const rates = ratesOf(state);
  if (rates === undefined || state.latest === undefined || rates.objects <= 0) return undefined;
  const { done, total } = state.latest;
  if (done.objects >= total.objects) return undefined;
  const byObjects = (total.objects - done.objects) / rates.objects;
  const byBytes = rates.bytes > 0 ? Math.max(0, total.bytes - done.bytesIn) / rates.bytes : byObjects;
  return Math.max(0, 1000 * Math.min(byObjects, byBytes));
}

export interface View {
  columns: number;
  nowMs: number;
  color: boolean;
}

/** The lines of the display, none wider than the terminal. */
export function renderProgress(state: ProgressState, view: View): string[] {
  return [mainLine(state, view), ...slowLine(state, view)];
}

function mainLine(state: ProgressState, view: View): string {
  const room = view.columns - 1;
  const paint = painter(view);
  const phase = paint("cyan", state.phase);
  const work = shownWork(state);
  if (work === undefined) {
    const elapsedMs = view.nowMs - state.startedMs;
    const texts = [...foundTexts(state), ...(elapsedMs < 1000 ? [] : [formatDuration(elapsedMs)])];
    for (let kept = texts.length; kept >= 0; kept -= 1) {
      const line = [`${spinner(view.nowMs)} ${phase}`, ...texts.slice(0, kept)].join("  ");
      if (columnsOf(line) <= room) return line;
    }
    return fitName(state.phase, room);
  }
  const share = doneShare(work);
  const texts = pieces(state);
  // The least important leave first, so that what is left stays whole.
  for (const kept of [6, 5, 4, 3, 2, 1]) {
    const rest = texts.filter(({ rank }) => rank <= kept).map(({ text, bad }) => (bad === true ? paint("yellow", text) : text));
    const line = [phase, ...rest].join("  ");
    const barColumns = Math.min(30, room - columnsOf(line) - 2);
    if (barColumns >= 10) return [phase, bar(share, barColumns, paint), ...rest].join("  ");
  }
  const short = texts[0]!.text;
  return columnsOf(short) <= room ? short : "";
}

function slowLine(state: ProgressState, view: View): string[] {
  const slowest = shownWork(state)?.slowest;
  if (slowest === undefined || slowest.ms < slowMs) return [];
  const text = `  slow: ${formatDuration(slowest.ms)}  `;
  const room = view.columns - 1 - columnsOf(text);
  return room < 8 ? [] : [painter(view)("dim", text + fitName(slowest.name, room))];
}

/** Rank 1 is the last to leave a narrow terminal. */
function pieces(state: ProgressState): { text: string; rank: number; bad?: boolean }[] {
  const { done, total, shards } = state.latest!;
  const rates = shownRates(state);
  const left = state.latest!.pace === undefined ? remainingMs(state) : state.latest!.pace.remainingMs;
  return [
    { text: formatShare(done.objects, total.objects), rank: 1 },
    { text: `${padStart(formatCount(done.objects), formatCount(total.objects).length)}/${formatCount(total.objects)}`, rank: 2 },
    ...(rates === undefined ? [] : [{ text: `${formatRate(rates.objects)} images/s`, rank: 4 }]),
    ...(rates?.bytes === undefined ? [] : [{ text: `${formatBytes(rates.bytes)}/s`, rank: 6 }]),
    ...(left === undefined ? [] : [{ text: `${formatDuration(Math.max(1000, left))} left`, rank: 3 }]),
    ...(done.quarantined === 0 ? [] : [{ text: `${formatCount(done.quarantined)} quarantined`, rank: 3, bad: true }]),
    ...(shards.retried + shards.failed === 0
      ? []
      : [{ text: `${formatCount(shards.retried + shards.failed)} shards retried`, rank: 5, bad: true }]),
  ];
}

function shownRates(state: ProgressState): { objects: number; bytes?: number } | undefined {
  const pace = state.latest?.pace;
  const rates = pace === undefined ? ratesOf(state) : { objects: pace.imagesPerSecond };
  return rates !== undefined && rates.objects > 0 ? rates : undefined;
}

function doneShare({ done, total }: ProgressEvent): number {
  return total.objects === 0 ? 1 : Math.min(1, done.objects / total.objects);
}

function bar(share: number, columns: number, paint: Painter): string {
  const full = Math.floor(share * columns);
  return paint("green", "━".repeat(full)) + paint("dim", "─".repeat(columns - full));
}

function spinner(nowMs: number): string {
  const frames = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏";
  return frames[Math.floor(nowMs / 100) % frames.length]!;
}

/** What is known of a phase whose end is not. */
function foundTexts({ phase, listed, figures }: ProgressState): string[] {
  if (phase === "listing") return listed === undefined ? [] : [listedText(listed)];
  return figures ?? [];
}

function listedText({ objects, bytes }: { objects: number; bytes: number }): string {
  return `${formatCount(objects)} objects, ${formatBytes(bytes)}`;
}

/** One line for where nothing can be redrawn. */
export function renderPlain(state: ProgressState, nowMs: number): string {
  const after = `after ${formatDuration(nowMs - state.startedMs)}`;
  const work = shownWork(state);
  if (work !== undefined) {
    const { slowest } = work;
    const slow = slowest !== undefined && slowest.ms >= slowMs ? [`slow: ${formatDuration(slowest.ms)} ${fitName(slowest.name, 80)}`] : [];
    return `${state.phase}: ${[...pieces(state).map(({ text }) => text.trim()), ...slow].join(", ")} (${after})`;
  }
  const found = foundTexts(state).join(", ");
  return `${state.phase}${found === "" ? "" : `: ${found}`} (${after})`;
}
