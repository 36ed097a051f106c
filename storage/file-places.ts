import { lstatSync, type BigIntStats } from "node:fs";
import { generationOf, statAny, statFile } from "./file-disk.ts";
import { failedWith } from "./file-errors.ts";
import { alternateFolder, alternatePath, diskPath, fileUri, ordinaryPath, type DiskPath } from "./file-names.ts";

export interface Place {
  path: DiskPath;
  stats: BigIntStats;
  generation: string;
}

/** Where the names of one folder store are on disk. */
export interface Places {
  readonly root: string;
  /** False = as if the file system had no link(2). */
  readonly hardLinks: boolean;
  /** Undefined for a name that cannot be a path. */
  ordinary(name: string): DiskPath | undefined;
  alternate(name: string): DiskPath;
  /** The object of this name, at either place. */
  find(name: string): Place | undefined;
  /** Whether the name lives at its alternate place. */
  isAlternate(name: string): boolean;
  uri(name: string): string;
}

export function placesIn(root: string, hardLinks = true): Places {
  const ordinary = (name: string): DiskPath | undefined => {
    const path = ordinaryPath(name);
    return path === undefined ? undefined : diskPath(root, path);
  };
  const alternate = (name: string): DiskPath => diskPath(root, alternatePath(name));
  const at = (path: DiskPath | undefined): Place | undefined => {
    const stats = path === undefined ? undefined : statFile(path);
    return stats && { path: path!, stats, generation: generationOf(stats) };
  };
  return {
    root,
    hardLinks,
    ordinary,
    alternate,
    find: (name) => at(ordinary(name)) ?? at(alternate(name)),
    isAlternate: (name) => statAny(`${root}/${alternateFolder}`) !== undefined && statFile(alternate(name)) !== undefined,
    uri: (name) => fileUri(ordinary(name) ?? alternate(name)),
  };
}

/** `other` is a folder, a broken link, a fifo, a file where a folder is needed: no object, but in the way of one. */
export function occupantOf(path: DiskPath): "nothing" | "object" | "other" {
  try {
    if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return "nothing";
  } catch (error) {
    if (failedWith(error, "ENOTDIR")) return "other";
    throw error;
  }
  return statFile(path) === undefined ? "other" : "object";
}
