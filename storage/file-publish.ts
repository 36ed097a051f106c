import { closeSync, existsSync, linkSync, openSync, renameSync, rmdirSync, statSync, unlinkSync } from "node:fs";
import { sha256Hex } from "../core/digest.ts";
import type { Random } from "../core/clock.ts";
import { generationOf } from "./file-disk.ts";
import { failedWith } from "./file-errors.ts";
import { parentOf, siblingOf, temporaryFolder, type DiskPath } from "./file-names.ts";
import { occupantOf, type Place, type Places } from "./file-places.ts";
import { linkInto, renameInto, type Temporary } from "./file-write.ts";
import { preconditionFailed } from "./outcomes.ts";
import { StoreError } from "./store.ts";

/** A claim takes microseconds; one this old belongs to a process that was killed. */
const abandonedClaimMs = 10_000;

/** Gives finished content its name under the precondition. Synchronous: nothing of this process can come between. */
export function publish(places: Places, file: Temporary, name: string, ifGeneration: string | undefined): DiskPath {
  if (ifGeneration === "0") return create(places, file, name);
  if (ifGeneration === undefined) return replace(places, file, name);
  return claimed(places, name, ifGeneration, () => {
    if (places.find(name)?.generation !== ifGeneration) throw preconditionFailed(places.uri(name), ifGeneration);
    return replace(places, file, name);
  });
}

function create(places: Places, file: Temporary, name: string): DiskPath {
  if (places.isAlternate(name)) throw preconditionFailed(places.uri(name), "0");
  const ordinary = places.ordinary(name);
  const placed = ordinary === undefined ? undefined : createAt(places, ordinary, file, name);
  return placed ?? createAt(places, places.alternate(name), file, name) ?? blocked(places, name);
}

/** Undefined where something that is no object has the path. */
function createAt(places: Places, path: DiskPath, file: Temporary, name: string): DiskPath | undefined {
  for (;;) {
    const placed = places.hardLinks ? linkInto(file, path) : "unable";
    if (placed === "placed") return path;
    if (placed === "occupied") return undefined;
    if (placed === "unable") return createUnlinked(places, path, file, name);
    const occupant = occupantOf(path);
    if (occupant === "object") throw preconditionFailed(places.uri(name), "0");
    if (occupant === "other") return undefined;
  }
}

/** Without link(2), as on exFAT and many network folders: creators take turns. */
function createUnlinked(places: Places, path: DiskPath, file: Temporary, name: string): DiskPath | undefined {
  return claimed(places, name, "0", () => {
    const occupant = occupantOf(path);
    if (occupant === "object") throw preconditionFailed(places.uri(name), "0");
    return occupant === "nothing" && renameInto(file, path) === "placed" ? path : undefined;
  });
}

function replace(places: Places, file: Temporary, name: string): DiskPath {
  const alternate = places.alternate(name);
  const path = places.isAlternate(name) ? alternate : (places.ordinary(name) ?? alternate);
  if (occupantOf(path) !== "other" && renameInto(file, path) === "placed") return path;
  return renameInto(file, alternate) === "placed" ? alternate : blocked(places, name);
}

function blocked(places: Places, name: string): never {
  throw new StoreError("STORE_FAILED", `${places.uri(name)} has no place left in its folder`, {
    hint: `Something that is not imagemill's is in ${places.root}/${temporaryFolder} or beside it: move it away.`,
  });
}

/** Of all processes that replace this generation (or create the name: generation 0), one acts at a time. */
function claimed<T>(places: Places, name: string, generation: string, act: () => T): T {
  const path = `${places.root}/${temporaryFolder}/claim-${sha256Hex(name).slice(0, 32)}-${generation}`;
  takeClaim(path, places.uri(name));
  try {
    return act();
  } finally {
    goneIsFalse(() => unlinkSync(path));
  }
}

function takeClaim(path: string, uri: string): void {
  try {
    closeSync(openSync(path, "wx"));
  } catch (error) {
    if (!failedWith(error, "EEXIST")) throw error;
    const found = statSync(path, { throwIfNoEntry: false });
    if (found !== undefined && Date.now() - found.mtimeMs > abandonedClaimMs) unlinkSync(path);
    throw new StoreError("UNAVAILABLE", `${uri} is being written by another process`, { cause: error });
  }
}

/**
 * Removes exactly the generation that was found, even when another program replaces the file meanwhile: it is taken
 * aside first, looked at, and put back when it is another one. False when it went away by itself.
 */
export function removeExactly(places: Places, place: Place, name: string, random: Random): boolean {
  const aside = siblingOf(place.path, random.hex(8));
  if (!goneIsFalse(() => renameSync(place.path, aside))) return false;
  if (generationOf(statSync(aside, { bigint: true })) !== place.generation) {
    putBack(aside, place.path);
    throw preconditionFailed(places.uri(name), place.generation);
  }
  unlinkSync(aside);
  return true;
}

function putBack(aside: DiskPath, path: DiskPath): void {
  try {
    linkSync(aside, path);
  } catch (error) {
    // Something newer has the name by now; it would have replaced this one.
    if (!failedWith(error, "EEXIST")) throw error;
  }
  unlinkSync(aside);
}

export function remove(place: Place): boolean {
  return goneIsFalse(() => unlinkSync(place.path));
}

function goneIsFalse(act: () => void): boolean {
  try {
    act();
    return true;
  } catch (error) {
    if (failedWith(error, "ENOENT")) return false;
    throw error;
  }
}

/** Only in folders that this store writes to: a user's own folders stay, empty or not. */
export function removeEmptyFolders(root: string, path: DiskPath): void {
  if (!existsSync(`${root}/${temporaryFolder}`)) return;
  for (let folder = parentOf(path); String(folder) !== root; folder = parentOf(folder)) {
    try {
      rmdirSync(folder);
    } catch (error) {
      if (failedWith(error, "ENOTEMPTY", "EEXIST", "ENOENT", "ENOTDIR", "EACCES", "EPERM", "EBUSY", "EROFS")) return;
      throw error;
    }
  }
}
