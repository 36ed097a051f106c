import type { Config } from "../../configs/config.ts";
import type { KeyedFlag } from "../../configs/layers.ts";
import { createLogger, type Logger } from "../../core/log.ts";
import { logLineForPeople } from "../terminal/log-line.ts";
import { openScreen, type Screen, type Surface } from "../terminal/screen.ts";
import type { Shell } from "./verb.ts";

/** The flags of `configFlags`, as parsed. */
export interface ConfigArguments {
  config?: string | undefined;
  source?: string | undefined;
  archive?: string | undefined;
  control?: string | undefined;
  warehouse?: string | undefined;
  engine?: string | undefined;
  "spark-master"?: string | undefined;
  job?: readonly (string | number)[] | undefined;
  set?: readonly (string | number)[] | undefined;
  json?: boolean | undefined;
  "log-level"?: string | undefined;
  /** How messages call the place of `job`; default `--job`. */
  jobPlace?: string;
  /** Of verbs whose flags stand for keys of the configuration. */
  keyed?: readonly KeyedFlag[] | undefined;
}

/** What a verb works in: the configuration, a display that is erased at the end, a log that goes above it. */
export interface Session extends Disposable {
  config: Config;
  screen: Screen;
  log: Logger;
}

/** The display begins at once: reading the configuration is part of the wait. */
export async function openSession(args: ConfigArguments, shell: Shell, how: { source: boolean; phase: string }): Promise<Session> {
  const screen = openScreen(shell.surface, shell.clock);
  screen.begin(how.phase);
  try {
    return sessionOf(await readConfig(args, shell, how.source), screen, shell);
  } catch (error) {
    screen[Symbol.dispose]();
    throw error;
  }
}

async function readConfig(args: ConfigArguments, shell: Shell, needsSource: boolean): Promise<Config> {
  const { loadConfig } = await import("../../configs/load.ts");
  return loadConfig({
    path: args.config,
    flags: {
      source: args.source,
      archive: args.archive,
      control: args.control,
      warehouse: args.warehouse,
      engine: args.engine,
      sparkMaster: args["spark-master"],
      job: args.job?.map(String),
      jobPlace: args.jobPlace,
      set: args.set?.map(String),
      logLevel: args["log-level"],
      keyed: args.keyed,
    },
    env: shell.environment,
    cwd: shell.cwd,
    needsSource,
  });
}

function sessionOf(config: Config, screen: Screen, shell: Shell): Session {
  const sayStopping = (): void => screen.line("stopping: what is committed is kept; Ctrl-C again stops at once");
  shell.signal.addEventListener("abort", sayStopping, { once: true });
  return {
    config,
    screen,
    log: createLogger(config.logLevel, (line) => screen.line(logLine(line.trimEnd(), shell.surface))),
    [Symbol.dispose]: () => {
      shell.signal.removeEventListener("abort", sayStopping);
      screen[Symbol.dispose]();
    },
  };
}

/** JSON for machines; for people, who see a display, one row of text. */
function logLine(line: string, { columns, color }: Surface): string {
  const width = columns();
  return width === undefined ? line : logLineForPeople(line, { columns: width, color });
}
