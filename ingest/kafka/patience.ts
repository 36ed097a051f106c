import type { Clock, Random } from "../../core/clock.ts";
import { codeOf, ImagemillError, messageOf } from "../../core/errors.ts";
import type { Logger } from "../../core/log.ts";

export interface PatienceOptions {
  /** How messages call it: "the Kafka cluster". */
  what: string;
  clock: Clock;
  random: Random;
  log: Logger;
  /** Of one outage; absent: for ever. */
  giveUpAfterMs?: number;
  say(text: string): void;
}

/** One outage after the other of one service: said when it begins, now and then while it lasts, and when it ends. */
export interface Patience {
  /** Something failed that may be tried again. Throws when the outage has lasted long enough. */
  failed(error: unknown): void;
  /** As `failed`, then waits until it is time for the next try: longer from one to the next. */
  wait(error: unknown, signal: AbortSignal): Promise<void>;
  worked(): void;
  readonly outages: number;
  /** Whether there is one now that was worth saying. */
  readonly out: boolean;
}

const firstWaitMs = 250;
const longestWaitMs = 5000;
/** A service that is asked all the time fails now and then: shorter trouble is not worth a line. */
const worthSayingMs = 2000;
const sayAgainMs = 60_000;

export function createPatience({ what, clock, random, log, giveUpAfterMs, say }: PatienceOptions): Patience {
  let sinceMs: number | undefined;
  let tries = 0;
  let saidMs: number | undefined;
  let outages = 0;

  const failed = (error: unknown): void => {
    const nowMs = clock.monotonicMs();
    if (sinceMs === undefined) outages += 1;
    sinceMs ??= nowMs;
    const lastedMs = nowMs - sinceMs;
    log.debug("ingest.again", { what, code: codeOf(error), message: firstLine(messageOf(error)), lastedMs: Math.round(lastedMs) });
    if (giveUpAfterMs !== undefined && lastedMs >= giveUpAfterMs) throw gaveUp(what, error, lastedMs);
    if (lastedMs < worthSayingMs || (saidMs !== undefined && nowMs - saidMs < sayAgainMs)) return;
    saidMs = nowMs;
    const until = giveUpAfterMs === undefined ? "until it does" : `for ${seconds(giveUpAfterMs)} in all`;
    say(`${what} does not answer (${codeOf(error) ?? "error"}: ${firstLine(messageOf(error))}); trying again ${until}`);
  };

  return {
    get outages() {
      return outages;
    },
    get out() {
      return saidMs !== undefined;
    },
    failed,
    wait: async (error, signal) => {
      failed(error);
      tries += 1;
      const leftMs = giveUpAfterMs === undefined ? longestWaitMs : giveUpAfterMs - (clock.monotonicMs() - sinceMs!);
      const most = Math.min(longestWaitMs, leftMs, firstWaitMs * 2 ** (tries - 1));
      await clock.sleep(most * (0.5 + random.next() / 2), signal);
    },
    worked: () => {
      if (saidMs !== undefined && sinceMs !== undefined) say(`${what} answers again, after ${seconds(clock.monotonicMs() - sinceMs)}`);
      [sinceMs, saidMs, tries] = [undefined, undefined, 0];
    },
  };
}

function gaveUp(what: string, error: unknown, lastedMs: number): ImagemillError {
  return new ImagemillError("GAVE_UP", `${what} did not answer for ${seconds(lastedMs)}: ${firstLine(messageOf(error))}`, {
    hint: "What is committed is kept: the same command continues there. A longer --give-up-after, or none, waits longer.",
    cause: error,
  });
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`;
}

function firstLine(text: string): string {
  return text.split("\n")[0]!.slice(0, 300);
}
