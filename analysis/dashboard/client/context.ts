import type { DashboardModel } from "../model/dashboard.ts";
import type { Selection } from "../model/selection.ts";
import type { Facts, RowPicture } from "./data.ts";

/** What every part of the page works with. */
export interface Context {
  readonly model: DashboardModel;
  readonly facts: Facts;
  readonly pictures: RowPicture[];
  selection(): Selection;
  /** Shows another selection; `step` makes it one that the back button undoes. */
  choose(next: Selection, step?: "step" | "no step"): void;
  /** The color that the style sheet gives a custom property now, e.g. `--ok`. */
  color(property: string): string;
}

/** One part of the page, drawn again whenever the selection changes. */
export interface Part {
  element: HTMLElement;
  render(): void;
}
