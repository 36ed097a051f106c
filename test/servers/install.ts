import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";

const execute = promisify(execFile);

/** Where real servers are installed: outside the checkout, shared by every clone. */
const cacheRoot = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "imagemill-test");

export interface Installation {
  /** Folder name in the cache; carries the version, so that a new version is a new folder. */
  name: string;
  install(folder: string): Promise<void>;
}

/** Installs once, whole or not at all; processes that ask at the same time wait for the first. */
export async function installed({ name, install }: Installation): Promise<string> {
  const folder = join(cacheRoot, name);
  const done = join(folder, ".complete");
  if (existsSync(done)) return folder;
  await mkdir(cacheRoot, { recursive: true });
  using _lock = await exclusive(join(cacheRoot, `${name}.lock`));
  if (existsSync(done)) return folder;
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder);
  await install(folder);
  await writeFile(done, "");
  return folder;
}

/** The operating system frees the lock when its holder dies. */
async function exclusive(file: string): Promise<Disposable> {
  const database = new DatabaseSync(file);
  for (let waitedMs = 0; ; waitedMs += 500) {
    try {
      database.exec("PRAGMA busy_timeout=0; BEGIN EXCLUSIVE");
      return { [Symbol.dispose]: () => database.close() };
    } catch (error) {
      if (waitedMs > 15 * 60_000) throw error;
      await delay(500);
    }
  }
}

/** Runs an installer, bounded in time; its output is in the error when it fails. */
export async function execInstaller(
  command: string,
  args: string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<void> {
  await execute(command, args, { maxBuffer: 64 << 20, timeout: 15 * 60_000, ...options, env: { ...process.env, ...options.env } });
}

/** A Python virtual environment with these packages; `python` is the interpreter to make it with. */
export function pythonEnvironment(name: string, python: string, packages: string[]): Installation {
  return {
    name,
    install: async (folder) => {
      await execInstaller(python, ["-m", "venv", folder]);
      await execInstaller(join(folder, "bin", "pip"), ["install", "--quiet", "--disable-pip-version-check", ...packages]);
    },
  };
}

/**
 * For `before` hooks: gives what `start` gives, or skips the suite with the reason when the server cannot be had here.
 * With IMAGEMILL_SERVERS=required (CI) it fails instead.
 */
export async function orSkip<T>(context: Mocha.Context, what: string, start: () => Promise<T>): Promise<T> {
  try {
    return await start();
  } catch (error) {
    if (process.env.IMAGEMILL_SERVERS === "required") throw error;
    process.stderr.write(`skipped: ${what} cannot be had here: ${error instanceof Error ? error.message.split("\n")[0] : String(error)}\n`);
    return context.skip();
  }
}
