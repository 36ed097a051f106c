import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
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
  const digest = createHash("sha256").update(driver).digest("hex").slice(0, 16);
  const driverName = controlNames.runtime(`driver-${digest}.py`);
  const archiveName = controlNames.runtime(bundle.name);
  await uploadOnce(control, driverName, "text/x-python", async () => Promise.resolve(driver), signal);
  await uploadOnce(control, archiveName, "application/gzip", async () => readFile(bundle.file), signal);
  return { archive: `${control.uri(archiveName)}#${runtimeFolder}`, driver: control.uri(driverName) };
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
