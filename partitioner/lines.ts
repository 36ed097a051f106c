import { createHash } from "node:crypto";

const startBytes = 1 << 20;
const maxSpare = 4;
/** Buffers go from hand to hand: what only the garbage collector frees is freed late. */
const spare: Buffer[] = [];

/** NDJSON in the making, as bytes outside the heap: many small strings that live long are what makes a heap grow. */
export interface Lines extends Disposable {
  readonly count: number;
  add(line: string): void;
  /** Each line with its line break. Not to be used after disposal. */
  bytes(): Uint8Array;
}

export function createLines(): Lines {
  let buffer = spare.pop() ?? Buffer.allocUnsafeSlow(startBytes);
  let length = 0;
  let count = 0;
  const makeRoom = (bytes: number): void => {
    if (bytes <= buffer.length) return;
    const grown = Buffer.allocUnsafeSlow(2 * bytes);
    buffer.copy(grown, 0, 0, length);
    buffer = grown;
  };
  return {
    get count() {
      return count;
    },
    add: (line) => {
      // A UTF-16 unit takes three bytes at most.
      makeRoom(length + 3 * line.length + 1);
      length += buffer.write(line, length);
      length = buffer.writeUInt8(10, length);
      count++;
    },
    bytes: () => buffer.subarray(0, length),
    [Symbol.dispose]: () => {
      if (spare.length < maxSpare) spare.push(buffer);
    },
  };
}

/** Of the text: 24 hex digits. */
export function digestOfLines(lines: Lines): string {
  return createHash("sha256").update(lines.bytes()).digest("hex").slice(0, 24);
}
