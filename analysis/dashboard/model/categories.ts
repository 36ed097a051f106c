import type { Division } from "./crossfilter.ts";

/** A division by what a text says. `values[code]` is the text; `unknown` and `others` say which code means that. */
export interface Categories extends Division {
  values: string[];
}

export interface CategoryNames {
  /** For null and the empty text. */
  unknown: string;
  /** For what is too rare to stand alone. */
  others: string;
  /** More different texts than this go to `others`. Default: 500. */
  limit?: number;
}

/** Codes in order of frequency, then of the text: equal data gives equal codes. `unknown` and `others` come last. */
export function categoriesOf(texts: ArrayLike<string | null | undefined>, { unknown, others, limit = 500 }: CategoryNames): Categories {
  const found = new Map<string, number>();
  for (let row = 0; row < texts.length; row += 1) {
    const text = texts[row] || unknown;
    found.set(text, (found.get(text) ?? 0) + 1);
  }
  const known = [...found].filter(([text]) => text !== unknown && text !== others).sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  const values = known.slice(0, limit).map(([text]) => text);
  if (known.length > limit || found.has(others)) values.push(others);
  if (found.has(unknown)) values.push(unknown);
  const codeOf = new Map(values.map((text, code) => [text, code]));
  const rare = codeOf.get(others) ?? 0;
  const codes = new Uint16Array(texts.length);
  for (let row = 0; row < texts.length; row += 1) codes[row] = codeOf.get(texts[row] || unknown) ?? rare;
  return { codes, size: values.length, values };
}

/** A division by a fixed list, for texts that are known beforehand. What is not in it is left at the first. */
export function categoriesIn(texts: ArrayLike<string>, values: string[]): Categories {
  const codeOf = new Map(values.map((text, code) => [text, code]));
  const codes = new Uint16Array(texts.length);
  for (let row = 0; row < texts.length; row += 1) codes[row] = codeOf.get(texts[row]!) ?? 0;
  return { codes, size: values.length, values };
}
