import { readFileSync } from "node:fs";
import type { Verb, VerbGroup } from "./verb.ts";

const groups: VerbGroup[] = ["Set up", "Bring in", "Run", "Look", "Keep"];

/** What `imagemill --help` says. */
export function overview(verbs: readonly Verb[]): string {
  const columns = Math.max(...verbs.map((verb) => verb.command.length)) + 2;
  const sections = groups.map((group) => {
    const lines = verbs.filter((verb) => verb.group === group).map((verb) => `  ${verb.command.padEnd(columns)}${verb.summary}`);
    return lines.length === 0 ? "" : `${group}:\n${lines.join("\n")}\n\n`;
  });
  return `imagemill: a bucket of images in; processed images, metadata and one row an image out, exactly once.

  imagemill run --source ~/Pictures
      processes a folder; the same command continues after a stop, and says so when there is nothing to do

${sections.join("")}\
imagemill VERB --help lists the flags of a verb, docs/configuration.md what a configuration file can say.
Exit codes: 0 done, 1 failed, 2 usage, 3 gate closed, 4 precondition, 5 already running, 130 cancelled.`;
}

export function version(): string {
  const file = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as { version: string };
  return file.version;
}
