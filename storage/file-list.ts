import { statSync } from "node:fs";
import { exitCodes } from "../core/errors.ts";
import { generationOf, pause, statFile } from "./file-disk.ts";
import { nameOfByteText } from "./file-names.ts";
import { walk } from "./file-walk.ts";
import { notFound } from "./outcomes.ts";
import { StoreError, type ListOptions, type ListPage, type ObjectInfo } from "./store.ts";
import type { BigIntStats } from "node:fs";

const pageSize = 1000;
/** How long the synchronous calls of a listing may keep others waiting. */
const sliceMs = 10;

/** Pages in the order of the names' UTF-8 bytes. A file that vanishes meanwhile is left out. */
export async function* listFolder(root: string, uri: string, options: ListOptions): AsyncGenerator<ListPage> {
  options.signal?.throwIfAborted();
  assertFolder(root, uri);
  let page: ListPage = { objects: [], prefixes: [] };
  let sliceEnd = performance.now() + sliceMs;
  for (const found of walk(root, options)) {
    if (found.kind === "prefix") page.prefixes.push(nameOfByteText(found.name));
    if (found.kind === "object") {
      const stats = statFile(found.path);
      if (stats !== undefined) page.objects.push(infoOf(nameOfByteText(found.name), stats));
    }
    if (page.objects.length + page.prefixes.length >= pageSize) {
      options.signal?.throwIfAborted();
      yield page;
      page = { objects: [], prefixes: [] };
    }
    if (performance.now() > sliceEnd) {
      await pause(options.signal);
      sliceEnd = performance.now() + sliceMs;
    }
  }
  if (page.objects.length + page.prefixes.length > 0) yield page;
}

/** The generation appears when the content does, which is when the file was last written. */
export function infoOf(name: string, stats: BigIntStats): ObjectInfo {
  return {
    name,
    generation: generationOf(stats),
    sizeBytes: Number(stats.size),
    createdAt: new Date(Number(stats.mtimeNs / 1_000_000n)).toISOString(),
  };
}

function assertFolder(root: string, uri: string): void {
  const found = statSync(root, { throwIfNoEntry: false });
  if (found === undefined) {
    const { message } = notFound(uri);
    throw new StoreError("NOT_FOUND", message, {
      exitCode: exitCodes.precondition,
      hint: `Check the path, or create the folder: mkdir -p '${root}'`,
    });
  }
  if (!found.isDirectory()) {
    throw new StoreError("STORE_FAILED", `${uri} is not a folder`, {
      exitCode: exitCodes.precondition,
      hint: "Name the folder that holds the images, not one of its files.",
    });
  }
}
