/**
 * Whether the container says that the object should be longer than it is. Undefined where it does not tell: then what
 * libvips says counts, which is vague for these formats (it calls a WebP without its end one that it cannot parse).
 */
export function endsEarly(bytes: Uint8Array): boolean | undefined {
  const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = (at: number, length: number): string => data.toString("latin1", at, at + length);
  if (data.length < 16) return undefined;
  if (text(0, 4) === "\x89PNG") return data.lastIndexOf("IEND") === -1;
  if (text(0, 4) === "RIFF" && text(8, 4) === "WEBP") return data.readUInt32LE(4) + 8 > data.length;
  if (text(0, 4) === "II*\0") return directoryEndsEarly(data, true);
  if (text(0, 4) === "MM\0*") return directoryEndsEarly(data, false);
  return text(4, 4) === "ftyp" ? boxesEndEarly(data) : undefined;
}

/** TIFF: the first directory, which many writers put at the end. */
function directoryEndsEarly(data: Buffer, littleEndian: boolean): boolean {
  const at = littleEndian ? data.readUInt32LE(4) : data.readUInt32BE(4);
  if (at + 2 > data.length) return true;
  const entries = littleEndian ? data.readUInt16LE(at) : data.readUInt16BE(at);
  return at + 2 + entries * 12 > data.length;
}

/** ISO base media (AVIF, HEIF): a chain of boxes, each with its length; 0 = to the end, 1 = a 64-bit length follows. */
function boxesEndEarly(data: Buffer): boolean {
  let at = 0;
  while (at + 8 <= data.length) {
    const length = data.readUInt32BE(at);
    if (length === 0) return false;
    if (length === 1 && at + 16 > data.length) return true;
    const size = length === 1 ? Number(data.readBigUInt64BE(at + 8)) : length;
    if (size < 8) return false;
    at += size;
  }
  return at > data.length;
}
