import {
  closeSync,
  copyFileSync,
  existsSync,
  fsync,
  futimesSync,
  linkSync,
  mkdirSync,
  openSync,
  constants,
  readdirSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
  type BigIntStats,
} from "node:fs";
import { dirname } from "node:path";
import { promisify } from "node:util";
import type { Random } from "../core/clock.ts";
import { pause, pieceBytes } from "./file-disk.ts";
import { failedWith } from "./file-errors.ts";
import { parentOf, temporaryFolder, type DiskPath } from "./file-names.ts";

const fsyncOf = promisify(fsync);
/** A temporary file of this age belongs to a writer that was killed. */
const abandonedMs = 24 * 3600 * 1000;

export interface Temporary {
  path: string;
  stats: BigIntStats;
}

/** Where content is made before it gets its name: on the same file system, in a folder that no listing shows. */
export interface TemporaryFiles {
  write(bytes: Uint8Array, options: { durable: boolean; distinct: boolean; signal: AbortSignal | undefined }): Promise<Temporary>;
  /** A copy that shares the source's blocks; undefined where the file system has no such thing. */
  clone(source: DiskPath): Temporary | undefined;
  discard(file: Temporary): void;
}

export function temporaryFiles(root: string, random: Random): TemporaryFiles {
  const folder = `${root}/${temporaryFolder}`;
  const own = `${process.pid}-${random.hex(6)}`;
  let count = 0;
  let clones = true;
  let lastMicros = 0;

  const nextPath = (): string => {
    if (count === 0) removeAbandoned(folder);
    return `${folder}/${own}-${count++}`;
  };
  /** The folder is made when it is missed: at the first write, or when someone removed it. */
  const inTemporary = <T>(act: () => T): T => {
    try {
      return act();
    } catch (error) {
      if (!failedWith(error, "ENOENT")) throw error;
      mkdirSync(folder, { recursive: true });
      return act();
    }
  };

  return {
    write: async (bytes, { durable, distinct, signal }) => {
      const path = nextPath();
      const handle = inTemporary(() => openSync(path, "wx"));
      try {
        await fillFile(handle, bytes, signal);
        if (distinct) {
          lastMicros = Math.max(lastMicros + 1, Date.now() * 1000);
          futimesSync(handle, lastMicros / 1e6, lastMicros / 1e6);
        }
        if (durable) await fsyncOf(handle);
      } catch (error) {
        closeSync(handle);
        unlinkSync(path);
        throw error;
      }
      closeSync(handle);
      return { path, stats: statSync(path, { bigint: true }) };
    },
    clone: (source) => {
      if (!clones) return undefined;
      const path = nextPath();
      try {
        inTemporary(() => copyFileSync(source, path, constants.COPYFILE_FICLONE_FORCE | constants.COPYFILE_EXCL));
      } catch (error) {
        removeIfThere(path);
        if (failedWith(error, "ENOENT", "ENOSPC", "EDQUOT", "EACCES", "EROFS")) throw error;
        clones = false;
        return undefined;
      }
      return { path, stats: statSync(path, { bigint: true }) };
    },
    discard: (file) => removeIfThere(file.path),
  };
}

function removeAbandoned(folder: string): void {
  if (!existsSync(folder)) return;
  const oldest = Date.now() - abandonedMs;
  for (const name of readdirSync(folder)) {
    const path = `${folder}/${name}`;
    const found = statSync(path, { throwIfNoEntry: false });
    if (found?.isFile() === true && found.mtimeMs < oldest) removeIfThere(path);
  }
}

async function fillFile(handle: number, bytes: Uint8Array, signal: AbortSignal | undefined): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    written += writeSync(handle, bytes, written, Math.min(pieceBytes, bytes.length - written));
    if (written < bytes.length) await pause(signal);
  }
}

function removeIfThere(path: DiskPath): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (!failedWith(error, "ENOENT", "ENOTDIR")) throw error;
  }
}

/**
 * `occupied` = something that is no object (a folder, a file where a folder is needed) has the place;
 * `unable` = the file system has no such call.
 */
export type Placed = "placed" | "exists" | "occupied" | "unable";

/** Gives the content its name, if nothing has it: link(2) is the one call that both checks and acts. */
export function linkInto(file: Temporary, path: DiskPath): Placed {
  return inFolder(path, () => linkSync(file.path, path), ["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"]);
}

/** Gives the content its name, whatever has it. */
export function renameInto(file: Temporary, path: DiskPath): Placed {
  return inFolder(path, () => renameSync(file.path, path), []);
}

/** Folders are made when a call misses them: cheaper than looking first, and right when another process removes one. */
function inFolder(path: DiskPath, act: () => void, lacking: string[]): Placed {
  for (let tries = 0; ; tries++) {
    try {
      act();
      return "placed";
    } catch (error) {
      if (failedWith(error, "ENOTDIR", "EISDIR", "ENOTEMPTY")) return "occupied";
      if (failedWith(error, "EEXIST")) return "exists";
      if (failedWith(error, ...lacking)) return "unable";
      if (!failedWith(error, "ENOENT") || tries === 10) throw error;
    }
    if (!makeFolder(parentOf(path))) return "occupied";
  }
}

function makeFolder(path: DiskPath): boolean {
  try {
    mkdirSync(path, { recursive: true });
    return true;
  } catch (error) {
    if (failedWith(error, "EEXIST", "ENOTDIR")) return false;
    throw error;
  }
}

/** The names on the way from the root to the file, on disk. */
export async function syncFolders(root: string, path: DiskPath): Promise<void> {
  for (let folder = parentOf(path); String(folder).length >= root.length; folder = parentOf(folder)) {
    await syncFolder(folder);
    if (String(folder) === root || dirname(String(folder)) === String(folder)) return;
  }
}

/** Network and FUSE file systems may have no such thing as syncing a folder. */
async function syncFolder(folder: DiskPath): Promise<void> {
  const handle = openSync(folder, "r");
  try {
    await fsyncOf(handle);
  } catch (error) {
    if (!failedWith(error, "EINVAL", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EPERM")) throw error;
  } finally {
    closeSync(handle);
  }
}
