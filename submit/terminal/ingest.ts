import type { Consumption } from "../../ingest/kafka/consume.ts";
import type { ImageMessage } from "../../ingest/kafka/message.ts";
import { totalLag } from "../../ingest/kafka/progress.ts";
import type { Taken } from "../../ingest/kafka/sink.ts";
import { deadOf } from "../../ingest/kafka/totals.ts";
import { printable } from "../../core/names.ts";
import type { Shell } from "../commands/verb.ts";
import { formatBytes, formatCount, formatDuration, formatMany, formatRate } from "./format.ts";
import { painter } from "./paint.ts";
import type { Screen } from "./screen.ts";

export interface TellerOptions {
  topics: string[];
  group: string;
  to: string;
  /** Lines for machines on stdout instead of text for people. */
  json: boolean;
  shell: Pick<Shell, "clock" | "out" | "surface">;
  screen: Screen;
}

/** Tells how a consumption goes, until it is disposed. */
export interface Teller extends Disposable {
  watch(consumption: Consumption): void;
  say(text: string): void;
  taken(message: ImageMessage, taken: Taken): void;
  /** The last word. */
  end(): void;
}

const drawEveryMs = 500;
const jsonEveryMs = 10_000;
const rateWindowMs = 10_000;
const mostDeadLines = 20;

interface Sample {
  atMs: number;
  messages: number;
  bytes: number;
}

export function createTeller({ topics, group, to, json, shell, screen }: TellerOptions): Teller {
  const startedMs = shell.clock.monotonicMs();
  let watched: Consumption | undefined;
  let samples: Sample[] = [];
  let deadLines = 0;

  const ratesNow = (consumption: Consumption): { messages: number; bytes: number } => {
    const now = { atMs: shell.clock.monotonicMs(), messages: consumption.totals.messages, bytes: consumption.totals.bytes };
    samples = [...samples.filter(({ atMs }) => now.atMs - atMs <= rateWindowMs), now];
    const first = samples[0]!;
    const seconds = Math.max(0.001, (now.atMs - first.atMs) / 1000);
    return { messages: (now.messages - first.messages) / seconds, bytes: (now.bytes - first.bytes) / seconds };
  };
  const draw = (): void => {
    if (watched === undefined) return;
    const { progress, totals, inFlight } = watched;
    const rates = ratesNow(watched);
    const phase = phaseOf(watched);
    const dead = deadOf(totals);
    const figures = [
      formatMany(totals.messages, "message"),
      `lag ${formatCount(lagAll(watched))}`,
      `${formatRate(rates.messages)}/s`,
      `${formatBytes(rates.bytes)}/s`,
      ...(dead === 0 ? [] : [formatMany(dead, "dead letter")]),
      `${formatCount(inFlight.messages)} in flight`,
      formatMany(progress.partitions.size, "partition"),
    ];
    screen.event({ type: "activity", phase, figures });
  };
  const tell = (): void => {
    if (watched !== undefined) shell.out(JSON.stringify({ progress: figuresOf(watched) }));
  };
  const drawing = setInterval(draw, drawEveryMs).unref();
  const telling = json ? setInterval(tell, jsonEveryMs).unref() : undefined;
  const stopTelling = (): void => {
    clearInterval(drawing);
    clearInterval(telling);
  };

  return {
    watch: (consumption) => {
      watched = consumption;
    },
    say: (text) => {
      if (json) shell.out(JSON.stringify({ notice: text }));
      screen.line(printable(text));
    },
    taken: ({ topic, partition, offset }, taken) => {
      if (taken.end !== "dead") return;
      const { reason, message, uri } = taken;
      if (json) {
        shell.out(JSON.stringify({ deadLetter: { topic, partition, offset: String(offset), reason, message, uri } }));
        return;
      }
      deadLines += 1;
      if (deadLines > mostDeadLines) return;
      const rest = deadLines === mostDeadLines ? " (no more of them are said: --json names them all)" : "";
      const text = `dead letter ${topic}/${partition}/${offset}: ${reason}, ${printable(message)}${rest}`;
      screen.line(painter(shell.surface)("yellow", text));
    },
    end: () => {
      stopTelling();
      screen[Symbol.dispose]();
      if (watched === undefined) return;
      const wallMs = Math.round(shell.clock.monotonicMs() - startedMs);
      if (json) shell.out(JSON.stringify({ topics, group, to, ...figuresOf(watched), wallMs }));
      else for (const line of summaryOf(watched, { topics, group, to, wallMs })) shell.out(line);
    },
    [Symbol.dispose]: stopTelling,
  };
}

function phaseOf({ progress, inFlight, clusterOut }: Consumption): string {
  if (clusterOut) return "waiting for Kafka";
  if (progress.generation === undefined) return "joining";
  return totalLag(progress) === 0 && inFlight.messages === 0 ? "listening" : "ingesting";
}

function lagAll({ progress, lastLag }: Consumption): number {
  return progress.generation === undefined ? lastLag : totalLag(progress);
}

function figuresOf(consumption: Consumption): Record<string, unknown> {
  const { count: _count, takingMs: _takingMs, ...totals } = consumption.totals;
  return { ...totals, lag: lagAll(consumption) };
}

function summaryOf(consumption: Consumption, where: { topics: string[]; group: string; to: string; wallMs: number }): string[] {
  const { totals } = consumption;
  const dead = Object.entries(totals.dead).map(([reason, count]) => `${formatCount(count)} ${reason}`);
  const rate = totals.messages > 0 && where.wallMs > 0 ? `, ${formatRate(totals.messages / (where.wallMs / 1000))} messages/s` : "";
  return [
    `took ${formatMany(totals.messages, "message")} (${formatBytes(totals.bytes)}) from ${where.topics.join(", ")} to ${where.to} in ${formatDuration(where.wallMs)}${rate}`,
    `  created: ${formatCount(totals.created)}${totals.present === 0 ? "" : `, there already: ${formatCount(totals.present)}`}; lag of the partitions of this member: ${formatCount(lagAll(consumption))}`,
    ...(dead.length === 0 ? [] : [`  dead letters: ${dead.join(", ")}`]),
    ...(totals.expired === 0 ? [] : [`  gone before they were read: ${formatMany(totals.expired, "message")}`]),
  ];
}
