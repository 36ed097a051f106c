import type { FailOnOptions, Sharp } from "sharp";
import type { SourceHeader } from "./header.ts";
import type { PixelBox } from "./job.ts";
import sharp from "./sharp.ts";

export type Box = PixelBox | "full";

/** What a decode reads and how patient it is. */
export interface DecodeRequest {
  bytes: Uint8Array;
  source: SourceHeader;
  maxPixels: number;
  timeoutMs: number;
  failOn: FailOnOptions;
}

/** Upright 8-bit sRGB pixels in memory, 3 or 4 channels. */
export interface Pixels {
  data: Uint8Array;
  width: number;
  height: number;
  channels: 1 | 2 | 3 | 4;
}

/** Each different box once. */
export function differentBoxes(boxes: Box[]): Box[] {
  return [...new Map(boxes.map((box) => [boxKey(box), box])).values()];
}

export function boxKey(box: Box): string {
  return box === "full" ? box : `${box.width}x${box.height}`;
}

/** A pipeline straight from the encoded bytes, so that JPEG and WebP shrink while they load. */
export function fromSource(request: DecodeRequest, box: Box): Sharp {
  const { header, profile } = request.source;
  const pipeline = sharp(request.bytes, {
    failOn: request.failOn,
    limitInputPixels: request.maxPixels,
    autoOrient: header.orientation !== 1,
    // The transform costs as much as the decode, and changes nothing where the profile is sRGB.
    ignoreIcc: profile !== "other",
  }).timeout({ seconds: Math.max(1, Math.ceil(request.timeoutMs / 1000)) });
  return fit(pipeline, box);
}

/** One decode, as large as the largest of the boxes asks. */
export async function decodePixels(request: DecodeRequest, boxes: Box[]): Promise<Pixels> {
  const { data, info } = await fromSource(request, coveringBox(boxes)).raw({ depth: "uchar" }).toUint8Array();
  return { data, width: info.width, height: info.height, channels: info.channels };
}

/** A pipeline from the decode that was shared. */
export function fromPixels({ data, width, height, channels }: Pixels, box: Box): Sharp {
  return fit(sharp(data, { raw: { width, height, channels }, limitInputPixels: false }), box);
}

function fit(pipeline: Sharp, box: Box): Sharp {
  return box === "full" ? pipeline : pipeline.resize({ ...box, fit: "inside", withoutEnlargement: true });
}

/** What fits inside it is at least as large as what fits inside any of the boxes. */
function coveringBox(boxes: Box[]): Box {
  let covering: PixelBox = { width: 1, height: 1 };
  for (const box of boxes) {
    if (box === "full") return box;
    covering = { width: Math.max(covering.width, box.width), height: Math.max(covering.height, box.height) };
  }
  return covering;
}
