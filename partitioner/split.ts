import { compareNames } from "../core/names.ts";

/** Code points that names were seen to hold: where a range is cut, one of them comes next. */
export interface Alphabet {
  add(name: string): void;
  /** About in the middle between two code points, both excluded; undefined where nothing is likely to be between. */
  middle(low: number, high: number): number | undefined;
}

const maxAlphabet = 128;
/** Scripts and emoji are blocks of about so many code points, of which few have been seen at first. */
const blockPoints = 128;

export function createAlphabet(): Alphabet {
  const seen = new Set<number>();
  return {
    add: (name) => {
      if (seen.size >= maxAlphabet) return;
      for (const character of name) seen.add(character.codePointAt(0)!);
    },
    middle: (low, high) => {
      const between = [...seen].filter((point) => point > low && point < high).sort((a, b) => a - b);
      return between.length > 0 ? between[between.length >> 1] : middleOfBlock(low, high);
    },
  };
}

function middleOfBlock(low: number, high: number): number | undefined {
  const middle = (low + Math.min(high, low + blockPoints)) >> 1;
  const isCharacter = low >= 0x80 && middle > low && (middle < 0xd800 || middle > 0xdfff) && middle <= lastPoint;
  return isCharacter ? middle : undefined;
}

/**
 * Where the names that follow `cursor` and precede `end` could be cut, nearest first: the first name that leaves the
 * cursor's last character, its last but one, and so on. Behind each lies everything the one before left out.
 */
export function cutsAfter(cursor: string, end: string | undefined): string[] {
  const points = Array.from(cursor);
  const cuts: string[] = [];
  for (let length = points.length - 1; length >= 0; length--) {
    const next = nextPoint(points[length]!.codePointAt(0)!);
    if (next === undefined) continue;
    const cut = points.slice(0, length).join("") + String.fromCodePoint(next);
    if (end === undefined || compareNames(cut, end) < 0) cuts.push(cut);
  }
  return cuts;
}

/** The same cut further on, in the middle of the characters that may follow there; undefined where there are none. */
export function cutBeyond(cut: string, end: string | undefined, alphabet: Alphabet): string | undefined {
  const points = Array.from(cut);
  const stem = points.slice(0, -1).join("");
  const ceiling = end?.startsWith(stem) === true ? end.slice(stem.length).codePointAt(0)! : Infinity;
  const middle = alphabet.middle(points.at(-1)!.codePointAt(0)!, ceiling);
  return middle === undefined ? undefined : stem + String.fromCodePoint(middle);
}

const lastPoint = 0x10ffff;

/** Surrogates are no characters. */
function nextPoint(point: number): number | undefined {
  if (point === 0xd7ff) return 0xe000;
  return point === lastPoint ? undefined : point + 1;
}
