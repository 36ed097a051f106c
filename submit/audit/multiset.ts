import { createHash } from "node:crypto";

/**
 * A digest of a multiset that its elements can be added to in any order: two streams that are sorted differently are
 * compared in constant memory. Sums of 128 bits of SHA-256 each.
 */
export interface Multiset {
  add(...parts: (string | undefined)[]): void;
  readonly size: number;
  equals(other: Multiset): boolean;
  /** Two words; for `equals`. */
  readonly sums: readonly [bigint, bigint];
}

export function newMultiset(): Multiset {
  let size = 0;
  let high = 0n;
  let low = 0n;
  const set: Multiset = {
    add: (...parts) => {
      const digest = createHash("sha256").update(JSON.stringify(parts)).digest();
      high = BigInt.asUintN(64, high + digest.readBigUInt64BE(0));
      low = BigInt.asUintN(64, low + digest.readBigUInt64BE(8));
      size += 1;
    },
    get size() {
      return size;
    },
    get sums() {
      return [high, low] as const;
    },
    equals: (other) => other.size === size && other.sums[0] === high && other.sums[1] === low,
  };
  return set;
}
