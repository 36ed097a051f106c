import { readFile } from "node:fs/promises";
import { sha256Hex } from "../../core/digest.ts";
import { controlNames } from "../../core/layout.ts";
import { createIfAbsent } from "../../storage/objects.ts";
import type { ObjectStore } from "../../storage/store.ts";
import { driverFile, runtimeFolder } from "../engines/spark/command.ts";
import type { Bundle } from "./bundle.ts";

/*
 * What a Spark application of ours is made of, put into the control store once: names carry digests of what they name.
 * Both give the URI for whoever submits one.
 */

/** The URI ends in the name that nodes know the archive by. */
export async function uploadBundle(control: ObjectStore, bundle: Bundle, signal: AbortSignal): Promise<string> {
  const name = controlNames.runtime(bundle.name);
  await createIfAbsent(control, name, "application/gzip", async () => readFile(bundle.file), signal);
  return `${control.uri(name)}#${runtimeFolder}`;
}

/** The main Python file. */
export async function uploadDriver(control: ObjectStore, signal: AbortSignal): Promise<string> {
  const text = await readFile(driverFile);
  const name = controlNames.runtime(`driver-${sha256Hex(text).slice(0, 16)}.py`);
  await createIfAbsent(control, name, "text/x-python", async () => Promise.resolve(text), signal);
  return control.uri(name);
}
