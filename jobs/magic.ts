/** What the first bytes say a source object is. `name` continues "it is …". */
export interface Sniffed {
  name: string;
  /** read: imagemill reads it; unread: a format of images or pages that it knows by name only; other: no image. */
  kind: "read" | "unread" | "other";
}

interface Signature {
  name: string;
  kind: Sniffed["kind"];
  offset?: number;
  /** Latin-1; "?" matches any byte. */
  magic: string;
}

/** Longer before shorter where one starts like another. */
const signatures: Signature[] = [
  { name: "JPEG", kind: "read", magic: "\xff\xd8\xff" },
  { name: "PNG", kind: "read", magic: "\x89PNG\r\n\x1a\n" },
  { name: "GIF", kind: "read", magic: "GIF8" },
  { name: "WebP", kind: "read", magic: "RIFF????WEBP" },
  { name: "BigTIFF", kind: "read", magic: "II\x2b\0" },
  { name: "BigTIFF", kind: "read", magic: "MM\0\x2b" },
  { name: "Canon raw (CR2)", kind: "unread", magic: "II*\0????CR" },
  { name: "TIFF", kind: "read", magic: "II*\0" },
  { name: "TIFF", kind: "read", magic: "MM\0*" },
  { name: "AVIF", kind: "read", offset: 4, magic: "ftypavi" },
  { name: "Canon raw (CR3)", kind: "unread", offset: 4, magic: "ftypcrx" },
  { name: "HEIF", kind: "read", offset: 4, magic: "ftyphe" },
  { name: "HEIF", kind: "read", offset: 4, magic: "ftypmif1" },
  { name: "HEIF", kind: "read", offset: 4, magic: "ftypmsf1" },
  { name: "an MP4 or QuickTime video", kind: "other", offset: 4, magic: "ftyp" },
  { name: "JPEG XL", kind: "unread", magic: "\0\0\0\x0cJXL \r\n\x87\n" },
  { name: "JPEG XL", kind: "unread", magic: "\xff\x0a" },
  { name: "JPEG 2000", kind: "unread", magic: "\0\0\0\x0cjP  \r\n\x87\n" },
  { name: "JPEG 2000", kind: "unread", magic: "\xff\x4f\xff\x51" },
  { name: "Photoshop (PSD)", kind: "unread", magic: "8BPS" },
  { name: "PDF", kind: "unread", magic: "%PDF-" },
  { name: "PostScript", kind: "unread", magic: "%!PS" },
  { name: "PostScript (EPS)", kind: "unread", magic: "\xc5\xd0\xd3\xc6" },
  { name: "icon (ICO)", kind: "unread", magic: "\0\0\x01\0" },
  { name: "cursor (CUR)", kind: "unread", magic: "\0\0\x02\0" },
  { name: "Apple icon (ICNS)", kind: "unread", magic: "icns" },
  { name: "BMP", kind: "unread", magic: "BM" },
  { name: "DirectDraw Surface (DDS)", kind: "unread", magic: "DDS " },
  { name: "OpenEXR", kind: "unread", magic: "\x76\x2f\x31\x01" },
  { name: "Radiance HDR", kind: "unread", magic: "#?RADIANCE" },
  { name: "Radiance HDR", kind: "unread", magic: "#?RGBE" },
  { name: "PCX", kind: "unread", magic: "\x0a\x05\x01" },
  { name: "QOI", kind: "unread", magic: "qoif" },
  { name: "farbfeld", kind: "unread", magic: "farbfeld" },
  { name: "FITS", kind: "unread", magic: "SIMPLE  =" },
  { name: "SGI", kind: "unread", magic: "\x01\xda" },
  { name: "Blizzard texture (BLP)", kind: "unread", magic: "BLP" },
  { name: "Windows metafile (WMF)", kind: "unread", magic: "\xd7\xcd\xc6\x9a" },
  { name: "enhanced metafile (EMF)", kind: "unread", offset: 40, magic: " EMF" },
  { name: "XPM", kind: "unread", magic: "/* XPM */" },
  { name: "Fujifilm raw (RAF)", kind: "unread", magic: "FUJIFILMCCD-RAW" },
  { name: "Olympus raw (ORF)", kind: "unread", magic: "IIRO" },
  { name: "Panasonic raw (RW2)", kind: "unread", magic: "IIU\0" },
  { name: "WAV audio", kind: "other", magic: "RIFF????WAVE" },
  { name: "an AVI video", kind: "other", magic: "RIFF????AVI " },
  { name: "a Matroska or WebM video", kind: "other", magic: "\x1a\x45\xdf\xa3" },
  { name: "FLIC animation", kind: "unread", offset: 4, magic: "\x11\xaf" },
  { name: "FLIC animation", kind: "unread", offset: 4, magic: "\x12\xaf" },
  { name: "a ZIP archive", kind: "other", magic: "PK\x03\x04" },
  { name: "gzip data", kind: "other", magic: "\x1f\x8b" },
  { name: "Zstandard data", kind: "other", magic: "\x28\xb5\x2f\xfd" },
  { name: "a 7-Zip archive", kind: "other", magic: "7z\xbc\xaf\x27\x1c" },
  { name: "a RAR archive", kind: "other", magic: "Rar!\x1a\x07" },
  { name: "a colour profile (ICC)", kind: "other", offset: 36, magic: "acsp" },
  { name: "a TrueType font", kind: "other", magic: "\0\x01\0\0\0" },
  { name: "an OpenType font", kind: "other", magic: "OTTO" },
  { name: "a macOS resource file (._*)", kind: "other", magic: "\0\x05\x16\x07" },
  { name: "macOS folder settings (.DS_Store)", kind: "other", magic: "\0\0\0\x01Bud1" },
  { name: "an OLE file (Thumbs.db, old Office)", kind: "other", magic: "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" },
];

const textSample = 512;

/** Looks at the first few hundred bytes only; never throws. Undefined: nothing it knows. */
export function sniff(bytes: Uint8Array): Sniffed | undefined {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, textSample)).toString("latin1");
  return signatures.find((signature) => matches(head, signature)) ?? sniffText(head) ?? sniffTga(bytes);
}

function matches(head: string, { offset = 0, magic }: Signature): boolean {
  if (head.length < offset + magic.length) return false;
  for (let index = 0; index < magic.length; index += 1) {
    if (magic[index] !== "?" && magic[index] !== head[offset + index]) return false;
  }
  return true;
}

/** Formats that are written as text come before text of no format. */
function sniffText(head: string): Sniffed | undefined {
  if (/^P[1-7Ff]\s/.test(head)) return { name: "Netpbm (PPM, PGM, PBM, PFM)", kind: "unread" };
  const text = head.replace(/^\xef\xbb\xbf/, "").trimStart();
  if (/<svg[\s>:]|<!DOCTYPE svg/i.test(text)) return { name: "SVG", kind: "unread" };
  if (/^#define\s+\S+_width\s/.test(text)) return { name: "XBM", kind: "unread" };
  if (/^<(!DOCTYPE html|html|head|body)/i.test(text)) return { name: "an HTML page", kind: "other" };
  if (/^<(\?xml|[a-z])/i.test(text)) return { name: "XML", kind: "other" };
  if (/^[[{]/.test(text)) return { name: "JSON", kind: "other" };
  return isText(head) ? { name: "text", kind: "other" } : undefined;
}

/** No control characters, and mostly ASCII: letters of any one-byte alphabet in between do not matter. */
function isText(head: string): boolean {
  const ascii = head.match(/[\t\n\v\f\r\x20-\x7e]/g)?.length ?? 0;
  return ascii > head.length * 0.7 && !/[\0-\x08\x0e-\x1a\x1c-\x1f\x7f]/.test(head);
}

/** TGA has no magic number: colour map flag, image type, a depth that exists, and a size. */
function sniffTga(bytes: Uint8Array): Sniffed | undefined {
  const [colorMap = 9, type = 0, depth = 0] = [bytes[1], bytes[2], bytes[16]];
  const plausible = colorMap <= 1 && [1, 2, 3, 9, 10, 11].includes(type) && [8, 15, 16, 24, 32].includes(depth);
  const sized = [12, 14].every((at) => (bytes[at] ?? 0) + (bytes[at + 1] ?? 0) > 0);
  return plausible && sized && bytes.byteLength > 18 ? { name: "TGA", kind: "unread" } : undefined;
}
