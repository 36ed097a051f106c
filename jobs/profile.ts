/** What the embedded ICC profile asks for: nothing (absent), nothing (it is sRGB), or a colour transform. */
export type Profile = "none" | "srgb" | "other";

/** D50 colorants of sRGB, as every sRGB profile writes them, give or take rounding. */
const colorants: Record<string, [number, number, number]> = {
  rXYZ: [0.4361, 0.2225, 0.0139],
  gXYZ: [0.3851, 0.7169, 0.0971],
  bXYZ: [0.1431, 0.0606, 0.7141],
};
const colorantTolerance = 0.0015;
/** Half a level of 8 bits: below it the transform would change nothing. */
const curveTolerance = 0.5 / 255;

/**
 * Recognises sRGB by what a profile does, not by its name or hash: there are dozens of builds of it, and profiles
 * named sRGB that are not. Matrix profiles only: one with lookup tables may do anything.
 */
export function profileOf(icc: Uint8Array | undefined): Profile {
  if (icc === undefined) return "none";
  const view = new DataView(icc.buffer, icc.byteOffset, icc.byteLength);
  try {
    return isSrgb(view) ? "srgb" : "other";
  } catch (error) {
    // A profile that points outside itself: libvips decides what it is worth.
    if (error instanceof RangeError) return "other";
    throw error;
  }
}

function isSrgb(view: DataView): boolean {
  if (text(view, 16) !== "RGB " || text(view, 20) !== "XYZ ") return false;
  const tags = readTags(view);
  if (tags.has("A2B0") || tags.has("A2B1") || tags.has("D2B0")) return false;
  const matrix = Object.entries(colorants).every(([name, expected]) => {
    const at = tags.get(name);
    return at !== undefined && expected.every((value, index) => Math.abs(fixed(view, at + 8 + index * 4) - value) < colorantTolerance);
  });
  return (
    matrix &&
    ["rTRC", "gTRC", "bTRC"].every((name) => {
      const at = tags.get(name);
      return at !== undefined && isSrgbCurve(view, at);
    })
  );
}

function readTags(view: DataView): Map<string, number> {
  const count = Math.min(view.getUint32(128), 100);
  const tags = new Map<string, number>();
  for (let index = 0; index < count; index += 1) {
    const at = 132 + index * 12;
    tags.set(text(view, at), view.getUint32(at + 4));
  }
  return tags;
}

function isSrgbCurve(view: DataView, at: number): boolean {
  const curve = readCurve(view, at);
  if (curve === undefined) return false;
  for (let level = 0; level <= 255; level += 5) {
    const encoded = level / 255;
    const decoded = curve(encoded);
    if (Math.abs(encodeSrgb(decoded) - encoded) > curveTolerance) return false;
  }
  return true;
}

/** Encoded value -> linear light. */
function readCurve(view: DataView, at: number): ((encoded: number) => number) | undefined {
  const type = text(view, at);
  if (type === "curv") return readTable(view, at);
  if (type !== "para" || view.getUint16(at + 8) !== 3) return undefined;
  const [gamma = 0, a = 0, b = 0, c = 0, d = 0] = [0, 1, 2, 3, 4].map((index) => fixed(view, at + 12 + index * 4));
  return (encoded) => (encoded >= d ? (a * encoded + b) ** gamma : c * encoded);
}

function readTable(view: DataView, at: number): ((encoded: number) => number) | undefined {
  const count = view.getUint32(at + 8);
  if (count < 2) return undefined;
  const entry = (index: number): number => view.getUint16(at + 12 + index * 2) / 65_535;
  return (encoded) => {
    const position = encoded * (count - 1);
    const below = Math.min(Math.floor(position), count - 2);
    return entry(below) + (entry(below + 1) - entry(below)) * (position - below);
  };
}

function encodeSrgb(linear: number): number {
  return linear <= 0.003_130_8 ? linear * 12.92 : 1.055 * linear ** (1 / 2.4) - 0.055;
}

function fixed(view: DataView, at: number): number {
  return view.getInt32(at) / 65_536;
}

function text(view: DataView, at: number): string {
  return String.fromCharCode(view.getUint8(at), view.getUint8(at + 1), view.getUint8(at + 2), view.getUint8(at + 3));
}
