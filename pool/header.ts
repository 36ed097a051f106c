/*
 * What decoding an image may cost in memory, read from its first bytes in microseconds, before a thread gets it.
 * An estimate from above: libvips streams most formats and shrinks JPEGs on load.
 */

/** Bytes of the decoded image; 0 for what no loader takes; Infinity where a known format hides its size. */
export function decodedBytesOf(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const probe = probes.find(({ matches }) => matches(view));
  if (probe === undefined) return 0;
  try {
    return probe.decodedBytes(view) ?? Infinity;
  } catch (error) {
    // A RangeError of DataView: the header ends early.
    if (error instanceof RangeError) return Infinity;
    throw error;
  }
}

interface Probe {
  matches(view: DataView): boolean;
  decodedBytes(view: DataView): number | undefined;
}

const probes: Probe[] = [
  { matches: (view) => starts(view, 0, 0xff, 0xd8, 0xff), decodedBytes: jpeg },
  { matches: (view) => starts(view, 0, 0x89, 0x50, 0x4e, 0x47), decodedBytes: png },
  { matches: (view) => text(view, 0, "RIFF") && text(view, 8, "WEBP"), decodedBytes: webp },
  { matches: (view) => text(view, 0, "GIF8"), decodedBytes: gif },
  { matches: (view) => text(view, 0, "II*\0") || text(view, 0, "MM\0*"), decodedBytes: tiff },
  { matches: (view) => text(view, 0, "II+\0") || text(view, 0, "MM\0+"), decodedBytes: () => undefined },
  { matches: (view) => text(view, 4, "ftyp"), decodedBytes: heif },
];

function starts(view: DataView, offset: number, ...wanted: number[]): boolean {
  return view.byteLength >= offset + wanted.length && wanted.every((byte, index) => view.getUint8(offset + index) === byte);
}

function text(view: DataView, offset: number, wanted: string): boolean {
  if (view.byteLength < offset + wanted.length) return false;
  for (let index = 0; index < wanted.length; index += 1) {
    if (view.getUint8(offset + index) !== wanted.charCodeAt(index)) return false;
  }
  return true;
}

/** Progressive images are held whole, as coefficients of 16 bits. */
function jpeg(view: DataView): number | undefined {
  let offset = 2;
  while (offset < view.byteLength) {
    if (view.getUint8(offset) !== 0xff) return undefined;
    const marker = view.getUint8(offset + 1);
    if (isFrame(marker)) {
      const samples = view.getUint16(offset + 5) * view.getUint16(offset + 7) * view.getUint8(offset + 9);
      return isProgressive(marker) ? samples * 2.2 : samples;
    }
    if (marker === 0xff) offset += 1;
    else if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)) offset += 2;
    else if (marker === 0xd9 || marker === 0xda) return undefined;
    else offset += 2 + view.getUint16(offset + 2);
  }
  return undefined;
}

/** SOF0 to SOF15 without DHT, JPG and DAC, which sit between them. */
function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

function isProgressive(marker: number): boolean {
  return marker === 0xc2 || marker === 0xc6 || marker === 0xca || marker === 0xce;
}

const pngChannels: Record<number, number> = { 0: 1, 2: 3, 3: 4, 4: 2, 6: 4 };

function png(view: DataView): number | undefined {
  const channels = pngChannels[view.getUint8(25)];
  if (channels === undefined) return undefined;
  const isInterlaced = view.getUint8(28) === 1;
  return view.getUint32(16) * view.getUint32(20) * channels * (view.getUint8(24) > 8 ? 2 : 1) * (isInterlaced ? 1.2 : 1);
}

function webp(view: DataView): number | undefined {
  if (text(view, 12, "VP8X")) return (1 + uint24(view, 24)) * (1 + uint24(view, 27)) * 4;
  if (text(view, 12, "VP8 ")) return (view.getUint16(26, true) & 0x3fff) * (view.getUint16(28, true) & 0x3fff) * 4;
  if (!text(view, 12, "VP8L")) return undefined;
  const bits = view.getUint32(21, true);
  return (1 + (bits & 0x3fff)) * (1 + ((bits >>> 14) & 0x3fff)) * 4;
}

function uint24(view: DataView, offset: number): number {
  return view.getUint8(offset) | (view.getUint8(offset + 1) << 8) | (view.getUint8(offset + 2) << 16);
}

/** The canvas, the frame and the one before it. */
function gif(view: DataView): number {
  return view.getUint16(6, true) * view.getUint16(8, true) * 4 * 3;
}

const tiffTags = { width: 256, height: 257, bits: 258, samples: 277 };

/** The first page. */
function tiff(view: DataView): number | undefined {
  const little = view.getUint8(0) === 0x49;
  const directory = view.getUint32(4, little);
  const entries = view.getUint16(directory, little);
  const found = new Map<number, number>();
  for (let index = 0; index < entries; index += 1) {
    const entry = directory + 2 + index * 12;
    found.set(view.getUint16(entry, little), tiffValue(view, entry, little));
  }
  const width = found.get(tiffTags.width);
  const height = found.get(tiffTags.height);
  if (width === undefined || height === undefined) return undefined;
  const bytesPerSample = Math.max(1, (found.get(tiffTags.bits) ?? 8) / 8);
  return width * height * Math.max(3, found.get(tiffTags.samples) ?? 1) * bytesPerSample;
}

/** First value of a SHORT or LONG field, wherever it is kept. */
function tiffValue(view: DataView, entry: number, little: boolean): number {
  const isShort = view.getUint16(entry + 2, little) === 3;
  const size = (isShort ? 2 : 4) * view.getUint32(entry + 4, little);
  const at = size > 4 ? view.getUint32(entry + 8, little) : entry + 8;
  return at + 4 > view.byteLength ? 0 : isShort ? view.getUint16(at, little) : view.getUint32(at, little);
}

/** Properties of all items come before the data: within this. */
const heifHeaderBytes = 64 * 1024;

/** The decoder holds planes of 16 bits, its own and the converted ones: measured. */
const heifBytesPerPixel = 18;

/** The largest `ispe` (image size) property: grid tiles and thumbnails have smaller ones. */
function heif(view: DataView): number | undefined {
  const head = Buffer.from(view.buffer, view.byteOffset, Math.min(view.byteLength, heifHeaderBytes));
  let most = 0;
  for (let at = head.indexOf("ispe"); at !== -1 && at + 16 <= head.length; at = head.indexOf("ispe", at + 4)) {
    most = Math.max(most, head.readUInt32BE(at + 8) * head.readUInt32BE(at + 12));
  }
  return most === 0 ? undefined : most * heifBytesPerPixel;
}
