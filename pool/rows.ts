import type { ImageRow } from "../core/rows.ts";
import type { Counts, ShardEntry } from "../core/types.ts";
import { emptyCounts } from "../core/events.ts";
import type { TaskResult } from "./channel.ts";

/** What all rows of one attempt share. */
export interface RowPlace {
  runId: string;
  runDate: string;
  jobs: string;
  bucket: string;
  shard: string;
  attempt: string;
}

/** Keys in the order of the warehouse's columns. */
export function rowOf(place: RowPlace, entry: ShardEntry, result: TaskResult): ImageRow {
  const { header, facts } = result;
  return {
    run_id: place.runId,
    run_date: place.runDate,
    jobs: place.jobs,
    bucket: place.bucket,
    name: entry.name,
    generation: entry.generation,
    crc32c: result.crc32c ?? entry.crc32c ?? null,
    sha256: result.sha256 ?? null,
    size_bytes: entry.sizeBytes,
    content_type: result.contentType ?? entry.contentType ?? null,
    format: header?.format ?? null,
    width: header?.width ?? null,
    height: header?.height ?? null,
    megapixels: header === undefined ? null : megapixelsOf(header),
    color_space: header?.colorSpace ?? null,
    channels: header?.channels ?? null,
    bit_depth: header?.bitDepth ?? null,
    has_alpha: header?.hasAlpha ?? null,
    orientation: header?.orientation ?? null,
    pages: header?.pages ?? null,
    taken_at: facts?.takenAt ?? null,
    camera_make: facts?.cameraMake ?? null,
    camera_model: facts?.cameraModel ?? null,
    lens: facts?.lens ?? null,
    gps_latitude: facts?.gpsLatitude ?? null,
    gps_longitude: facts?.gpsLongitude ?? null,
    fingerprint: facts?.fingerprint ?? null,
    outcome: result.outcome,
    reason: result.reason ?? null,
    message: result.message ?? null,
    warnings: result.warnings,
    twin: result.twin ?? null,
    shard: place.shard,
    attempt: place.attempt,
    processed_at: result.processedAt,
    timings: result.timings,
    outputs: result.outputs,
  };
}

function megapixelsOf({ width, height }: { width: number; height: number }): number {
  return Math.round((width * height) / 1e4) / 100;
}

/** `bytesIn` counts what was read, `bytesOut` what is in the archive because of it. */
export function countsOf(entry: ShardEntry, result: TaskResult): Counts {
  const wasRead = result.crc32c !== undefined;
  return {
    ...emptyCounts(),
    objects: 1,
    [result.outcome]: 1,
    outputs: result.outputs.length,
    bytesIn: wasRead ? entry.sizeBytes : 0,
    bytesOut: result.outputs.reduce((sum, output) => sum + output.size_bytes, 0),
  };
}
