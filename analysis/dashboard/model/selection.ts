import type { Range } from "./bins.ts";

export const categoryKeys = ["run", "outcome", "reason", "format", "camera", "color"] as const;
export const binKeys = ["size", "megapixels", "spent", "elapsed"] as const;
export const sortKeys = ["processed", "name", "size", "megapixels", "spent"] as const;

export type CategoryKey = (typeof categoryKeys)[number];
export type BinKey = (typeof binKeys)[number];
export type SortKey = (typeof sortKeys)[number];
export type Theme = "light" | "dark";

/** Everything that a person has chosen on the page; what the address of the page says after `#`. */
export interface Selection {
  /** Absent: all. Never empty. */
  values: Partial<Record<CategoryKey, string[]>>;
  ranges: Partial<Record<BinKey, Range>>;
  /** Part of a name, in any case; empty: all. */
  text: string;
  sort: { key: SortKey; descending: boolean };
  /** Absent: as the system has it. */
  theme?: Theme;
}

export const nothingSelected: Selection = { values: {}, ranges: {}, text: "", sort: { key: "processed", descending: true } };

/** Without the `#`; empty where nothing is chosen. Equal selections give equal text. */
export function writeSelection({ values, ranges, text, sort, theme }: Selection): string {
  const parameters = new URLSearchParams();
  for (const key of categoryKeys) for (const value of values[key] ?? []) parameters.append(key, value);
  for (const key of binKeys) {
    const range = ranges[key];
    if (range !== undefined) parameters.set(key, `${range.from}..${range.below ?? ""}`);
  }
  if (text !== "") parameters.set("name", text);
  const { key, descending } = nothingSelected.sort;
  if (sort.key !== key || sort.descending !== descending) parameters.set("sort", `${sort.descending ? "-" : ""}${sort.key}`);
  if (theme !== undefined) parameters.set("theme", theme);
  return parameters.toString();
}

/** Whatever the text: what is not understood is left out. */
export function readSelection(text: string): Selection {
  const parameters = new URLSearchParams(text.replace(/^#/, ""));
  const selection: Selection = { ...nothingSelected, values: {}, ranges: {}, text: parameters.get("name") ?? "" };
  for (const key of categoryKeys) {
    const chosen = [...new Set(parameters.getAll(key))].filter((value) => value !== "");
    if (chosen.length > 0) selection.values[key] = chosen;
  }
  for (const key of binKeys) {
    const range = readRange(parameters.get(key));
    if (range !== undefined) selection.ranges[key] = range;
  }
  const [, minus, sorted] = /^(-?)([a-z]+)$/.exec(parameters.get("sort") ?? "") ?? [];
  const key = sortKeys.find((candidate) => candidate === sorted);
  if (key !== undefined) selection.sort = { key, descending: minus === "-" };
  const theme = parameters.get("theme");
  if (theme === "light" || theme === "dark") selection.theme = theme;
  return selection;
}

function readRange(text: string | null): Range | undefined {
  const [, from, below] = /^(\d+(?:\.\d+)?)\.\.(\d+(?:\.\d+)?)?$/.exec(text ?? "") ?? [];
  if (from === undefined) return undefined;
  const range = { from: Number(from), below: below === undefined ? undefined : Number(below) };
  return range.below !== undefined && range.below <= range.from ? undefined : range;
}

export function isFiltered({ values, ranges, text }: Selection): boolean {
  return Object.keys(values).length > 0 || Object.keys(ranges).length > 0 || text !== "";
}

/** Takes the value in, or out where it was in. */
export function toggled(selection: Selection, key: CategoryKey, value: string): Selection {
  const before = selection.values[key] ?? [];
  const after = before.includes(value) ? before.filter((one) => one !== value) : [...before, value];
  return withValues(selection, key, after);
}

export function withValues(selection: Selection, key: CategoryKey, chosen: string[]): Selection {
  const { [key]: _before, ...others } = selection.values;
  return { ...selection, values: chosen.length === 0 ? others : { ...others, [key]: chosen } };
}

export function withRange(selection: Selection, key: BinKey, range: Range | undefined): Selection {
  const { [key]: _before, ...others } = selection.ranges;
  return { ...selection, ranges: range === undefined ? others : { ...others, [key]: range } };
}

/** Keeps what is not a filter. */
export function withoutFilters(selection: Selection): Selection {
  return { ...selection, values: {}, ranges: {}, text: "" };
}
