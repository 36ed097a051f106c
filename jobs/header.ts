import type { Metadata } from "sharp";
import type { ImageHeader } from "./job.ts";
import { profileOf, type Profile } from "./profile.ts";
import sharp from "./sharp.ts";

/** The header and what else the decode has to know. */
export interface SourceHeader {
  header: ImageHeader;
  profile: Profile;
  /** Of HEIF: `av1`, `hevc`, … */
  compression?: string;
}

/** Decodes no pixel. Rejects with what libvips says when it cannot read the header. */
export async function readHeader(bytes: Uint8Array): Promise<SourceHeader> {
  const metadata = await sharp(bytes, { failOn: "none", limitInputPixels: false }).metadata();
  return {
    header: headerOf(metadata),
    profile: profileOf(metadata.icc),
    ...(metadata.compression !== undefined && { compression: metadata.compression }),
  };
}

const bitsOfFormat: Record<string, string> = { uchar: "8", char: "8", ushort: "16", short: "16", float: "32f", double: "64f" };

function headerOf(metadata: Metadata): ImageHeader {
  return {
    format: metadata.format === "heif" && metadata.compression === "av1" ? "avif" : metadata.format,
    width: metadata.autoOrient.width,
    height: metadata.autoOrient.height,
    orientation: metadata.orientation ?? 1,
    colorSpace: metadata.space,
    channels: metadata.channels,
    bitDepth: metadata.bitsPerSample === undefined ? (bitsOfFormat[metadata.depth] ?? metadata.depth) : String(metadata.bitsPerSample),
    hasAlpha: metadata.hasAlpha,
    pages: metadata.pages ?? 1,
    ...(metadata.exif !== undefined && { exif: metadata.exif }),
  };
}
