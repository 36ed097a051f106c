import { ImagemillError, messageOf } from "../../core/errors.ts";

/** One thing that `doctor` looked at. */
export interface Finding {
  level: "ok" | "warn" | "fail";
  topic: string;
  text: string;
  /** What to do; absent where nothing needs doing. */
  next?: string;
}

export function ok(topic: string, text: string): Finding {
  return { level: "ok", topic, text };
}

export function warn(topic: string, text: string, next: string): Finding {
  return { level: "warn", topic, text, next };
}

export function fail(topic: string, error: unknown, next?: string): Finding {
  const hint = next ?? (error instanceof ImagemillError ? error.hint : undefined);
  const code = error instanceof ImagemillError ? ` (${error.code})` : "";
  return {
    level: "fail",
    topic,
    text: typeof error === "string" ? error : `${messageOf(error)}${code}`,
    ...(hint !== undefined && { next: hint }),
  };
}
