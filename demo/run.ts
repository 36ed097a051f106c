import { spawn } from "node:child_process";
import { once } from "node:events";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { ImagemillError } from "../core/errors.ts";
import { preparePhotos } from "./photos.ts";

/*
 * npm run demo                        photographs that come with the development dependencies, and a few broken files
 * npm run demo -- ~/Pictures          a folder of your own; it is read in place and never written
 * npm run demo -- ~/Pictures --limit 100     flags go to `imagemill run`
 */

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
/** From the root, so that the commands that a run suggests are short. */
const config = join("demo", "demo.yaml");
/** Where the user typed the command; npm changes to the package's own folder. */
const typedIn = process.env["INIT_CWD"] ?? process.cwd();

async function demo(args: string[]): Promise<number> {
  const [first, ...others] = args;
  const own = first === undefined || first.startsWith("-") ? undefined : resolve(typedIn, first);
  const flags = own === undefined ? args : ["--source", own, ...others];
  if (own === undefined) await preparePhotos(join(root, "out", "demo", "photos"));
  process.stderr.write(`$ npx imagemill ${["run", "--config", config, ...flags].map(quoted).join(" ")}\n\n`);
  return await imagemill(["run", "--config", config, ...flags]);
}

async function imagemill(args: string[]): Promise<number> {
  const child = spawn(process.execPath, [join(root, "submit", "bin.js"), ...args], { stdio: "inherit", cwd: root });
  // A terminal sends Ctrl-C to both: the run ends in its own way, and this waits for it.
  process.on("SIGINT", () => undefined);
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  const [code] = (await once(child, "exit")) as [number | null];
  return code ?? 1;
}

function quoted(word: string): string {
  return /^[\w./:@=,+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

try {
  process.exitCode = await demo(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof ImagemillError)) throw error;
  process.stderr.write(`${error.message}\n${error.hint ?? ""}\n`);
  process.exitCode = error.exitCode;
}
