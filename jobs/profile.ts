/** An RGB profile made of three curves and a matrix, as those of cameras, phones and editors are. */
export interface MatrixProfile {
  /** Encoded value -> linear light, both 0 to 1, for red, green, blue. */
  curves: [Curve, Curve, Curve];
  /** XYZ (D50) of full red, green, blue. */
  colorants: [Xyz, Xyz, Xyz];
}

export type Curve = (encoded: number) => number;
export type Xyz = [x: number, y: number, z: number];

/** What the embedded ICC profile asks for. `other`: one with lookup tables, or not of RGB: libvips' business. */
export type Profile = { kind: "none" | "srgb" | "other" } | ({ kind: "matrix" } & MatrixProfile);

/** Of sRGB, as every sRGB profile writes them, give or take rounding. */
export const srgbColorants: MatrixProfile["colorants"] = [
  [0.436_07, 0.222_49, 0.013_92],
  [0.385_15, 0.716_87, 0.097_08],
  [0.143_07, 0.060_61, 0.714_1],
];

const colorantTolerance = 0.0015;
/** Half a level of 8 bits: below it the transform would change nothing. */
const curveTolerance = 0.5 / 255;

/**
 * Recognises sRGB by what a profile does, not by its name or hash: there are dozens of builds of it, and profiles
 * named sRGB that are not.
 */
export function profileOf(icc: Uint8Array | undefined): Profile {
  if (icc === undefined) return { kind: "none" };
  const matrix = readMatrixProfile(new DataView(icc.buffer, icc.byteOffset, icc.byteLength));
  if (matrix === undefined) return { kind: "other" };
  return isSrgb(matrix) ? { kind: "srgb" } : { kind: "matrix", ...matrix };
}

export function encodeSrgb(linear: number): number {
  return linear <= 0.003_130_8 ? linear * 12.92 : 1.055 * linear ** (1 / 2.4) - 0.055;
}

function isSrgb({ curves, colorants }: MatrixProfile): boolean {
  const sameMatrix = colorants.every((xyz, color) =>
    xyz.every((value, index) => near(value, srgbColorants[color]![index]!, colorantTolerance)),
  );
  return sameMatrix && curves.every(isSrgbCurve);
}

function isSrgbCurve(curve: Curve): boolean {
  for (let level = 0; level <= 255; level += 5) {
    if (!near(encodeSrgb(curve(level / 255)), level / 255, curveTolerance)) return false;
  }
  return true;
}

function near(a: number, b: number, tolerance: number): boolean {
  return Math.abs(a - b) <= tolerance;
}

function readMatrixProfile(view: DataView): MatrixProfile | undefined {
  try {
    if (text(view, 16) !== "RGB " || text(view, 20) !== "XYZ ") return undefined;
    const tags = readTags(view);
    if (["A2B0", "A2B1", "D2B0"].some((table) => tags.has(table))) return undefined;
    const curves = ["rTRC", "gTRC", "bTRC"].map((tag) => readCurve(view, tags.get(tag)));
    const colorants = ["rXYZ", "gXYZ", "bXYZ"].map((tag) => readXyz(view, tags.get(tag)));
    const complete = [...curves, ...colorants].every((part) => part !== undefined);
    return complete ? ({ curves, colorants } as MatrixProfile) : undefined;
  } catch (error) {
    // A profile that points outside itself: libvips decides what it is worth.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
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

function readXyz(view: DataView, at: number | undefined): Xyz | undefined {
  if (at === undefined || text(view, at) !== "XYZ ") return undefined;
  return [fixed(view, at + 8), fixed(view, at + 12), fixed(view, at + 16)];
}

function readCurve(view: DataView, at: number | undefined): Curve | undefined {
  if (at === undefined) return undefined;
  if (text(view, at) === "para") return readFormula(view, at);
  return text(view, at) === "curv" ? readTable(view, at) : undefined;
}

/** Of the five forms of parametric curve the two that RGB profiles use. */
function readFormula(view: DataView, at: number): Curve | undefined {
  const form = view.getUint16(at + 8);
  const parameter = (index: number): number => fixed(view, at + 12 + index * 4);
  const gamma = parameter(0);
  if (form === 0) return (encoded) => encoded ** gamma;
  if (form !== 3) return undefined;
  const [a, b, c, d] = [parameter(1), parameter(2), parameter(3), parameter(4)];
  return (encoded) => (encoded >= d ? Math.max(0, a * encoded + b) ** gamma : c * encoded);
}

function readTable(view: DataView, at: number): Curve {
  const count = view.getUint32(at + 8);
  if (count === 0) return (encoded) => encoded;
  if (count === 1) {
    const gamma = view.getUint16(at + 12) / 256;
    return (encoded) => encoded ** gamma;
  }
  // Reading the last entry now tells a table that ends outside the profile.
  view.getUint16(at + 12 + (count - 1) * 2);
  const entry = (index: number): number => view.getUint16(at + 12 + index * 2) / 65_535;
  return (encoded) => {
    const position = encoded * (count - 1);
    const below = Math.min(Math.floor(position), count - 2);
    return entry(below) + (entry(below + 1) - entry(below)) * (position - below);
  };
}

function fixed(view: DataView, at: number): number {
  return view.getInt32(at) / 65_536;
}

function text(view: DataView, at: number): string {
  return String.fromCharCode(view.getUint8(at), view.getUint8(at + 1), view.getUint8(at + 2), view.getUint8(at + 3));
}
