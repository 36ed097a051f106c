/**
 * A number that objects of equal size and crc32c share; where the crc32c is unknown, objects of equal size. Different
 * content may share one, rarely: a key only proposes, the worker decides by SHA-256.
 */
export function contentKey(sizeBytes: number, crc32c: string | undefined): number {
  return crc32c === undefined || crc32c.length < 6 ? sizeBytes : crcValue(crc32c) * 2 ** 21 + (sizeBytes % 2 ** 21);
}

/** Base64 of four bytes, without a Buffer each. */
function crcValue(base64: string): number {
  let value = 0;
  for (let index = 0; index < 5; index++) value = value * 64 + base64Digit(base64.charCodeAt(index));
  return value * 4 + (base64Digit(base64.charCodeAt(5)) >> 4);
}

function base64Digit(code: number): number {
  if (code >= 97) return code - 71;
  if (code >= 65) return code - 65;
  if (code >= 48) return code + 4;
  return code === 43 ? 62 : 63;
}

export interface KeySet {
  has(key: number): boolean;
}

export interface KeyCollector {
  add(key: number): void;
  /** How many different keys there are. */
  distinct(): number;
  /** Every key. Further keys may not be added while the set is in use; the same holds for `repeated`. */
  all(): KeySet;
  /** Keys that were added more than once. */
  repeated(): KeySet;
}

/** Eight bytes a key, half as much again while it grows: the only memory of planning that grows with the listing. */
export function createKeyCollector(): KeyCollector {
  let keys = new Float64Array(1024);
  let count = 0;
  let isSorted = true;
  const sorted = (): Float64Array => {
    const used = keys.subarray(0, count);
    if (!isSorted) used.sort();
    isSorted = true;
    return used;
  };
  return {
    add: (key) => {
      if (count === keys.length) {
        const grown = new Float64Array(Math.ceil(count * 1.5));
        grown.set(keys);
        keys = grown;
      }
      keys[count++] = key;
      isSorted = false;
    },
    distinct: () => runsOf(sorted(), 1),
    all: () => keySet(sorted()),
    repeated: () => {
      const chosen = new Float64Array(runsOf(sorted(), 2));
      runsOf(sorted(), 2, chosen);
      return keySet(chosen);
    },
  };
}

/** How many values occur at least so many times in a sorted array; writes them to `into`. */
function runsOf(sorted: Float64Array, times: number, into?: Float64Array): number {
  let found = 0;
  for (let start = 0, end = 0; start < sorted.length; start = end) {
    while (end < sorted.length && sorted[end] === sorted[start]) end++;
    if (end - start < times) continue;
    if (into !== undefined) into[found] = sorted[start]!;
    found++;
  }
  return found;
}

function keySet(sorted: Float64Array): KeySet {
  return {
    has: (key) => {
      let low = 0;
      let high = sorted.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (sorted[middle]! < key) low = middle + 1;
        else high = middle;
      }
      return low < sorted.length && sorted[low] === key;
    },
  };
}
