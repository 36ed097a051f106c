import { printable } from "./names.ts";

export const logLevels = ["debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof logLevels)[number];
export type LogFields = Record<string, string | number | boolean | null | undefined>;

/** Structured logs: one JSON line each on stderr, so that stdout stays for results. */
export interface Logger {
  readonly level: LogLevel;
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
  with(fields: LogFields): Logger;
}

export function createLogger(level: LogLevel, write: (line: string) => void, bound: LogFields = {}): Logger {
  const least = logLevels.indexOf(level);
  const at =
    (own: LogLevel) =>
    (event: string, fields: LogFields = {}): void => {
      if (logLevels.indexOf(own) < least) return;
      const safe = Object.entries({ ...bound, ...fields }).map(([key, value]) => [
        key,
        typeof value === "string" ? printable(value) : value,
      ]);
      write(`${JSON.stringify({ time: new Date().toISOString(), level: own, event, ...Object.fromEntries(safe) })}\n`);
    };
  return {
    level,
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    with: (fields) => createLogger(level, write, { ...bound, ...fields }),
  };
}

export const silentLogger: Logger = createLogger("silent", () => undefined);
