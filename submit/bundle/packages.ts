import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ImagemillError } from "../../core/errors.ts";

interface PackageFile {
  name?: string;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  os?: string[];
  cpu?: string[];
  libc?: string[];
}

export interface Platform {
  os: string;
  cpu: string;
  libc: string;
}

/**
 * Folders of the installed packages that `roots` need at run time, found as Node finds them, those made for other
 * platforms left out. Throws NOT_INSTALLED for a required package that is not there.
 */
export async function packageClosure(from: string, roots: string[], platform: Platform): Promise<string[]> {
  const folders = new Set<string>();
  const visit = async (name: string, importer: string, optional: boolean): Promise<void> => {
    const folder = findPackage(name, importer);
    if (folder === undefined) {
      if (optional) return;
      throw new ImagemillError("NOT_INSTALLED", `the package ${name}, which the runtime needs, is not installed`, {
        hint: "Run `npm ci`.",
      });
    }
    if (folders.has(folder)) return;
    const file = await packageFile(folder);
    if (!fits(file, platform)) return;
    folders.add(folder);
    for (const dependency of Object.keys(file.dependencies ?? {})) await visit(dependency, folder, false);
    for (const dependency of Object.keys(file.optionalDependencies ?? {})) await visit(dependency, folder, true);
  };
  for (const root of roots) await visit(root, from, false);
  return [...folders].sort();
}

async function packageFile(folder: string): Promise<PackageFile> {
  return JSON.parse(await readFile(join(folder, "package.json"), "utf8")) as PackageFile;
}

/** The `node_modules` folders of the importer and its parents, innermost first. */
function findPackage(name: string, importer: string): string | undefined {
  for (let folder = importer; ; folder = dirname(folder)) {
    const candidate = join(folder, "node_modules", name);
    if (existsSync(join(candidate, "package.json"))) return candidate;
    if (dirname(folder) === folder) return undefined;
  }
}

function fits(file: PackageFile, platform: Platform): boolean {
  return allows(file.os, platform.os) && allows(file.cpu, platform.cpu) && allows(file.libc, platform.libc);
}

function allows(list: string[] | undefined, value: string): boolean {
  if (list === undefined || list.length === 0) return true;
  return list.includes(value) || (list.every((entry) => entry.startsWith("!")) && !list.includes(`!${value}`));
}
