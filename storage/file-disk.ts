import { hash } from "node:crypto";
import { closeSync, constants, fstatSync, openSync, readSync, statSync, type BigIntStats } from "node:fs";
import { setImmediate as yieldToOthers } from "node:timers/promises";
import { failedWith } from "./file-errors.ts";
import type { DiskPath } from "./file-names.ts";
import { changedWhileRead, tooLarge } from "./outcomes.ts";

/*
 * System calls of the folder store. They are synchronous on purpose: for an object of image size in the page cache the
 * call itself takes 60 µs of CPU (read 100 kB) or 65 µs (create 10 kB), by way of fs/promises 270 and 340 µs, since each
 * of the five calls is handed to libuv's pool and back; and that pool's few threads are the ones that sharp needs.
 * What can take long (fsync, objects of many megabytes) yields in between. On a slow network folder a worker thus reads
 * one object at a time: more workers help there, and a bucket is better read as gs:// than through a mount.
 */

/** Pieces in which large objects are read and written, letting others run in between. */
export const pieceBytes = 8 << 20;

/** 56 bits of a hash of what changes when the content does: a decimal string, as the generations of buckets are. */
export function generationOf({ ino, mtimeNs, size }: BigIntStats): string {
  const digest = BigInt(`0x${hash("sha256", `${ino}:${mtimeNs}:${size}`).slice(0, 14)}`);
  return String(digest === 0n ? 1n : digest);
}

/** Undefined where nothing is, or something that is no file: fifos, sockets and devices are never opened. */
export function statFile(path: DiskPath): BigIntStats | undefined {
  const found = statAny(path);
  return found?.isFile() === true ? found : undefined;
}

/** Follows links; undefined where nothing is. */
export function statAny(path: DiskPath): BigIntStats | undefined {
  try {
    return statSync(path, { bigint: true, throwIfNoEntry: false });
  } catch (error) {
    if (failedWith(error, "ENOENT", "ENOTDIR", "ELOOP", "ENAMETOOLONG")) return undefined;
    throw error;
  }
}

export interface DiskRead {
  stats: BigIntStats;
  bytes: Buffer;
}

interface DiskReadOptions {
  range?: { start: number; end?: number };
  maxBytes?: number;
  signal?: AbortSignal;
  uri: string;
}

/**
 * The content of one generation, whole. Undefined where no file is, or where it was replaced since `stats` was taken:
 * look again. The buffer has its memory for itself, so that it can be transferred to a thread.
 */
export async function readFileAt(path: DiskPath, stats: BigIntStats, options: DiskReadOptions): Promise<DiskRead | undefined> {
  const sizeBytes = Number(stats.size);
  if (options.maxBytes !== undefined && sizeBytes > options.maxBytes) throw tooLarge(options.uri, sizeBytes, options.maxBytes);
  const start = Math.min(options.range?.start ?? 0, sizeBytes);
  const end = Math.max(start, Math.min(options.range?.end ?? sizeBytes, sizeBytes));
  const handle = openForRead(path);
  if (handle === undefined) return undefined;
  try {
    const bytes = Buffer.allocUnsafeSlow(end - start);
    const length = await fill(handle, bytes, start, options.signal);
    const after = fstatSync(handle, { bigint: true });
    if (after.ino !== stats.ino) return undefined;
    if (length < bytes.length || after.mtimeNs !== stats.mtimeNs || after.size !== stats.size) throw changedWhileRead(options.uri);
    return { stats, bytes };
  } finally {
    closeSync(handle);
  }
}

function openForRead(path: DiskPath): number | undefined {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (failedWith(error, "ENOENT", "ENOTDIR")) return undefined;
    throw error;
  }
}

/** How many bytes there were. */
async function fill(handle: number, bytes: Buffer, start: number, signal: AbortSignal | undefined): Promise<number> {
  let filled = 0;
  while (filled < bytes.length) {
    const wanted = Math.min(pieceBytes, bytes.length - filled);
    const length = readSync(handle, bytes, filled, wanted, start + filled);
    if (length === 0) break;
    filled += length;
    if (filled < bytes.length) await pause(signal);
  }
  return filled;
}

export async function pause(signal: AbortSignal | undefined): Promise<void> {
  await yieldToOthers();
  signal?.throwIfAborted();
}
