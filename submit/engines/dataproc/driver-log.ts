import type { ObjectStore } from "../../../storage/store.ts";
import type { EngineStatus } from "../engine.ts";
import { lastLines } from "../spark/submission.ts";

/** How driver.py says that its work ended. */
export type DriverEnding = Pick<EngineStatus, "state" | "message" | "hint">;

export interface DriverLog {
  /** The last lines. */
  tail: string;
  ending?: DriverEnding;
}

const tailBytes = 32_768;

/** The end of what a driver printed, which the service keeps as objects `<uri>.000000000`, …; empty where there is none. */
export async function readDriverLog(
  openStore: (url: string) => Promise<ObjectStore>,
  outputUri: string,
  signal: AbortSignal,
): Promise<DriverLog> {
  const at = outputUri.lastIndexOf("/");
  if (!outputUri.startsWith("gs://") || at < "gs://x".length) return { tail: "" };
  const store = await openStore(outputUri.slice(0, at));
  try {
    const names: string[] = [];
    for await (const { objects } of store.list({ prefix: `${outputUri.slice(at + 1)}.`, signal }))
      names.push(...objects.map(({ name }) => name));
    const last = names.at(-1);
    return last === undefined ? { tail: "" } : parseDriverLog(await readEnd(store, last, signal));
  } finally {
    await store.close();
  }
}

async function readEnd(store: ObjectStore, name: string, signal: AbortSignal): Promise<string> {
  const info = await store.stat(name, { signal });
  if (info === undefined || info.sizeBytes === 0) return "";
  const { bytes } = await store.read(name, { range: { start: Math.max(0, info.sizeBytes - tailBytes) }, signal });
  return Buffer.from(bytes).toString("utf8");
}

/** Pure. */
export function parseDriverLog(text: string): DriverLog {
  const lines = text.split("\n");
  const said = lines.findLast((line) => line.startsWith('{"imagemill":'));
  const ending = said === undefined ? undefined : endingOf(said);
  if (ending === undefined) return { tail: lastLines(text) };
  return { tail: lastLines(lines.filter((line) => line !== said).join("\n")), ending };
}

function endingOf(line: string): DriverEnding | undefined {
  try {
    const { state, message, hint } = (JSON.parse(line) as { imagemill: { [K in keyof DriverEnding]: DriverEnding[K] | null } }).imagemill;
    if (state !== "succeeded" && state !== "failed" && state !== "cancelled") return undefined;
    return { state, ...(typeof message === "string" && { message }), ...(typeof hint === "string" && { hint }) };
  } catch {
    // Cut off, or somebody else's.
    return undefined;
  }
}
