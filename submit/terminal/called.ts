import { shellWord } from "./places.ts";

/** How this program is called here, and where its run is: what a command to type next needs to be pasted. */
export interface Called {
  /** `imagemill`, or `npx imagemill` in a clone of the repository. */
  command: string;
  /** Flags that find the same run: " --control c", or "". */
  where: string;
}

const whereNames = ["config", "archive", "control", "warehouse", "engine", "spark-master"] as const;

/** A clone of the repository has the program behind npx. */
export function commandName(environment: NodeJS.ProcessEnv): string {
  return environment["npm_command"] === undefined ? "imagemill" : "npx imagemill";
}

/** Flags that the next command needs, too, to find the same run. */
export function whereFlags(args: Partial<Record<(typeof whereNames)[number], string | undefined>>): string {
  return whereNames.map((name) => (args[name] === undefined ? "" : ` --${name} ${shellWord(args[name])}`)).join("");
}

/** The same, of a command line that nobody has parsed. */
export function whereOfWords(words: readonly string[]): string {
  const given = whereNames.flatMap((name) => {
    const at = words.findIndex((word) => word === `--${name}` || word.startsWith(`--${name}=`));
    const value = at < 0 ? undefined : words[at] === `--${name}` ? words[at + 1] : words[at]!.slice(name.length + 3);
    return value === undefined ? [] : [[name, value] as const];
  });
  return whereFlags(Object.fromEntries(given));
}

const verbs = "archive|bundle|cancel|capacity|doctor|finish|ingest|init|new|plan|replay|report|run|status|submit|try|verify|worker";
const ofRun = new RegExp(`(?<![\\w./-])imagemill (?:${verbs}) \\d{4}-\\d{2}-\\d{2}-[0-9a-f]{12}`, "g");
const alone = /(?<=^|`)imagemill (?:archive prune|doctor|init|report|status)(?=$|`)/gm;
const anyVerb = new RegExp(`(?<![\\w./-]|npx )imagemill (?=(?:${verbs})\\b)`, "g");

/** One command, of a run or of none. */
export function commandAsCalled(text: string, called: Called): string {
  const placed = asCalled(text, called);
  return placed.startsWith(`${called.command} run `) ? placed + called.where : placed;
}

/** Commands in a message, which call the program `imagemill` and say nothing of where, as they can be pasted here. */
export function asCalled(text: string, { command, where }: Called): string {
  const placed = text.replace(ofRun, (all) => all + where).replace(alone, (all) => all + where);
  return placed.replace(anyVerb, `${command} `);
}
