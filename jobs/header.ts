import type { Metadata } from "sharp";
import { readExif } from "./exif.ts";
import type { ImageHeader } from "./job.ts";
import { readJpegHeader, type JpegHeader } from "./jpeg.ts";
import { profileOf, type Profile } from "./profile.ts";
import sharp from "./sharp.ts";

/** The header and what else the decode has to know. */
export interface SourceHeader {
  header: ImageHeader;
  profile: Profile;
  /** Of HEIF: `av1`, `hevc`, … */
  compression?: string;
  /** Of JPEG and PNG: the pixels come in several passes over the whole image. */
  progressive: boolean;
}

/** Decodes no pixel. Rejects with what libvips says when it cannot read the header. */
export async function readHeader(bytes: Uint8Array): Promise<SourceHeader> {
  const jpeg = readJpegHeader(bytes);
  const orientation = jpeg && orientationOf(jpeg);
  if (jpeg !== undefined && orientation !== undefined) return fromJpeg(jpeg, orientation);
  return fromMetadata(await sharp(bytes, { failOn: "none", limitInputPixels: false }).metadata());
}

/** Undefined where the EXIF block is odd: libvips' reading of it is what the decode will obey. */
function orientationOf(jpeg: JpegHeader): number | undefined {
  if (jpeg.exif === undefined) return 1;
  try {
    const { orientation = 1 } = readExif(jpeg.exif);
    return orientation >= 1 && orientation <= 8 ? orientation : undefined;
  } catch {
    return undefined;
  }
}

function fromJpeg(jpeg: JpegHeader, orientation: number): SourceHeader {
  const [width, height] = orientation >= 5 ? [jpeg.height, jpeg.width] : [jpeg.width, jpeg.height];
  return {
    header: {
      format: "jpeg",
      width,
      height,
      orientation,
      colorSpace: { 1: "b-w", 3: "srgb", 4: "cmyk" }[jpeg.channels],
      channels: jpeg.channels,
      bitDepth: "8",
      hasAlpha: false,
      pages: 1,
      ...(jpeg.exif !== undefined && { exif: jpeg.exif }),
    },
    profile: profileOf(jpeg.icc),
    progressive: jpeg.progressive,
  };
}

const bitsOfFormat: Record<string, string> = { uchar: "8", char: "8", ushort: "16", short: "16", float: "32f", double: "64f" };

function fromMetadata(metadata: Metadata): SourceHeader {
  return {
    header: {
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
    },
    profile: profileOf(metadata.icc),
    progressive: metadata.isProgressive,
    ...(metadata.compression !== undefined && { compression: metadata.compression }),
  };
}
