import { encodeSrgb, srgbColorants, type Curve, type MatrixProfile, type Xyz } from "./profile.ts";

/** Steps between black and white in linear light; fine enough for the steepest part of the sRGB curve. */
const steps = 16_384;
let encoded: Uint8Array | undefined;

/**
 * Changes 8-bit RGB or RGBA pixels in place from the profile's colours to sRGB, colours outside of it clipped: what
 * lcms does with such a profile, within a level. lcms spends 2 ms of set-up on each image, this a few microseconds.
 */
export function toSrgb(data: Uint8Array, channels: number, profile: MatrixProfile): void {
  const [reds, greens, blues] = profile.curves.map(linearLevels) as [Float64Array, Float64Array, Float64Array];
  const [[m0, m1, m2], [m3, m4, m5], [m6, m7, m8]] = multiply(invert(rows(srgbColorants)), rows(profile.colorants));
  encoded ??= encodeTable();
  for (let at = 0; at + 2 < data.length; at += channels) {
    const red = reds[data[at]!]!;
    const green = greens[data[at + 1]!]!;
    const blue = blues[data[at + 2]!]!;
    data[at] = encoded[step(m0 * red + m1 * green + m2 * blue)]!;
    data[at + 1] = encoded[step(m3 * red + m4 * green + m5 * blue)]!;
    data[at + 2] = encoded[step(m6 * red + m7 * green + m8 * blue)]!;
  }
}

function step(linear: number): number {
  return linear <= 0 ? 0 : linear >= 1 ? steps : (linear * steps + 0.5) | 0;
}

function linearLevels(curve: Curve): Float64Array {
  return Float64Array.from({ length: 256 }, (_, level) => curve(level / 255));
}

function encodeTable(): Uint8Array {
  return Uint8Array.from({ length: steps + 1 }, (_, index) => Math.round(encodeSrgb(index / steps) * 255));
}

type Matrix = [Xyz, Xyz, Xyz];

/** Colorants are the columns of the matrix that takes linear RGB to XYZ. */
function rows([r, g, b]: MatrixProfile["colorants"]): Matrix {
  return [
    [r[0], g[0], b[0]],
    [r[1], g[1], b[1]],
    [r[2], g[2], b[2]],
  ];
}

function multiply(a: Matrix, b: Matrix): Matrix {
  return a.map((row) => [0, 1, 2].map((column) => row[0] * b[0][column]! + row[1] * b[1][column]! + row[2] * b[2][column]!)) as Matrix;
}

/** By cofactors. */
function invert([[a, b, c], [d, e, f], [g, h, i]]: Matrix): Matrix {
  const determinant = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
  const adjugate: Matrix = [
    [e * i - f * h, c * h - b * i, b * f - c * e],
    [f * g - d * i, a * i - c * g, c * d - a * f],
    [d * h - e * g, b * g - a * h, a * e - b * d],
  ];
  return adjugate.map((row) => row.map((value) => value / determinant)) as Matrix;
}
