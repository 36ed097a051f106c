import { ImagemillError } from "../core/errors.ts";
import type { StoredFile } from "../core/types.ts";
import type { LoadRequest } from "./warehouse.ts";

/** What a count of the run's rows means for the load. */
export function decideLoad(request: LoadRequest, counted: number): "adopt" | "insert" {
  if (counted === request.rows) return counted === 0 ? "insert" : "adopt";
  if (counted === 0) return "insert";
  throw new ImagemillError(
    "LOAD_INCONSISTENT",
    `the warehouse holds ${counted} rows of run ${request.runId}, its seal says ${request.rows}; nothing was changed`,
    { hint: `Find out who wrote them; \`imagemill verify ${request.runId}\` names what differs. Delete them only if they are wrong.` },
  );
}

/** The sealed file, or somebody replaced it since. */
export function checkFile(file: StoredFile, found: { sizeBytes: number; crc32c?: string | undefined }, uri: string): void {
  if (found.sizeBytes === file.sizeBytes && found.crc32c === file.crc32c) return;
  throw new ImagemillError(
    "CORRUPT_FILE",
    `${uri} has ${found.sizeBytes} bytes and crc32c ${found.crc32c ?? "unknown"}; the seal says ${file.sizeBytes} and ${file.crc32c}`,
    { hint: 'It was changed after the seal; see docs/operations.md, "A damaged control file".' },
  );
}

export function notReady(url: string): ImagemillError {
  return new ImagemillError("WAREHOUSE_NOT_READY", `${url} has no tables yet`, { hint: `Create them: imagemill init --warehouse ${url}` });
}

export function newer(url: string, found: number, ours: number): ImagemillError {
  return new ImagemillError("WAREHOUSE_NEWER", `${url} has schema ${found}; this imagemill knows ${ours}`, {
    hint: "Use the imagemill that made it, or a newer one; or name another warehouse with --warehouse.",
    exitCode: 4,
  });
}
