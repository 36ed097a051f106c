import sharp from "../../jobs/sharp.ts";
import type { PictureReply, PictureRequest } from "./picture-maker.ts";

/*
 * A process of its own, since what it decodes has already been found guilty of something. Takes one image at a time and
 * answers with a small WebP, or without one.
 */

/** Above what any policy should allow: pictures of images with too many pixels are wanted here. */
const maxPixels = 1_000_000_000;

async function shrink({ bytes, boxPixels }: PictureRequest): Promise<PictureReply> {
  // Made small before it is turned upright: turning a large image needs all of its pixels in memory.
  const small = await sharp(bytes, { failOn: "none", limitInputPixels: maxPixels })
    .resize(boxPixels, boxPixels, { fit: "inside", withoutEnlargement: true })
    .keepExif()
    .webp({ lossless: true, effort: 0 })
    .toBuffer();
  const { data, info } = await sharp(small).autoOrient().webp({ quality: 62 }).toBuffer({ resolveWithObject: true });
  return { picture: { bytes: data, width: info.width, height: info.height } };
}

process.on("message", (request: PictureRequest) => {
  void shrink(request)
    // What cannot be decoded has no picture; its row says why.
    .catch((): PictureReply => ({}))
    .then((reply) => process.send?.(reply));
});
