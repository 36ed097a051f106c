/**
 * Reads the few EXIF tags that become facts. Not a general reader: those expand every entry, and a 64 kB block whose
 * entries all point at the same bytes then costs seconds and gigabytes. Here each wanted tag is read once, bounded.
 */
export interface ExifFields {
  make?: string;
  model?: string;
  lens?: string;
  orientation?: number;
  /** `YYYY:MM:DD HH:MM:SS`, as the camera wrote it. */
  original?: string;
  digitized?: string;
  /** `+02:00`, of the original and of the digitized time. */
  originalOffset?: string;
  digitizedOffset?: string;
  /** Degrees, minutes, seconds. */
  latitude?: number[];
  latitudeRef?: string;
  longitude?: number[];
  longitudeRef?: string;
}

interface Tag {
  field: keyof ExifFields;
  read: (tiff: Tiff, entry: number) => string | number | number[] | undefined;
}

interface Tiff {
  view: DataView;
  littleEndian: boolean;
}

const maxTextBytes = 256;
const photoPointer = 0x8769;
const gpsPointer = 0x8825;

const imageTags: Record<number, Tag> = {
  0x010f: { field: "make", read: readText },
  0x0110: { field: "model", read: readText },
  0x0112: { field: "orientation", read: readInteger },
};
const photoTags: Record<number, Tag> = {
  0x9003: { field: "original", read: readText },
  0x9004: { field: "digitized", read: readText },
  0x9011: { field: "originalOffset", read: readText },
  0x9012: { field: "digitizedOffset", read: readText },
  0xa434: { field: "lens", read: readText },
};
const gpsTags: Record<number, Tag> = {
  1: { field: "latitudeRef", read: readText },
  2: { field: "latitude", read: readRationals },
  3: { field: "longitudeRef", read: readText },
  4: { field: "longitude", read: readRationals },
};

/** `block` may start with "Exif\0\0". Throws on what is not EXIF or points outside itself. */
export function readExif(block: Uint8Array): ExifFields {
  const tiff = openTiff(block);
  const fields: ExifFields = {};
  const pointers = readDirectory(tiff, u32(tiff, 4), imageTags, fields);
  if (pointers.photo !== undefined) readDirectory(tiff, pointers.photo, photoTags, fields);
  if (pointers.gps !== undefined) readDirectory(tiff, pointers.gps, gpsTags, fields);
  return fields;
}

function openTiff(block: Uint8Array): Tiff {
  const start = block[0] === 0x45 && block[1] === 0x78 ? 6 : 0;
  if (block.byteLength < start + 8) throw new Error("it is too short");
  const view = new DataView(block.buffer, block.byteOffset + start, block.byteLength - start);
  const order = view.getUint16(0);
  if (order !== 0x4949 && order !== 0x4d4d) throw new Error("it has no byte order mark");
  const tiff = { view, littleEndian: order === 0x4949 };
  if (u16(tiff, 2) !== 42) throw new Error("it has no TIFF header");
  return tiff;
}

function readDirectory(tiff: Tiff, offset: number, tags: Record<number, Tag>, fields: ExifFields): { photo?: number; gps?: number } {
  if (offset + 2 > tiff.view.byteLength) throw new Error("it points outside itself");
  const pointers: { photo?: number; gps?: number } = {};
  const entries = u16(tiff, offset);
  for (let index = 0; index < entries; index += 1) {
    const entry = offset + 2 + index * 12;
    // A directory cut short still gives what stands before the cut.
    if (entry + 12 > tiff.view.byteLength) break;
    const id = u16(tiff, entry);
    const tag = tags[id];
    if (id === photoPointer) pointers.photo = u32(tiff, entry + 8);
    else if (id === gpsPointer) pointers.gps = u32(tiff, entry + 8);
    else if (tag !== undefined) Object.assign(fields, { [tag.field]: tag.read(tiff, entry) });
  }
  return pointers;
}

/** Where the value of an entry of this type stands, and how many units it has; undefined when it is not that. */
function locate(tiff: Tiff, entry: number, type: number, unitBytes: number, maxCount: number): { at: number; count: number } | undefined {
  if (u16(tiff, entry + 2) !== type) return undefined;
  const declared = u32(tiff, entry + 4);
  const at = declared * unitBytes <= 4 ? entry + 8 : u32(tiff, entry + 8);
  const count = Math.min(declared, maxCount);
  return count > 0 && at + count * unitBytes <= tiff.view.byteLength ? { at, count } : undefined;
}

function readText(tiff: Tiff, entry: number): string | undefined {
  const found = locate(tiff, entry, 2, 1, maxTextBytes);
  if (found === undefined) return undefined;
  const raw = Buffer.from(tiff.view.buffer, tiff.view.byteOffset + found.at, found.count);
  const end = raw.indexOf(0);
  const text = raw
    .toString("utf8", 0, end === -1 ? found.count : end)
    .replace(/[\0-\x1f\x7f]/g, " ")
    .trim();
  return text === "" ? undefined : text;
}

/** NaN where it is no integer: then the picture's orientation is left to libvips. */
function readInteger(tiff: Tiff, entry: number): number {
  const read = integers[u16(tiff, entry + 2)];
  return read === undefined || u32(tiff, entry + 4) !== 1 ? NaN : read(tiff, entry + 8);
}

function readRationals(tiff: Tiff, entry: number): number[] | undefined {
  const found = locate(tiff, entry, 5, 8, 3);
  return found && Array.from({ length: found.count }, (_, index) => u32(tiff, found.at + index * 8) / u32(tiff, found.at + index * 8 + 4));
}

function u16({ view, littleEndian }: Tiff, at: number): number {
  return view.getUint16(at, littleEndian);
}

function u32({ view, littleEndian }: Tiff, at: number): number {
  return view.getUint32(at, littleEndian);
}

/** By type; a single one stands in the entry itself. */
const integers: Record<number, (tiff: Tiff, at: number) => number> = {
  1: ({ view }, at) => view.getUint8(at),
  3: u16,
  4: u32,
  8: u16,
  9: u32,
};
