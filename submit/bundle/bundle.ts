import { existsSync } from "node:fs";
import { mkdir, readFile, rename, rm } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { ImagemillError } from "../../core/errors.ts";
import { type BundleEntry, bundleDigest, folderEntries, writeArchive } from "./archive.ts";
import { packageClosure, type Platform } from "./packages.ts";

export interface Bundle {
  file: string;
  /** Carries the digest of the content. */
  name: string;
  digest: string;
  files: number;
  /** False when it was there already. */
  written: boolean;
}

/** What nodes of a cluster run: Linux on x64 with glibc. */
const nodePlatform: Platform = { os: "linux", cpu: "x64", libc: "glibc" };
const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const folders = [
  "core",
  "storage",
  "warehouse",
  "jobs",
  "configs",
  "partitioner",
  "pool",
  "archive",
  "capacity",
  "analysis",
  "ingest",
  "submit",
];
/** Needed only where runs are submitted or looked at, or where the embedded warehouse is. */
const submitterOnly = new Set([
  "node",
  "@duckdb/node-api",
  "@google-cloud/dataproc",
  "@google-cloud/batch",
  "@grpc/grpc-js",
  "@platformatic/kafka",
  "tar-stream",
  "echarts",
  "esbuild",
  "hyparquet-writer",
]);

/**
 * The runtime archive: Node, our code, sharp for linux-x64. A node of a cluster needs nothing else.
 * Reproducible: the same sources and packages give the same bytes and the same name.
 */
export async function makeBundle(folder: string, signal: AbortSignal): Promise<Bundle> {
  requirePlatform();
  const entries = await bundleEntries();
  const digest = await bundleDigest(entries);
  const name = `imagemill-runtime-${digest.slice(0, 16)}.tar.gz`;
  const file = join(folder, name);
  if (existsSync(file)) return { file, name, digest, files: entries.length, written: false };
  await mkdir(folder, { recursive: true });
  const partial = `${file}.${process.pid}`;
  try {
    await writeArchive(entries, partial, signal);
    await rename(partial, file);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
  return { file, name, digest, files: entries.length, written: true };
}

function requirePlatform(): void {
  if (process.platform === nodePlatform.os && process.arch === nodePlatform.cpu) return;
  throw new ImagemillError("WRONG_PLATFORM", `a bundle for linux-x64 cannot be made on ${process.platform}-${process.arch}`, {
    hint: "Make it on a Linux x64 machine, or in a container of that platform.",
  });
}

async function bundleEntries(): Promise<BundleEntry[]> {
  const entries: BundleEntry[] = [
    { name: "bin/node", file: process.execPath, executable: true },
    { name: "bin/imagemill", text: launcher, executable: true },
    { name: "app/package.json", file: join(root, "package.json"), executable: false },
  ];
  for (const source of folders) {
    if (!existsSync(join(root, source))) continue;
    entries.push(...(await folderEntries(join(root, source), `app/${source}`, () => true)));
  }
  for (const folder of await runtimePackages()) {
    const prefix = `app/${relative(root, folder)}`;
    entries.push(...(await folderEntries(folder, prefix, (path) => isRuntime(path))));
  }
  return entries;
}

async function runtimePackages(): Promise<string[]> {
  const { dependencies } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { dependencies: Record<string, string> };
  const roots = Object.keys(dependencies).filter((name) => !submitterOnly.has(name));
  return packageClosure(root, roots, nodePlatform);
}

/** Nested packages have entries of their own; documentation, types and maps stay at home. */
function isRuntime(path: string): boolean {
  return !/(^|\/)node_modules\//.test(path) && !/\.(md|map|d\.[cm]?ts|ts|flow)$/i.test(path) && !/^(docs?|tests?|examples?)\//.test(path);
}

const launcher = `#!/bin/sh
# Works from any folder and without Node or npm on the path.
here=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd -P)
exec "$here/bin/node" "$here/app/submit/bin.js" "$@"
`;
