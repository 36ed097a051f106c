import type { InferredOptionTypes, Options, PositionalOptions } from "yargs";
import type { Clock, Random } from "../../core/clock.ts";
import type { Surface } from "../terminal/screen.ts";

/** What a verb is given of the process around it. */
export interface Shell {
  cwd: string;
  environment: NodeJS.ProcessEnv;
  /** Aborts on Ctrl-C. */
  signal: AbortSignal;
  clock: Clock;
  random: Random;
  /** Milliseconds since the epoch. */
  startedAtMs: number;
  /** stdout: results only. Adds the line break. */
  out(line: string): void;
  /** Whether results may be colored. */
  color: boolean;
  /** stderr: progress, logs, problems. */
  surface: Surface;
}

export type VerbGroup = "Set up" | "Bring in" | "Run" | "Look" | "Keep";

/** A flag as yargs takes it; `read` checks its value and says what is wrong in our words. */
type Flag = Options & { read?: (value: unknown) => unknown };
type Flags = Record<string, Flag>;
type Positionals = Record<string, PositionalOptions>;

export type FlagValues<F extends Flags> = {
  [K in keyof F]: F[K] extends { read: (value: unknown) => infer R } ? R | undefined : InferredOptionTypes<F>[K];
};

export const outputGroup = "Output:";

interface VerbDefinition<F extends Flags, P extends Positionals> {
  /** As yargs takes it: `finish <run>`. */
  command: string;
  summary: string;
  group: VerbGroup;
  flags: F;
  positionals: P;
  examples: [command: string, what: string][];
  /** Resolves with the exit code. */
  run(args: FlagValues<F> & InferredOptionTypes<P>, shell: Shell): Promise<number>;
}

/** One verb of the command line: light to import, what it needs is imported when it runs. */
export interface Verb {
  command: string;
  summary: string;
  group: VerbGroup;
  flags: Flags;
  positionals: Positionals;
  examples: [command: string, what: string][];
  run(args: Record<string, unknown>, shell: Shell): Promise<number>;
}

export function defineVerb<const F extends Flags, const P extends Positionals>(definition: VerbDefinition<F, P>): Verb {
  const run = async (args: Record<string, unknown>, shell: Shell): Promise<number> =>
    definition.run({ ...args, ...readFlags(definition.flags, args) } as FlagValues<F> & InferredOptionTypes<P>, shell);
  return { ...definition, run };
}

/** Values as the flags read them; throws USAGE for one that makes no sense. */
export function readFlags<F extends Flags>(flags: F, args: Record<string, unknown>): FlagValues<F> {
  const given = Object.entries(flags).filter(([name]) => args[name] !== undefined);
  return Object.fromEntries(given.map(([name, { read }]) => [name, read === undefined ? args[name] : read(args[name])])) as FlagValues<F>;
}

/** `archive prune` of `archive prune`, `finish` of `finish <run>`. */
export function nameOf(verb: Verb): string {
  return wordsOf(verb).join(" ");
}

export function wordsOf(verb: Verb): string[] {
  return verb.command.split(" ").filter((word) => !/^[<[]/.test(word));
}

/** `<run>` of `finish <run>`. */
export function placeholdersOf(verb: Verb): string {
  return verb.command.slice(nameOf(verb).length + 1);
}
