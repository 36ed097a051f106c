import { constants } from "node:fs";
import { access, stat, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import type { Config } from "../../configs/config.ts";
import { pathOfLocation } from "../../configs/locations.ts";
import type { Random } from "../../core/clock.ts";
import { messageOf } from "../../core/errors.ts";
import { isStoreError, type ObjectStore } from "../../storage/store.ts";
import { formatBytes } from "../terminal/format.ts";
import { fail, ok, warn, type Finding } from "./finding.ts";

/** A store that does not answer by then is down, as far as a person who waits is concerned. */
const answerMs = 15_000;
const scarceBytes = 5e9;

type Place = "source" | "archive" | "control";

export interface StoreCheck {
  config: Config;
  open: (place: Place) => Promise<ObjectStore>;
  random: Random;
  signal: AbortSignal;
}

/** Can the source be listed and read, archive and control written to; is there room. Leaves nothing behind. */
export async function checkStores(check: StoreCheck): Promise<Finding[]> {
  const source = check.config.source === "" ? [] : [checkSource(check)];
  const found = await Promise.all([...source, checkWritable(check, "archive"), checkWritable(check, "control")]);
  return [...found.flat(), ...(await checkRoom(check.config))];
}

async function checkSource(check: StoreCheck): Promise<Finding[]> {
  const url = check.config.source;
  if (url.includes("{run_date}")) return [ok("source", `${url}: depends on the run date; not looked at`)];
  return withStore(check, "source", async (store, signal) => {
    for await (const page of store.list({ signal })) {
      const [first] = page.objects;
      if (first === undefined) continue;
      await store.read(first.name, { range: { start: 0, end: 1 }, signal });
      return [ok("source", `${url}: listed and read`)];
    }
    return [warn("source", `${url}: holds no object`, "put images there, or name another --source")];
  });
}

async function checkWritable(check: StoreCheck, place: "archive" | "control"): Promise<Finding[]> {
  const url = check.config[place];
  const path = pathOfLocation(url);
  if (path !== undefined) {
    const { there, isFolder } = await nearest(path);
    if (!isFolder)
      return [fail(place, `${there} is a file, and ${path} must be a folder`, `name another --${place}, or move the file away`)];
    if (there !== path) return [await canBeMade(place, path, there)];
  }
  return withStore(check, place, async (store, signal) => {
    const name = `doctor/probe-${check.random.hex(8)}`;
    const bytes = Buffer.from("imagemill doctor was here\n");
    const written = await store.write(name, bytes, { ifGeneration: "0", signal });
    try {
      const { bytes: back } = await store.read(name, { generation: written.generation, signal });
      if (Buffer.compare(bytes, back) !== 0)
        return [fail(place, `${url}: gave back other bytes than were written`, "do not use this store")];
    } finally {
      await store.delete(name, { ifGeneration: written.generation, signal });
    }
    return [ok(place, `${url}: written, read and deleted a probe`)];
  });
}

/** A probe would make the folder; whether it can be made shows without that. */
async function canBeMade(place: string, path: string, folder: string): Promise<Finding> {
  try {
    await access(folder, constants.W_OK | constants.X_OK);
    return ok(place, `${path}: not there yet; ${folder} lets it be made`);
  } catch (error) {
    return fail(
      place,
      `${path} cannot be made in ${folder}: ${messageOf(error)}`,
      `name another --${place}, or change the permissions of ${folder}`,
    );
  }
}

async function withStore(
  check: StoreCheck,
  place: Place,
  look: (store: ObjectStore, signal: AbortSignal) => Promise<Finding[]>,
): Promise<Finding[]> {
  const timeout = AbortSignal.timeout(answerMs);
  try {
    const store = await check.open(place);
    try {
      return await look(store, AbortSignal.any([check.signal, timeout]));
    } finally {
      await store.close();
    }
  } catch (error) {
    check.signal.throwIfAborted();
    if (timeout.aborted)
      return [fail(place, `${check.config[place]} did not answer within ${answerMs / 1000} s`, "check the network and the address")];
    if (place === "source" && isStoreError(error, "NOT_FOUND")) return [fail(place, error, "name the folder of the images with --source")];
    return [fail(place, error)];
  }
}

/** Free space where folders are, once for each file system. */
async function checkRoom(config: Config): Promise<Finding[]> {
  const paths = [config.archive, config.control, config.warehouse].map(pathOfLocation).filter((path) => path !== undefined);
  const devices = new Map<number, string>();
  for (const { there } of await Promise.all(paths.map(nearest))) devices.set((await stat(there)).dev, there);
  return Promise.all([...devices.values()].map(roomAt));
}

async function roomAt(folder: string): Promise<Finding> {
  const { bavail, bsize } = await statfs(folder);
  const text = `${formatBytes(bavail * bsize)} free at ${folder}`;
  if (bavail * bsize >= scarceBytes) return ok("disk", text);
  return warn("disk", text, "an archive of sources needs about the size of the source: free some space, or archivePolicy.sources: false");
}

/** What is there of a path: itself, or the nearest above it, in which it will be made. */
async function nearest(path: string): Promise<{ there: string; isFolder: boolean }> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined && dirname(path) !== path) return nearest(dirname(path));
  return { there: path, isFolder: found?.isDirectory() ?? false };
}
