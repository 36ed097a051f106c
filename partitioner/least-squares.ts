export type Triple = [number, number, number];

/** value ≈ features · coefficients */
export interface Point {
  features: Triple;
  value: number;
}

const rounds = 8;
/** Beyond so many typical errors a point counts less. */
const typicalErrors = 3;
/** A value beyond so many times its prediction does not move the total. */
const wildRatio = 5;

/**
 * Three coefficients, none negative, fitted to positive values whose spread grows with their size: errors count
 * relative to the prediction, outliers are weighed down, and the sum of predictions is the sum of values.
 * Where the points do not tell anything apart, `start` remains, scaled to that sum.
 */
export function nonNegativeLeastSquares(points: Point[], start: Triple): Triple {
  let coefficients = start;
  for (let round = 0; round < rounds; round++) coefficients = solveWeighted(points, weightsOf(points, coefficients)) ?? coefficients;
  return calibrated(points, coefficients);
}

export function median(values: number[]): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[sorted.length >> 1] ?? 0;
}

function predict(point: Point, [a, b, c]: Triple): number {
  return a * point.features[0] + b * point.features[1] + c * point.features[2];
}

function weightsOf(points: Point[], coefficients: Triple): number[] {
  const predictions = points.map((point) => Math.max(0.1, predict(point, coefficients)));
  const errors = points.map((point, index) => Math.abs(point.value - predictions[index]!) / predictions[index]!);
  const typical = Math.max(0.01, median(errors));
  return errors.map((error, index) => Math.min(1, (typicalErrors * typical) / error) / predictions[index]! ** 2);
}

function calibrated(points: Point[], coefficients: Triple): Triple {
  let actual = 0;
  let predicted = 0;
  for (const point of points) {
    const prediction = predict(point, coefficients);
    predicted += prediction;
    actual += Math.min(point.value, wildRatio * prediction);
  }
  const factor = predicted > 0 ? actual / predicted : 1;
  return [coefficients[0] * factor, coefficients[1] * factor, coefficients[2] * factor];
}

/** Exact for three coefficients: the best over all choices of which are zero. */
function solveWeighted(points: Point[], weights: number[]): Triple | undefined {
  const normal = [0, 0, 0, 0, 0, 0, 0, 0, 0];
  const right = [0, 0, 0];
  for (const [index, { features, value }] of points.entries()) {
    const weight = weights[index]!;
    for (let row = 0; row < 3; row++) {
      right[row]! += weight * features[row]! * value;
      for (let column = 0; column < 3; column++) normal[row * 3 + column]! += weight * features[row]! * features[column]!;
    }
  }
  let best: { coefficients: Triple; gain: number } | undefined;
  for (let mask = 1; mask < 8; mask++) {
    const active = [0, 1, 2].filter((row) => (mask & (1 << row)) !== 0);
    const solution = solve(
      active.map((row) => active.map((column) => normal[row * 3 + column]!)),
      active.map((row) => right[row]!),
    );
    if (solution === undefined || solution.some((value) => !(value >= 0))) continue;
    const gain = solution.reduce((sum, value, index) => sum + value * right[active[index]!]!, 0);
    if (best !== undefined && gain <= best.gain) continue;
    const coefficients: Triple = [0, 0, 0];
    for (const [index, row] of active.entries()) coefficients[row] = solution[index]!;
    best = { coefficients, gain };
  }
  return best?.coefficients;
}

/** Gauss-Jordan with pivoting; undefined where the features do not tell the coefficients apart. */
function solve(matrix: number[][], right: number[]): number[] | undefined {
  const size = right.length;
  const scales = matrix.map((row, index) => Math.sqrt(row[index]!));
  if (scales.some((scale) => !(scale > 0))) return undefined;
  const rows = matrix.map((row, index) => [
    ...row.map((value, column) => value / (scales[index]! * scales[column]!)),
    right[index]! / scales[index]!,
  ]);
  for (let column = 0; column < size; column++) {
    const pivot = rows.slice(column).reduce((best, row) => (Math.abs(row[column]!) > Math.abs(best[column]!) ? row : best));
    if (Math.abs(pivot[column]!) < 1e-9) return undefined;
    rows.splice(rows.indexOf(pivot), 1);
    rows.splice(column, 0, pivot);
    for (const [index, row] of rows.entries()) {
      if (index === column) continue;
      const factor = row[column]! / pivot[column]!;
      for (let k = column; k <= size; k++) row[k]! -= factor * pivot[k]!;
    }
  }
  return rows.map((row, index) => row[size]! / row[index]! / scales[index]!);
}
