import { messageOf } from "../core/errors.ts";
import { decodeFailure, isCutShort, isTimeout, isUnsupported, timeoutFailure, told, type Failure } from "./classify.ts";
import { decodePixels, type Box, type DecodeInput, type Pixels } from "./decode.ts";
import sharp from "./sharp.ts";

export type Decoded = { pixels: Pixels; warning?: string } | { failure: Failure };

/** A picture that lacks no more of its rows than this is worth having. */
const maxMissingRatio = 1 / 32;

/**
 * The shared decode, strict first. What fails there is judged by how lenient libvips has to be to get through:
 * - past warnings only (stray bytes between segments, an odd tag): every pixel was there, so `ok` with a warning;
 * - past the end of the data: `ok` with a warning where at most 1/32 of the rows is missing, as with a lost end marker;
 *   `truncated` where more is, and where nobody can tell how much is: the pixels come in several passes (progressive),
 *   or the format's decoder leaves garbage where it got no data (all but JPEG and GIF);
 * - past errors (a strip that cannot be read): libvips leaves such parts blank, so `corrupt`;
 * - not at all: by what libvips says.
 */
export async function decodeOrSalvage(input: DecodeInput, boxes: Box[]): Promise<Decoded> {
  const strict = await attempt(input, boxes, "warning");
  if ("pixels" in strict) return strict;
  const { error } = strict;
  const refusal: Decoded = { failure: decodeFailure(input.bytes, input.source.header, error) };
  if (isTimeout(error) || isUnsupported(error)) return refusal;
  if (input.remainingMs() <= 0) return { failure: timeoutFailure(told(error)) };
  if (isCutShort(error)) return (await pastTheEnd(input, boxes, error)) ?? refusal;
  const lenient = await attempt(input, boxes, "error");
  return "pixels" in lenient ? { ...lenient, warning: `decoded in spite of: ${told(error)}` } : refusal;
}

async function pastTheEnd(input: DecodeInput, boxes: Box[], error: string): Promise<Decoded | undefined> {
  const { header, progressive } = input.source;
  const tells = !progressive && (header.format === "jpeg" || header.format === "gif");
  const missing = tells ? await missingRatio(input) : undefined;
  if (missing === undefined || missing > maxMissingRatio) return undefined;
  const lenient = await attempt(input, boxes, "none");
  return "pixels" in lenient
    ? { ...lenient, warning: `the end is missing (${(missing * 100).toFixed(1)} % of the rows): ${told(error)}` }
    : undefined;
}

async function attempt(
  input: DecodeInput,
  boxes: Box[],
  failOn: "warning" | "error" | "none",
): Promise<{ pixels: Pixels } | { error: string }> {
  try {
    return { pixels: await decodePixels(input, boxes, failOn) };
  } catch (error) {
    return { error: messageOf(error) };
  }
}

const sample = { width: 32, height: 256 };
const sameTolerance = 2;

/** Share of the rows at the stored bottom that have one colour: decoders fill in what they did not get. */
async function missingRatio(input: DecodeInput): Promise<number | undefined> {
  try {
    const { data, info } = await sharp(input.bytes, { failOn: "none", limitInputPixels: input.maxPixels, ignoreIcc: true })
      .resize({ ...sample, fit: "fill", kernel: "nearest" })
      .raw()
      .toUint8Array();
    const rowBytes = info.width * info.channels;
    let row = info.height;
    while (row > 0 && isFill(data, (row - 1) * rowBytes, rowBytes, info.channels)) row -= 1;
    return (info.height - row) / info.height;
  } catch {
    // Not even leniently: what the strict decode said stands.
    return undefined;
  }
}

/** Whether the row has the colour of the last pixel of all. */
function isFill(data: Uint8Array, start: number, length: number, channels: number): boolean {
  const fill = data.length - channels;
  for (let index = 0; index < length; index += 1) {
    if (Math.abs(data[start + index]! - data[fill + (index % channels)]!) > sameTolerance) return false;
  }
  return true;
}
