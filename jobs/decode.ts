import type { FailOnOptions, Sharp } from "sharp";
import { toSrgb } from "./color.ts";
import type { SourceHeader } from "./header.ts";
import type { ImageHeader, PixelBox } from "./job.ts";
import sharp from "./sharp.ts";

export type Box = PixelBox | "full";

/** What is decoded, and how long it may take. */
export interface DecodeInput {
  bytes: Uint8Array;
  source: SourceHeader;
  maxPixels: number;
  /** Of the time that the image may take, what is left now. */
  remainingMs(): number;
}

/** Upright 8-bit sRGB pixels in memory. */
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

/**
 * Whether a pipeline for one box may start at the encoded bytes. Not where an RGB profile has to be applied: sharp
 * does it before it scales, which costs several times as much, and takes 16-bit images to another space than sRGB.
 */
export function isDirect(source: SourceHeader): boolean {
  return !hasForeignProfile(source);
}

/** A pipeline from the encoded bytes, so that JPEG and WebP shrink while they load. */
export function fromSource(input: DecodeInput, box: Box, failOn: FailOnOptions = "warning"): Sharp {
  const { header, profile } = input.source;
  const pipeline = sharp(input.bytes, {
    failOn,
    limitInputPixels: input.maxPixels,
    autoOrient: header.orientation !== 1,
    // Where the profile is sRGB, applying it costs as much as the decode and changes nothing.
    ignoreIcc: profile.kind === "srgb" || hasForeignProfile(input.source),
  });
  return fit(withDeadline(pipeline, input), header, box);
}

/** One decode, as large as the largest of the boxes asks. */
export async function decodePixels(input: DecodeInput, boxes: Box[], failOn: FailOnOptions): Promise<Pixels> {
  const { profile } = input.source;
  const pipeline = fromSource(input, coveringBox(boxes), failOn);
  const foreign = hasForeignProfile(input.source);
  // Converts from the embedded profile, after scaling; does not write it into the output.
  if (foreign && profile.kind === "other") pipeline.withIccProfile("srgb", { attach: false });
  const { data, info } = await pipeline.raw({ depth: "uchar" }).toUint8Array();
  if (foreign && profile.kind === "matrix") toSrgb(data, info.channels, profile);
  return { data, width: info.width, height: info.height, channels: info.channels };
}

/** A pipeline from the decode that is shared. */
export function fromPixels(input: DecodeInput, { data, width, height, channels }: Pixels, box: Box): Sharp {
  const pipeline = sharp(data, { raw: { width, height, channels }, limitInputPixels: false });
  return fit(withDeadline(pipeline, input), input.source.header, box);
}

/** Grey and CMYK profiles are left to sharp, which applies them before it makes RGB of them. */
function hasForeignProfile({ profile, header }: SourceHeader): boolean {
  return (profile.kind === "other" || profile.kind === "matrix") && (header.colorSpace === "srgb" || header.colorSpace === "rgb16");
}

function withDeadline(pipeline: Sharp, input: DecodeInput): Sharp {
  return pipeline.timeout({ seconds: Math.min(3600, Math.max(1, Math.ceil(input.remainingMs() / 1000))) });
}

/** The size follows from the header alone, so that it is the same from whichever decode. */
function fit(pipeline: Sharp, { width, height }: ImageHeader, box: Box): Sharp {
  if (box === "full" || (width <= box.width && height <= box.height)) return pipeline;
  const scale = Math.min(box.width / width, box.height / height);
  return pipeline.resize(scaled(width, scale), scaled(height, scale), { fit: "fill" });
}

function scaled(edge: number, scale: number): number {
  return Math.max(1, Math.round(edge * scale));
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
