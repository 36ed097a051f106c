/** What the first bytes say a source object is. `name` is for people. */
export interface Sniffed {
  name: string;
  /**
   * image: a format that imagemill reads; other: one that it knows by name only;
   * text: no format at all, but readable; unknown: neither.
   */
  kind: "image" | "other" | "text" | "unknown";
}

interface Signature {
  name: string;
  image?: true;
  offset?: number;
  /** Latin-1; "?" matches any byte. */
  magic: string;
}

/** Longer before shorter where one starts like another. */
const signatures: Signature[] = [
  { name: "JPEG", image: true, magic: "\xff\xd8\xff" },
  { name: "PNG", image: true, magic: "\x89PNG\r\n\x1a\n" },
  { name: "GIF", image: true, magic: "GIF8" },
  { name: "WebP", image: true, magic: "RIFF????WEBP" },
  { name: "BigTIFF", image: true, magic: "II\x2b\0" },
  { name: "BigTIFF", image: true, magic: "MM\0\x2b" },
  { name: "Canon raw (CR2)", magic: "II*\0????CR" },
  { name: "TIFF", image: true, magic: "II*\0" },
  { name: "TIFF", image: true, magic: "MM\0*" },
  { name: "AVIF", image: true, offset: 4, magic: "ftypavi" },
  { name: "Canon raw (CR3)", offset: 4, magic: "ftypcrx" },
  { name: "HEIF", image: true, offset: 4, magic: "ftyphe" },
  { name: "HEIF", image: true, offset: 4, magic: "ftypmif1" },
  { name: "HEIF", image: true, offset: 4, magic: "ftypmsf1" },
  { name: "MP4 or QuickTime video", offset: 4, magic: "ftyp" },
  { name: "JPEG XL", magic: "\0\0\0\x0cJXL \r\n\x87\n" },
  { name: "JPEG XL", magic: "\xff\x0a" },
  { name: "JPEG 2000", magic: "\0\0\0\x0cjP  \r\n\x87\n" },
  { name: "JPEG 2000", magic: "\xff\x4f\xff\x51" },
  { name: "Photoshop (PSD)", magic: "8BPS" },
  { name: "PDF", magic: "%PDF-" },
  { name: "PostScript", magic: "%!PS" },
  { name: "PostScript (EPS)", magic: "\xc5\xd0\xd3\xc6" },
  { name: "icon (ICO)", magic: "\0\0\x01\0" },
  { name: "cursor (CUR)", magic: "\0\0\x02\0" },
  { name: "Apple icon (ICNS)", magic: "icns" },
  { name: "BMP", magic: "BM" },
  { name: "DirectDraw Surface (DDS)", magic: "DDS " },
  { name: "OpenEXR", magic: "\x76\x2f\x31\x01" },
  { name: "Radiance HDR", magic: "#?RADIANCE" },
  { name: "Radiance HDR", magic: "#?RGBE" },
  { name: "QOI", magic: "qoif" },
  { name: "farbfeld", magic: "farbfeld" },
  { name: "FITS", magic: "SIMPLE  =" },
  { name: "SGI", magic: "\x01\xda" },
  { name: "Blizzard texture (BLP)", magic: "BLP" },
  { name: "Windows metafile (WMF)", magic: "\xd7\xcd\xc6\x9a" },
  { name: "enhanced metafile (EMF)", offset: 40, magic: " EMF" },
  { name: "XPM", magic: "/* XPM */" },
  { name: "Fujifilm raw (RAF)", magic: "FUJIFILMCCD-RAW" },
  { name: "Olympus raw (ORF)", magic: "IIRO" },
  { name: "Panasonic raw (RW2)", magic: "IIU\0" },
  { name: "WAV audio", magic: "RIFF????WAVE" },
  { name: "AVI video", magic: "RIFF????AVI " },
  { name: "Matroska or WebM video", magic: "\x1a\x45\xdf\xa3" },
  { name: "FLIC animation", offset: 4, magic: "\x11\xaf" },
  { name: "FLIC animation", offset: 4, magic: "\x12\xaf" },
  { name: "ZIP", magic: "PK\x03\x04" },
  { name: "gzip", magic: "\x1f\x8b" },
  { name: "Zstandard", magic: "\x28\xb5\x2f\xfd" },
  { name: "7-Zip", magic: "7z\xbc\xaf\x27\x1c" },
  { name: "RAR", magic: "Rar!\x1a\x07" },
  { name: "colour profile (ICC)", offset: 36, magic: "acsp" },
  { name: "TrueType font", magic: "\0\x01\0\0\0" },
  { name: "OpenType font", magic: "OTTO" },
  { name: "Apple double file (._ file of macOS)", magic: "\0\x05\x16\x07" },
  { name: "macOS folder settings (.DS_Store)", magic: "\0\0\0\x01Bud1" },
  { name: "Windows thumbnail cache", magic: "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" },
];

const textSample = 512;

/** Looks at the first few hundred bytes only; never throws. */
export function sniff(bytes: Uint8Array): Sniffed {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, textSample)).toString("latin1");
  const found = signatures.find((signature) => matches(head, signature));
  if (found !== undefined) return { name: found.name, kind: found.image === true ? "image" : "other" };
  return sniffText(head) ?? { name: "unknown", kind: "unknown" };
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
  if (/^P[1-7Ff]\s/.test(head)) return { name: "Netpbm (PPM, PGM, PBM, PFM)", kind: "other" };
  const text = head.replace(/^\xef\xbb\xbf/, "").trimStart();
  if (/^(<\?xml[^>]*>\s*)?(<!--[\s\S]*?-->\s*)?(<!DOCTYPE svg|<svg[\s>:])/i.test(text) || /<svg[\s>]/i.test(text)) {
    return { name: "SVG", kind: "other" };
  }
  if (/^#define\s+\S+_width\s/.test(text)) return { name: "XBM", kind: "other" };
  if (/^(<!DOCTYPE html|<html|<head|<body)/i.test(text)) return { name: "an HTML page", kind: "text" };
  if (/^<\?xml|^<[a-z]/i.test(text)) return { name: "XML", kind: "text" };
  if (/^[[{]/.test(text)) return { name: "JSON", kind: "text" };
  return isText(head) ? { name: "text", kind: "text" } : undefined;
}

function isText(head: string): boolean {
  return head !== "" && !/[\0-\x08\x0e-\x1a\x1c-\x1f\x7f]/.test(head);
}
