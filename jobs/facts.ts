import { messageOf } from "../core/errors.ts";
import { readExif, type ExifFields } from "./exif.ts";
import { defineJob, type Job, type JobResult } from "./job.ts";

export interface FactsParams {
  /** Where a picture was taken is private: only on request. */
  gps: boolean;
}

/** EXIF basics. What the header says (format, size, colour space, …) fills the row without any job. */
const facts: Job<FactsParams> = defineJob<FactsParams>({
  name: "facts",
  version: 1,
  params: (zod) => zod.strictObject({ gps: zod.boolean().default(false) }),
  needs: () => ({}),
  run: (image, params) => Promise.resolve(factsOf(image.header.exif, params)),
});
export default facts;

function factsOf(block: Uint8Array | undefined, params: FactsParams): JobResult {
  if (block === undefined) return {};
  let exif: ExifFields;
  try {
    exif = readExif(block);
  } catch (error) {
    return { warnings: [`the EXIF block is unreadable: ${messageOf(error)}`] };
  }
  const taken = takenAt(exif);
  const place = params.gps ? placeOf(exif) : {};
  return {
    facts: {
      ...(exif.make !== undefined && { cameraMake: exif.make }),
      ...(exif.model !== undefined && { cameraModel: exif.model }),
      ...(exif.lens !== undefined && { lens: exif.lens }),
      ...taken.facts,
      ...place.facts,
    },
    warnings: [...(taken.warnings ?? []), ...(place.warnings ?? [])],
  };
}

/** ISO 8601: local to the camera, or with an offset where it wrote one. */
function takenAt(exif: ExifFields): JobResult {
  const [time, offset] = exif.original === undefined ? [exif.digitized, exif.digitizedOffset] : [exif.original, exif.originalOffset];
  // Cameras without a clock fill the field with blanks or zeros.
  if (time === undefined || !/[1-9]/.test(time)) return {};
  const parts = /^(\d{4})[:-](\d{2})[:-](\d{2})[ T](\d{2}):(\d{2}):(\d{2})/.exec(time);
  const iso = parts && `${parts.slice(1, 4).join("-")}T${parts.slice(4, 7).join(":")}`;
  if (iso === null || !isTime(iso)) return { warnings: [`the EXIF time "${time.slice(0, 32)}" is not a time`] };
  return { facts: { takenAt: offset !== undefined && /^[+-]\d{2}:\d{2}$/.test(offset) ? iso + offset : iso } };
}

/** Date rolls 30 February over to March instead of refusing it. */
function isTime(iso: string): boolean {
  const time = Date.parse(`${iso}Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(iso);
}

function placeOf(exif: ExifFields): JobResult {
  if (exif.latitude === undefined || exif.longitude === undefined) return {};
  const latitude = degrees(exif.latitude, exif.latitudeRef === "S");
  const longitude = degrees(exif.longitude, exif.longitudeRef === "W");
  if (!(Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180)) return { warnings: ["the EXIF place is not on the globe"] };
  return { facts: { gpsLatitude: latitude, gpsLongitude: longitude } };
}

/** Rounded to 7 digits: a centimetre. */
function degrees([degree = NaN, minute = 0, second = 0]: number[], negative: boolean): number {
  const value = degree + (minute || 0) / 60 + (second || 0) / 3600;
  return Math.round((negative ? -value : value) * 1e7) / 1e7;
}
