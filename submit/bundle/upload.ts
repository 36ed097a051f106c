import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { sha256Hex } from "../../core/digest.ts";
import { controlNames } from "../../core/layout.ts";
import { isStoreError, type ObjectStore } from "../../storage/store.ts";

export interface UploadedRuntime {
  /** Where machines fetch it: `gs://…` */
  uri: string;
  /** In the control store. */
  name: string;
  /** SHA-256 of the bytes, in hex. */
  sha256: string;
}

/** Brings a runtime archive to the control store, once: its name there carries the checksum of its bytes. */
export async function uploadRuntime(control: ObjectStore, file: string, signal: AbortSignal): Promise<UploadedRuntime> {
  const bytes = await readFile(file, { signal });
  const sha256 = sha256Hex(bytes);
  const name = controlNames.runtime(sha256, basename(file));
  const uploaded = { uri: control.uri(name), name, sha256 };
  if ((await control.stat(name, { signal }))?.sizeBytes === bytes.length) return uploaded;
  try {
    await control.write(name, bytes, { ifGeneration: "0", contentType: "application/gzip", durable: true, signal });
  } catch (error) {
    // Another driver brought the same bytes.
    if (!isStoreError(error, "PRECONDITION_FAILED")) throw error;
  }
  return uploaded;
}
