import yargs, { type Argv } from "yargs";
import { usageError } from "../../core/errors.ts";
import { nearest } from "../../core/nearest.ts";
import { printable } from "../../core/names.ts";
import { shellWord } from "../terminal/places.ts";
import { nameOf, outputGroup, placeholdersOf, wordsOf, type Shell, type Verb } from "./verb.ts";

const noVerb = "no verb is given";

/** What the published types of yargs leave out. */
interface UsageConfigurable {
  usageConfiguration(configuration: { "hide-types": boolean }): unknown;
}

/** Parses, runs the verb, resolves with its exit code; help goes to stdout. Throws USAGE for what it cannot read. */
export async function runCommandLine(argv: string[], verbs: readonly Verb[], shell: Shell): Promise<number> {
  let exitCode = 0;
  const parser = yargs(argv)
    .scriptName("imagemill")
    .locale("en")
    .exitProcess(false)
    .parserConfiguration({ "greedy-arrays": false, "dot-notation": false, "boolean-negation": false, "parse-positional-numbers": false })
    .version(false)
    .alias({ h: "help" })
    .group("help", outputGroup)
    .wrap(Math.min(110, shell.surface.columns() ?? 100))
    .strict()
    .demandCommand(1, noVerb)
    .fail((message: string | null, error) => {
      throw message === null ? error : explain(message, argv, verbs);
    });
  // Every value is a text to yargs; what it must be is in its description.
  (parser as Argv & UsageConfigurable).usageConfiguration({ "hide-types": true });
  const add = (to: Argv, verb: Verb, command: string): void => {
    const handler = async (args: Record<string, unknown>): Promise<void> => {
      // yargs takes a positional's name for a flag, too.
      const named = Object.keys(verb.positionals).find((name) => isFlagIn(argv, name));
      if (named !== undefined) throw unknownArgument(named, argv, verb);
      exitCode = await verb.run(args, shell);
    };
    to.command({ command, describe: false, builder: (own: Argv) => withVerb(own, verb), handler });
  };
  for (const [word, members] of Map.groupBy(verbs, (verb) => wordsOf(verb)[0]!)) {
    const [only] = members;
    if (wordsOf(only!).length === 1) add(parser, only!, only!.command);
    else
      parser.command({
        command: word,
        describe: false,
        builder: (own: Argv) => withSubverbs(own, word, members, add),
        handler: () => undefined,
      });
  }
  await parser.parseAsync(argv, {}, (_error: unknown, _args: unknown, output: string) => {
    if (output !== "") shell.out(output);
  });
  return exitCode;
}

function withSubverbs(own: Argv, word: string, members: Verb[], add: (to: Argv, verb: Verb, command: string) => void): Argv {
  const lines = members.map((verb) => `  imagemill ${verb.command}  ${verb.summary}`);
  const described = own.usage(lines.join("\n")).demandCommand(1, noVerb);
  for (const verb of members) add(described, verb, verb.command.slice(word.length + 1));
  return described;
}

function withVerb(own: Argv, verb: Verb): Argv {
  const described = own.usage(`imagemill ${verb.command}${Object.keys(verb.flags).length > 0 ? " [flags]" : ""}\n\n${verb.summary}`);
  for (const [name, options] of Object.entries(verb.positionals)) described.positional(name, options);
  for (const [name, options] of Object.entries(verb.flags)) described.option(name, { group: "Flags:", ...options });
  for (const [command, what] of verb.examples) described.example(`imagemill ${command}`, what);
  return described;
}

/** What yargs complains of, in our words, with what was probably meant. */
function explain(message: string, argv: string[], verbs: readonly Verb[]): Error {
  const verb = verbs.find((candidate) => wordsOf(candidate).every((word) => argv.includes(word)));
  const unknown = firstUnknown(message, argv);
  if (unknown !== undefined) return verb === undefined ? unknownVerb(unknown, argv, verbs) : unknownArgument(unknown, argv, verb);
  const help = verb === undefined ? "imagemill --help" : `imagemill ${nameOf(verb)} --help`;
  const valueless = /^Not enough arguments following: (.*)$/.exec(message)?.[1];
  if (valueless !== undefined) return usageError(`${dashed(valueless)} needs a value`, `See ${help}`);
  const missing = /^Missing required arguments?: (.*)$/.exec(message)?.[1];
  if (missing !== undefined) return usageError(`needed: ${missing.split(", ").map(dashed).join(", ")}`, `See ${help}`);
  if (verb !== undefined && message.startsWith("Not enough non-option arguments")) {
    return usageError(`${nameOf(verb)} needs ${placeholdersOf(verb)}`, `imagemill ${verb.command}`);
  }
  return verb === undefined ? withoutVerb(argv, verbs) : usageError(message, `See ${help}`);
}

/** Of all that is not known, what stands first: after a mistyped verb its flags are not known either. */
function firstUnknown(message: string, argv: string[]): string | undefined {
  const names = /^Unknown (?:argument|command)s?: (.*)$/s.exec(message)?.[1]?.split(", ");
  const words = argv.map((word) => word.replace(/^--?([^=]*).*$/s, "$1"));
  return words.find((word) => names?.includes(word)) ?? names?.[0];
}

function withoutVerb(argv: string[], verbs: readonly Verb[]): Error {
  const group = verbs.filter((verb) => argv.includes(wordsOf(verb)[0]!)).map(nameOf);
  if (group.length > 0) return usageError(noVerb, `imagemill ${group.join(", imagemill ")}`);
  return usageError(noVerb, `imagemill run ${printable(argv.join(" "))}`);
}

function unknownVerb(name: string, argv: string[], verbs: readonly Verb[]): Error {
  if (argv.some((argument) => argument.startsWith(`--${name}`))) return withoutVerb(argv, verbs);
  const group = verbs.filter((verb) => wordsOf(verb).length > 1 && argv.includes(wordsOf(verb)[0]!));
  const written = group.length === 0 ? name : `${wordsOf(group[0]!)[0]!} ${name}`;
  const near = nearest(written, verbs.map(nameOf)) ?? group.map(nameOf)[0];
  return usageError(
    `"${printable(written)}" is no verb`,
    near === undefined ? "imagemill --help lists the verbs" : `did you mean imagemill ${near}?`,
  );
}

function unknownArgument(name: string, argv: string[], verb: Verb): Error {
  const isFlag = isFlagIn(argv, name);
  if (!isFlag && "run-date" in verb.flags && !argv.some((argument) => /^--source(=|$)/.test(argument)))
    return usageError(
      `${nameOf(verb)} takes no "${printable(name)}"`,
      `did you mean imagemill ${nameOf(verb)} --source ${shellWord(printable(name))}?`,
    );
  if (!isFlag)
    return usageError(
      `${nameOf(verb)} takes no "${printable(name)}"`,
      `imagemill ${verb.command}; its flags: imagemill ${nameOf(verb)} --help`,
    );
  const near = nearest(name, Object.keys(verb.flags));
  return usageError(
    `${nameOf(verb)} has no flag ${dashed(printable(name))}`,
    near === undefined ? `imagemill ${nameOf(verb)} --help lists its flags` : `did you mean --${near}?`,
  );
}

function isFlagIn(argv: string[], name: string): boolean {
  return argv.some((argument) => argument === `--${name}` || argument.startsWith(`--${name}=`) || argument === `-${name}`);
}

function dashed(flag: string): string {
  return flag.length === 1 ? `-${flag}` : `--${flag}`;
}
