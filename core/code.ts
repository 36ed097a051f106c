import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { digestOf, sha256Hex } from "./digest.ts";
import { ImagemillError } from "./errors.ts";
import type { CodeDigests } from "./types.ts";

/** What executes on a worker and can change an output or a row. */
const workerFolders = ["core", "storage", "jobs", "pool"];

/**
 * Digests of what executes here. A plan freezes the submitter's, a worker that differs refuses to work: a run's rows
 * come from one version of the code. Equal source trees have equal digests, wherever they are and on every platform.
 */
export function codeDigests(root: string = join(dirname(fileURLToPath(import.meta.url)), "..")): CodeDigests {
  return { imagemill: sourceDigest(root), ...sharpVersions(root) };
}

/** What differs, for people: `sharp 0.35.5 here, 0.35.4 in the plan`. Empty when nothing does. */
export function codeDifferences(here: CodeDigests, planned: CodeDigests): string[] {
  return (["imagemill", "sharp", "libvips"] as const)
    .filter((part) => here[part] !== planned[part])
    .map((part) => `${part} ${here[part]} here, ${planned[part]} in the plan`);
}

function sourceDigest(root: string): string {
  const files = workerFolders.flatMap((folder) => sourceFiles(root, folder)).sort();
  return digestOf(files.map((file) => [file, sha256Hex(readFileSync(join(root, file)))]));
}

function sourceFiles(root: string, folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.[jt]s$/.test(entry.name))
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(root.length + 1)
        .replaceAll("\\", "/"),
    );
}

/** Read from the packages' own files: importing sharp would load libvips into processes that never need it. */
function sharpVersions(root: string): { sharp: string; libvips: string } {
  const folder = packageFolder(root, "sharp");
  const sharp = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as SharpPackage;
  return { sharp: sharp.version, libvips: sharp.config?.libvips?.replace(/^[^\d]*/, "") ?? "unknown" };
}

interface SharpPackage {
  version: string;
  /** The prebuilt libvips that every platform's package of this sharp version carries. */
  config?: { libvips?: string };
}

function packageFolder(root: string, name: string): string {
  const entry = createRequire(join(root, "package.json")).resolve(name);
  const marker = join("node_modules", name);
  const end = entry.lastIndexOf(marker);
  if (end === -1) throw new ImagemillError("INSTALL_BROKEN", `${name} is not in a node_modules folder`, { hint: "npm ci" });
  return entry.slice(0, end + marker.length);
}
