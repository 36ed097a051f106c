import { readFile } from "node:fs/promises";
import { sha256Hex } from "../../core/digest.ts";
import { controlNames } from "../../core/layout.ts";
import { createIfAbsent } from "../../storage/objects.ts";
import type { ObjectStore } from "../../storage/store.ts";
import { driverFile, runtimeFolder } from "../engines/spark/command.ts";
import type { Bundle } from "./bundle.ts";

/** What a Spark application of ours is made of, as URIs for whoever submits it. */
export interface UploadedRuntime {
  /** With the name after `#` that nodes know it by. */
  archive: string;
  /** The main Python file. */
  driver: string;
}

/** Puts the runtime archive and driver.py into the control store, once: names carry digests of what they name. */
export async function uploadRuntime(control: ObjectStore, bundle: Bundle, signal: AbortSignal): Promise<UploadedRuntime> {
  const driver = await uploadDriver(control, signal);
  const { uri } = await uploadArchive(control, bundle, signal);
  return { archive: `${uri}#${runtimeFolder}`, driver };
}

/** The Spark application alone, for nodes that have imagemill. */
export async function uploadDriver(control: ObjectStore, signal: AbortSignal): Promise<string> {
  const text = await readFile(driverFile);
  const name = controlNames.runtime(`driver-${sha256Hex(text).slice(0, 16)}.py`);
  await createIfAbsent(control, name, "text/x-python", async () => Promise.resolve(text), signal);
  return control.uri(name);
}

export interface UploadedArchive {
  uri: string;
  /** SHA-256 of its bytes, in hex, for those who fetch it. */
  sha256: string;
}

/** The runtime archive alone. */
export async function uploadArchive(
  control: ObjectStore,
  { name, file }: Pick<Bundle, "name" | "file">,
  signal: AbortSignal,
): Promise<UploadedArchive> {
  const archiveName = controlNames.runtime(name);
  const bytes = await readFile(file, { signal });
  await createIfAbsent(control, archiveName, "application/gzip", async () => Promise.resolve(bytes), signal);
  return { uri: control.uri(archiveName), sha256: sha256Hex(bytes) };
}
