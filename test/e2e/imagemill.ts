import { spawn, type ChildProcessByStdio } from "node:child_process";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

const bin = fileURLToPath(new URL("../../submit/bin.js", import.meta.url));

/** What the command line answered. */
export interface Answer {
  code: number | null;
  out: string;
  err: string;
}

/** A folder, or one with variables of its own. */
export type Where = string | { cwd: string; environment: NodeJS.ProcessEnv };

/** Starts the command line in a folder, as a shell would without a terminal. */
export function startImagemill(where: Where, ...args: string[]): ChildProcessByStdio<null, Readable, Readable> {
  const { cwd, environment } = typeof where === "string" ? { cwd: where, environment: {} } : where;
  // Without what npm adds, by which the program knows that it is behind npx.
  const env = { ...process.env, npm_command: undefined, ...environment };
  return spawn(process.execPath, [bin, ...args], { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
}

export async function imagemill(where: Where, ...args: string[]): Promise<Answer> {
  const child = startImagemill(where, ...args);
  const exited = new Promise<number | null>((resolve) => child.on("close", resolve));
  const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), exited]);
  return { code, out, err };
}

/** The line that `--json` ends stdout with. */
export function lastLine(out: string): Record<string, unknown> {
  return JSON.parse(out.trimEnd().split("\n").at(-1)!) as Record<string, unknown>;
}
