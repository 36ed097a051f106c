import { crc32cBase64 } from "../storage/checksum.ts";
import type { RunRow } from "../core/rows.ts";
import { loadRejected, rowProblem } from "./rows.ts";
import { runsTable } from "./tables.ts";
import { ImagemillError } from "../core/errors.ts";
import type { StoredFile } from "../core/types.ts";
import type { LoadRequest, LoadResult } from "./warehouse.ts";

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

/** The bytes of a rows file, checked against the seal; still compressed. */
export async function readSealed({ store }: LoadRequest, file: StoredFile, signal?: AbortSignal): Promise<Uint8Array> {
  const { bytes } = await store.read(file.name, signal === undefined ? {} : { signal });
  checkFile(file, { sizeBytes: bytes.length, crc32c: crc32cBase64(bytes) }, store.uri(file.name));
  return bytes;
}

/** The files hold what the seal says, in number. */
export function assertRows(request: LoadRequest, found: number): void {
  if (found === request.rows) return;
  throw loadRejected(undefined, `the files of run ${request.runId} hold ${found} rows, the seal says ${request.rows}`);
}

/** The sealed file, or somebody replaced it since. */
function checkFile(file: StoredFile, found: { sizeBytes: number; crc32c: string }, uri: string): void {
  if (found.sizeBytes === file.sizeBytes && found.crc32c === file.crc32c) return;
  throw new ImagemillError(
    "CORRUPT_FILE",
    `${uri} has ${found.sizeBytes} bytes and crc32c ${found.crc32c}; the seal says ${file.sizeBytes} and ${file.crc32c}`,
    { hint: 'It was changed after the seal; see docs/operations.md, "A damaged control file".' },
  );
}

export function notReady(url: string): ImagemillError {
  return new ImagemillError("WAREHOUSE_NOT_READY", `${url} has no tables yet`, { hint: `Create them: imagemill init --warehouse ${url}` });
}

export function adopted(request: LoadRequest): LoadResult {
  return { loadIds: [], rows: request.rows, adopted: true };
}

export function assertRunRow(row: RunRow): void {
  const problem = rowProblem(runsTable, row);
  if (problem !== undefined) throw new ImagemillError("LOAD_REJECTED", `the row of run ${row.run_id} does not fit the table: ${problem}`);
}
