import { codeOf, exitCodes, ImagemillError, messageOf } from "../../core/errors.ts";
import { printable } from "../../core/names.ts";
import type { Problem } from "../summary.ts";
import { painter } from "./paint.ts";

/** What any thrown value says to a user. */
export function problemOf(error: unknown): Problem & { exitCode: number } {
  if (error instanceof ImagemillError) {
    return { code: error.code, message: error.message, exitCode: error.exitCode, ...(error.hint !== undefined && { hint: error.hint }) };
  }
  if (error instanceof Error && error.name === "AbortError") {
    return { code: "CANCELLED", message: "stopped before the end", hint: "the same command continues", exitCode: exitCodes.cancelled };
  }
  return {
    code: codeOf(error) ?? "UNEXPECTED",
    message: messageOf(error),
    hint: "run it again with --log-level debug, which shows where this comes from",
    exitCode: exitCodes.failed,
  };
}

/** `error CODE: what happened`, then what to do next; the stack only on request. */
export function problemText(problem: Problem, options: { color: boolean; stackOf?: unknown }): string {
  const paint = painter(options);
  const lines = [`${paint("red", "error")} ${paint("bold", problem.code)}: ${printableLines(problem.message)}`];
  if (problem.hint !== undefined) lines.push(`  ${paint("dim", "next:")} ${printableLines(problem.hint)}`);
  if (options.stackOf !== undefined) lines.push(...stacks(options.stackOf));
  return lines.join("\n");
}

/** The object of `--json`'s last line; with the exit code, for who sees nothing of the process but what it said. */
export function problemJson(problem: Problem, exitCode: number): Problem & { exitCode: number } {
  const { code, message, hint } = problem;
  return { code, message, ...(hint !== undefined && { hint }), exitCode };
}

function stacks(error: unknown): string[] {
  if (!(error instanceof Error)) return [];
  const own = printableLines(error.stack ?? String(error));
  return error.cause === undefined ? [own] : [own, "caused by:", ...stacks(error.cause)];
}

function printableLines(text: string): string {
  return text.split("\n").map(printable).join("\n");
}
