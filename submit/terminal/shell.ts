import process from "node:process";
import { systemClock, systemRandom } from "../../core/clock.ts";
import { exitCodes, ImagemillError } from "../../core/errors.ts";
import type { Shell } from "../commands/verb.ts";
import type { Surface } from "./screen.ts";

/** The process around a verb: its streams, its signals, its folder. */
export function processShell(): Shell {
  for (const stream of [process.stdout, process.stderr]) stream.on("error", tolerateClosedPipe);
  return {
    cwd: process.cwd(),
    environment: process.env,
    signal: abortOnSignals(),
    clock: systemClock,
    random: systemRandom,
    startedAtMs: performance.timeOrigin,
    out: (line) => process.stdout.write(`${line}\n`),
    color: process.stdout.isTTY && process.stdout.hasColors(),
    surface: stderrSurface(),
  };
}

function stderrSurface(): Surface {
  const redraws = process.stderr.isTTY && process.env["TERM"] !== "dumb";
  return {
    write: (text) => process.stderr.write(text),
    columns: () => (redraws ? process.stderr.columns : undefined),
    color: process.stderr.isTTY && process.stderr.hasColors(),
  };
}

/** `imagemill … | head` closes our stdout: the work goes on, nobody reads the rest. */
function tolerateClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE") throw error;
}

/** Ctrl-C reaches a whole group of processes, and one of them may pass it on: within this time it is one signal. */
const echoMs = 300;

/** The first signal asks for an orderly end, the second ends the process. */
function abortOnSignals(): AbortSignal {
  const controller = new AbortController();
  let firstMs = 0;
  const stop = (name: NodeJS.Signals): void => {
    if (controller.signal.aborted) {
      if (performance.now() - firstMs > echoMs) process.exit(exitCodes.cancelled);
      return;
    }
    firstMs = performance.now();
    controller.abort(
      new ImagemillError("CANCELLED", `stopped by ${name === "SIGINT" ? "Ctrl-C" : name}`, {
        exitCode: exitCodes.cancelled,
        hint: "the same command continues where this one stopped",
      }),
    );
  };
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, stop);
  return controller.signal;
}
