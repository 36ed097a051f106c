import { readFile } from "node:fs/promises";
import { sha256Hex } from "../../core/digest.ts";
import { controlNames } from "../../core/layout.ts";
import { isStoreError, type ObjectStore } from "../../storage/store.ts";
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
  const driver = await readFile(driverFile);
  const digest = sha256Hex(driver).slice(0, 16);
  const driverName = controlNames.runtime(`driver-${digest}.py`);
  await uploadOnce(control, driverName, "text/x-python", async () => Promise.resolve(driver), signal);
  const { uri } = await uploadArchive(control, bundle, signal);
  return { archive: `${uri}#${runtimeFolder}`, driver: control.uri(driverName) };
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
  await uploadOnce(control, archiveName, "application/gzip", async () => Promise.resolve(bytes), signal);
  return { uri: control.uri(archiveName), sha256: sha256Hex(bytes) };
}

async function uploadOnce(
  control: ObjectStore,
  name: string,
  contentType: string,
  content: () => Promise<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  if ((await control.stat(name, { signal })) !== undefined) return;
  try {
    await control.write(name, await content(), { ifGeneration: "0", contentType, durable: true, signal });
  } catch (error) {
    // Somebody else was faster with the same bytes.
    if (!isStoreError(error, "PRECONDITION_FAILED")) throw error;
  }
}
